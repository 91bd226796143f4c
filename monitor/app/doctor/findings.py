"""Findings: what was looked at, what was seen, how bad it is and what to do; how they are printed is not known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

_NAMED = 5


class Verdict(StrEnum):
    """Say how bad a finding is: a warning may be meant so, a failure keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one finding; `about` names what was looked at, `do` is empty where nothing is to be done."""

    verdict: Verdict
    about: str
    seen: str
    do: str = ""


def good(about: str, seen: str) -> Finding:
    """Return a finding that nothing is wrong."""
    return Finding(Verdict.OK, about, seen)


def warning(about: str, seen: str, do: str) -> Finding:
    """Return a finding that is allowed, but worth a look."""
    return Finding(Verdict.WARNING, about, seen, do)


def failure(about: str, seen: str, do: str) -> Finding:
    """Return a finding that keeps something from working."""
    return Finding(Verdict.FAILURE, about, seen, do)


def is_good(findings: Iterable[Finding]) -> bool:
    """Return whether there is no failure."""
    return all(finding.verdict is not Verdict.FAILURE for finding in findings)


def listed(names: Sequence[str]) -> str:
    """Return names in one line, the first few of many."""
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
