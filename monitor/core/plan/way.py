"""The way back: which positions a rule reduces, in which order, and by how much.

The order is ours, for no venue publishes one for a scope with several positions: first the position of which a
reduction relieves the scope the most (k·requirement freed less the fee, in the unit of the scope), ties by symbol, then
by side. So if any single position suffices, only one is touched; and where the requirement is a sum over positions and
fees are all paid in one asset, no other choice of stops restores a scope that this order does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Generic, NamedTuple

from monitor.core.accounts import Position
from monitor.core.amounts import N, Number
from monitor.core.plan import brackets, large_order, share, whole
from monitor.core.plan.fillable_price import fillable_price
from monitor.core.plan.holding import Holding
from monitor.core.plan.pairs import pairs
from monitor.core.plan.projection import Figures, Projection
from monitor.core.plan.rule import Line, LiquidationRule, RuleName


class Reduction(NamedTuple):
    """Hold one reduction: how much of which position, what is left of it (signed), and the scope's figures after it.

    `against_other_leg`: it is closed against the other leg of its contract, without an order. `limit_price` is that of
    the order where the rule gives it one. `notional` and `fee` are in the settle asset, the figures in the scope's.
    """

    position: Position
    settle_asset: str
    mark_price: Decimal
    quantity: Decimal
    left: Decimal
    notional: Number
    fee: Number
    equity: Number
    requirement: Number
    against_other_leg: bool = False
    limit_price: Number | None = None


class WayBack(NamedTuple):
    """Hold the reductions and whether the scope is back at its line after them."""

    reductions: tuple[Reduction, ...]
    restores: bool


def way_back(projection: Projection[N], rule: LiquidationRule, line: Line) -> WayBack:
    """Return what the rule reduces until the scope is back; where it cannot be, every position closed."""
    return _Way(projection, rule, line).found()


class _Way(Generic[N]):
    def __init__(self, projection: Projection[N], rule: LiquidationRule, line: Line) -> None:
        self._at: Projection[N] = projection
        self._rule = rule
        self._line = line
        self._taken: list[Reduction] = []
        self._cooling = False
        self._start: N = line.headroom(projection.equity, projection.requirement)
        self._headroom: N = self._start
        """Carried along by what reductions add: the figures of many inverse contracts are long, what changes is not."""

    def found(self) -> WayBack:
        """Return the reductions, tried in the order of relief."""
        if self._is_back():
            return self._result()
        if self._rule.rule is RuleName.BRACKETS_DOWN:
            for pair in pairs(self._at.holdings):
                self._close_against_each_other(*pair)
                if self._is_back():
                    return self._result()
        order = self._in_order()
        for holding in order:
            self._reduce(holding)
            if self._is_back():
                return self._result()
        return self._flat(order)

    def _result(self) -> WayBack:
        return WayBack(tuple(self._taken), self._is_back())

    def _is_back(self) -> bool:
        return self._line.is_met_by(self._headroom, self._at.requirement)

    def _gain(self, after: Figures[N]) -> N:
        """Return by how much a reduction lifts the scope over its line."""
        return self._line.headroom(after.equity - self._at.equity, after.requirement - self._at.requirement)

    def _flat(self, order: Sequence[Holding[N]]) -> WayBack:
        """Return every position closed whole: what is left to do, and the only hope where parts do not suffice."""
        self._at.reset()
        self._taken, self._headroom = [], self._start
        for holding in order:
            self._take(holding, holding.left, self._at.after(holding, holding.left))
        return self._result()

    # ------------------------------------------------------------------------------------------- one position
    def _reduce(self, holding: Holding[N]) -> None:
        """Take the first stop of a position that suffices; without one the stop that relieves the most, if any does."""
        if not holding.left:
            return
        one_order = self._rule.rule is RuleName.LARGE_ORDER
        passed: list[Decimal] = []
        best: list[Decimal] = []
        most, low = self._headroom, Decimal(0)
        for quantity in self._stops(holding):
            after = self._at.after(holding, quantity)
            headroom = self._headroom + self._gain(after)
            passed = [quantity] if one_order else [*passed, quantity]
            if self._line.is_met_by(headroom, after.requirement):
                best = [large_order.least(self._at, holding, self._line, low, quantity)] if one_order else passed
                break
            if headroom > most:
                best, most = passed, headroom
            low = quantity
        if best:
            self._take_up_to(holding, best)

    def _take_up_to(self, holding: Holding[N], stops: Sequence[Decimal]) -> None:
        """Take the reductions between stops, one after the other."""
        whole_at_first = stops[0] == holding.left
        gone = Decimal(0)
        for quantity in stops:
            part = quantity - gone
            self._take(holding, part, self._at.after(holding, part))
            gone = quantity
        self._cooling = self._cooling or not whole_at_first

    def _stops(self, holding: Holding[N]) -> list[Decimal]:
        rule = self._rule
        match rule.rule:
            case RuleName.LARGE_ORDER:
                return large_order.stops(self._at, holding)
            case RuleName.SHARE:
                return share.stops(holding, rule, cooling=self._cooling)
            case RuleName.BY_BRACKET | RuleName.TO_RATIO | RuleName.BRACKETS_DOWN:
                return brackets.stops(holding, rule.step)
            case RuleName.WHOLE | RuleName.FILLABLE_PRICE:
                return whole.stops(holding)

    def _take(self, holding: Holding[N], quantity: Decimal, after: Figures[N], *, paired: bool = False) -> None:
        limit_price = None
        if self._rule.rule is RuleName.FILLABLE_PRICE:
            limit_price = fillable_price(holding, self._at.equity, self._at.requirement, self._rule)
        self._headroom += self._gain(after)
        self._at.take(holding, quantity, after)
        leg = holding.leg
        assert leg.mark_price is not None, "asked of a known scope"
        self._taken.append(
            Reduction(
                leg.position,
                holding.terms.settle_asset,
                leg.mark_price,
                quantity,
                holding.signed_left,
                holding.notional(quantity),
                after.fee,
                after.equity,
                after.requirement,
                paired,
                limit_price,
            )
        )

    # ---------------------------------------------------------------------------------------- several positions
    def _close_against_each_other(self, one: Holding[N], other: Holding[N]) -> None:
        quantity = min(one.left, other.left)
        for holding in (one, other):
            self._take(holding, quantity, self._at.after(holding, quantity, charged=False), paired=True)

    def _in_order(self) -> list[Holding[N]]:
        """Return the positions, those first of which a reduction can relieve the scope the most."""
        if len(self._at.holdings) < 2:
            return list(self._at.holdings)
        named = sorted(self._at.holdings, key=lambda holding: (holding.symbol, holding.side))
        relief = {id(holding): self._relief(holding) for holding in named}
        return sorted(named, key=lambda holding: relief[id(holding)], reverse=True)

    def _relief(self, holding: Holding[N]) -> N:
        """Return by how much the best stop of a position lifts the scope over its line, all else unchanged."""
        found = self._stops(holding) if self._at.is_piecewise_linear else [holding.left]
        figures = (self._at.after(holding, quantity) for quantity in found)
        return max(self._gain(after) for after in figures)
