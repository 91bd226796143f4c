"""Terms: the contracts and the collateral a venue states, compared with what was written of them. Pure.

Whether a change is believed is the daemon's doubt (`instruments.max_step`), which asks a person to confirm. What is
doubted here is an answer that leaves out much of what there was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

TermsRole = Literal["instruments", "assets"]
Documents = Mapping[str, Mapping[str, Any]]

_MOST_GONE = 0.1
"""The largest part of all contracts that may be missing from an answer before it is doubted."""
_FEW = 5
_CLOSED = "closed"
_NO_NEWS = frozenset({"event_time_ms"})


@dataclass(frozen=True, slots=True)
class Terms:
    """Hold what a venue states: native documents by symbol and by asset, and what of its answer cannot be used.

    `margin_available` says of each asset whether it counts, for messages that are made of index prices. A contract
    without `brackets` has those of the profile, or none.
    """

    instruments: Documents
    assets: Documents = field(default_factory=dict)
    margin_available: Mapping[str, bool] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class DoubtfulTerms(ValueError):
    """An answer that leaves out so much of what there was that it is not believed."""


class TermsChange(NamedTuple):
    """Hold one document to be written, and in words what differs from the one before it."""

    role: TermsRole
    name: str
    document: Mapping[str, Any]
    difference: str


class TermsBook:
    """Remember what was written of each contract and asset. `known_brackets`: contracts whose profile has brackets."""

    def __init__(self, known_brackets: frozenset[str]) -> None:
        self._known_brackets = known_brackets
        self._written: dict[TermsRole, dict[str, Mapping[str, Any]]] = {"instruments": {}, "assets": {}}
        self.brackets: dict[str, int] = {}
        """How many contracts have their brackets from the venue, from the profile, and from nowhere."""

    def changes(self, terms: Terms) -> list[TermsChange]:
        """Return what has to be written. Raises `DoubtfulTerms`; nothing has changed then."""
        known = self._written["instruments"]
        gone = [name for name, one in known.items() if name not in terms.instruments and one["status"] != _CLOSED]
        if not terms.instruments or len(gone) > max(_FEW, _MOST_GONE * len(known)):
            raise DoubtfulTerms(f"{len(gone)} of {len(known)} contracts are missing from the answer")
        writable = {name: one for name, one in terms.instruments.items() if self._source(name, one) != "none"}
        closed = {name: {**known[name], "status": _CLOSED} for name in gone}
        self.brackets = dict.fromkeys(("venue", "profile", "none"), 0)
        for name, one in terms.instruments.items():
            self.brackets[self._source(name, one)] += 1
        return [*self._differing("instruments", {**writable, **closed}), *self._differing("assets", terms.assets)]

    def forget(self, change: TermsChange) -> None:
        """Take note that a change was not written after all: it is one again the next time."""
        self._written[change.role].pop(change.name, None)

    def _source(self, name: str, document: Mapping[str, Any]) -> str:
        if document.get("brackets"):
            return "venue"
        return "profile" if name in self._known_brackets else "none"

    def _differing(self, role: TermsRole, documents: Documents) -> Iterator[TermsChange]:
        written = self._written[role]
        for name, document in documents.items():
            before = written.get(name)
            differing = "new" if before is None else _difference(before, document)
            if differing:
                written[name] = document
                yield TermsChange(role, name, document, differing)


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return which fields differ and how, empty when none does."""
    names = sorted((before.keys() | after.keys()) - _NO_NEWS)
    return ", ".join(
        f"{name}: {before.get(name)} -> {after.get(name)}" for name in names if before.get(name) != after.get(name)
    )
