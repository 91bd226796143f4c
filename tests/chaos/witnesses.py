"""The witnesses of a chaos run: accounts that never change, in contracts that never change.

Their chains follow from the price messages alone, so that every message that was left out, judged twice or joined with
the next one shows: each event must stand there, and be told of just the message that brought it about. They hold linear
contracts at the mark only, so a few decimals, exact in the default context, do for what the oracle does for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tests.chaos.chains import Chains
from tests.chaos.facts import Account, Facts
from tests.chaos.oracle import HYSTERESIS, Edges
from tests.chaos.people import WITNESS
from tests.chaos.verdict import CHAIN, LOSS, Verdict
from tests.portfolio.oracle import LADDER, bracket

D = Decimal
F = Fraction
Due = list[tuple[str, int]]
"""The events due to a scope: status, and offset of the message that brings it about."""


class Leg(NamedTuple):
    """Hold one position and its brackets: floor, rate, deduction."""

    symbol: str
    quantity: Decimal
    entry: Decimal
    brackets: tuple[tuple[Decimal, Decimal, Decimal], ...]

    def figures(self, mark: Decimal) -> tuple[Decimal, Decimal]:
        """Return profit and requirement."""
        notional = abs(self.quantity) * mark
        _, rate, deduction = [row for row in self.brackets if row[0] <= notional][-1]
        return self.quantity * (mark - self.entry), notional * rate - deduction


class Scope(NamedTuple):
    """Hold what one scope consists of."""

    name: str
    wallet: Decimal
    legs: tuple[Leg, ...]


def judge_witnesses(chains: Chains, facts: Facts, unjudged: bool, verdict: Verdict) -> None:
    """Compare the chain of every witness with the one that follows from the prices."""
    if unjudged:
        verdict.notes.append("price messages were reported as unjudged: the chains of witnesses are not compared")
        return
    for name, past in facts.past.items():
        for scope in _scopes(past[0], facts) if name.startswith(WITNESS) else ():
            wanted = _due(scope, facts)
            told = [(event["status"], event["cause"].get("offset")) for event in chains.get((name, scope.name), ())]
            verdict.figures["events of witnesses"] += len(wanted)
            if told != wanted:
                pairs = zip(told, wanted, strict=False)
                same = [one == other for one, other in pairs]
                place = same.index(False) if False in same else len(same)
                kind = LOSS if len(told) < len(wanted) else CHAIN
                differs = f"told {told[place : place + 3]}, due {wanted[place : place + 3]}"
                verdict.complain(kind, f"{name} {scope.name} from event {place + 1} on: {differs}")


def _scopes(account: Account, facts: Facts) -> Iterator[Scope]:
    for one in account.live(isolated=True):
        yield Scope(f"isolated:{one['symbol']}:both", D(one["isolated_wallet"]), (_leg(one, facts),))
    cross = tuple(_leg(one, facts) for one in account.live(isolated=False))
    yield Scope("cross:USDT", D(account.balances["USDT"]), cross)


def _leg(one: dict[str, str], facts: Facts) -> Leg:
    rows = facts.terms[one["symbol"]]["brackets"]
    brackets = []
    for row in rows:
        rate, deduction, _ = bracket(rows, F(row["floor"]), F(1))
        brackets.append((D(row["floor"]), _decimal(rate), _decimal(deduction)))
    return Leg(one["symbol"], D(one["quantity"]), D(one["entry_price"]), tuple(brackets))


def _decimal(value: Fraction) -> Decimal:
    return D(value.numerator) / D(value.denominator)


def _due(scope: Scope, facts: Facts) -> Due:
    """Return the events due to a scope."""
    found: Due = []
    last, marks = "healthy", {}
    held = {leg.symbol for leg in scope.legs}
    for offset, symbols in facts.ticks:
        moved = held.intersection(symbols)
        marks |= {symbol: D(facts.at[symbol, offset]["mark_price"]) for symbol in moved}
        if moved and len(marks) == len(held):
            figures = [leg.figures(marks[leg.symbol]) for leg in scope.legs]
            equity = scope.wallet + sum(profit for profit, _ in figures)
            now = _edges(equity, sum((needed for _, needed in figures), D(0))).after(last)
            if now != last:
                found.append((now, offset))
                last = now
    return found


def _edges(equity: Decimal, needed: Decimal) -> Edges:
    if equity <= 0:
        return Edges("bankrupt", "bankrupt")
    down = up = "healthy"
    for name, line, back in _LINES:
        down = name if equity * line[1] < line[0] * needed else down
        up = name if equity * back[1] < back[0] * needed else up
    return Edges(down, up)


def _ratio(line: Fraction) -> tuple[Decimal, Decimal]:
    return D(line.numerator), D(line.denominator)


_LINES = [(name, _ratio(line), _ratio(line * (1 + HYSTERESIS))) for name, line in LADDER.items()]
