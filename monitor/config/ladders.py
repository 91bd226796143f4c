"""Ladders: the keys of the status ladder, its two conventions, and the ladder each kind of scope has.

What a ladder decides lives in `monitor.core.ladder`; here its numbers are only brought together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from monitor.config.complaints import Complaint
from monitor.core.ladder import DEFAULT_THRESHOLDS, RUNGS, BadLadder, Ladder, MarginStatus
from monitor.core.verdict import Ladders

KINDS = ("cross", "isolated", "portfolio")
"""The kinds of scope that may have a ladder of their own."""

Line = Literal["watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt"]


@dataclass(frozen=True, slots=True)
class LadderKeys:
    """Declare the keys of `[ladder]` and of its tables; the defaults are those of `Ladder` itself.

    Attributes:
        convention: how the thresholds are written: `health` is E/MM, `risk` MM/E. It holds for the source that says it
            and for every source that outranks it; numbers from below keep their meaning.
        watch: threshold of `watch`; null where the status does not exist. The same for the other rungs.
        warning: see `watch`.
        margin_call: see `watch`.
        liquidation: the only threshold that cannot be null.
        critical: see `watch`.
        takeover: see `watch`.
        hysteresis: a status is left upwards only at E ≥ k·(1 + hysteresis)·MM.
        inclusive: a status begins at E ≤ k·MM instead of E < k·MM.
        debt_floor: a debt without a requirement that is worth less than this in USD is no status.
        adl_watch: entering this status, or a worse one, is also told to subscribers of ADL.
    """

    convention: Literal["health", "risk"] = "health"
    watch: Fraction | None = field(default=DEFAULT_THRESHOLDS[MarginStatus.WATCH], metadata={"above": 0})
    warning: Fraction | None = field(default=DEFAULT_THRESHOLDS[MarginStatus.WARNING], metadata={"above": 0})
    margin_call: Fraction | None = field(default=DEFAULT_THRESHOLDS[MarginStatus.MARGIN_CALL], metadata={"above": 0})
    liquidation: Fraction = field(default=Fraction(1), metadata={"above": 0})
    critical: Fraction | None = field(default=DEFAULT_THRESHOLDS[MarginStatus.CRITICAL], metadata={"above": 0})
    takeover: Fraction | None = field(default=DEFAULT_THRESHOLDS[MarginStatus.TAKEOVER], metadata={"above": 0})
    hysteresis: Fraction = field(default=Fraction(1, 200), metadata={"at_least": 0})
    inclusive: bool = False
    debt_floor: Fraction = field(default=Fraction(1), metadata={"at_least": 0})
    adl_watch: Line = "critical"


@dataclass(frozen=True, slots=True)
class LadderTables(LadderKeys):
    """Declare `[ladder]` with the tables that override it for one kind of scope."""

    cross: LadderKeys = field(default_factory=LadderKeys)
    isolated: LadderKeys = field(default_factory=LadderKeys)
    portfolio: LadderKeys = field(default_factory=LadderKeys)


def into_health(layer: MutableMapping[str, object], conventions: MutableMapping[str, str]) -> None:
    """Turn the thresholds of one source into the health convention, in place.

    `conventions` carries what is in force per table (`ladder`, `ladder.cross` …) from the sources below to those above.
    """
    for table in ("ladder", *(f"ladder.{kind}" for kind in KINDS)):
        if f"{table}.convention" in layer:
            conventions[table] = str(layer.pop(f"{table}.convention"))
        if conventions.get(table, conventions.get("ladder", "health")) == "health":
            continue
        for rung in RUNGS:
            value = layer.get(f"{table}.{rung}")
            if isinstance(value, Fraction):
                layer[f"{table}.{rung}"] = 1 / value


def build_ladders(values: Mapping[str, object], origins: Mapping[str, str]) -> tuple[Ladders, list[Complaint]]:
    """Return the ladders that merged values give, and what is wrong with them (then the ladder is the default one)."""
    base = _given(values, "ladder")
    built: dict[str, Ladder] = {}
    complaints: list[Complaint] = []
    for table, own in [("ladder", {}), *((f"ladder.{kind}", _given(values, f"ladder.{kind}")) for kind in KINDS)]:
        if table != "ladder" and not own:
            built[table] = built["ladder"]
            continue
        try:
            built[table] = _ladder({**base, **own})
        except BadLadder as bad:
            built[table] = Ladder.build()
            path = f"{table}.{bad.path}"
            source = origins.get(path) or origins.get(f"ladder.{bad.path}") or "defaults"
            complaints.append(Complaint(path, source, bad.why))
    return Ladders(**{kind: built[f"ladder.{kind}"] for kind in KINDS}), complaints


def ladder_values(ladder: Ladder, convention: str = "health") -> Iterator[tuple[str, object]]:
    """Yield (key, value) of a ladder as its table would state them."""
    yield "convention", convention
    for rung in RUNGS:
        yield str(rung), ladder.threshold(rung)
    yield "hysteresis", ladder.hysteresis
    yield "inclusive", ladder.inclusive
    yield "debt_floor", ladder.debt_floor
    yield "adl_watch", str(ladder.adl_watch)


def _given(values: Mapping[str, object], table: str) -> dict[str, object]:
    """Return what is given for the keys of one table, without those of the tables inside it."""
    prefix = f"{table}."
    return {path.removeprefix(prefix): value for path, value in values.items() if path.rpartition(".")[0] == table}


def _ladder(given: dict[str, object]) -> Ladder:
    thresholds = {rung: given.pop(str(rung)) for rung in RUNGS if str(rung) in given}
    if "adl_watch" in given:
        given["adl_watch"] = MarginStatus(str(given["adl_watch"]))
    return Ladder.build(thresholds, **given)  # type: ignore[arg-type]  # each value was read as its key's type
