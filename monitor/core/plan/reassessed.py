"""The projection of a portfolio scope: its requirement is no sum over positions, so the changed account is assessed.

Every question costs one assessment of the whole scope; nothing is assumed of the method. dYdX's cap of the fee is not
known here: that venue has no such scopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import cast

from monitor.core.accounts import Account, Side
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market
from monitor.core.plan.holding import Holding
from monitor.core.plan.projection import Figures, rational_holding
from monitor.core.plan.rule import LiquidationRule
from monitor.core.positions import unrealized_pnl

_ZERO = Decimal(0)


class FiguresUnknown(Exception):
    """A reduction brings a scope where its figures are not known: the fee may bring in what is not."""


class Reassessed:
    """Project a scope by assessing the account as it would be: fills at the mark, fees paid from the wallet."""

    is_piecewise_linear = False

    def __init__(self, account: Account, assessment: Assessment, market: Market, rule: LiquidationRule) -> None:
        equity, requirement = assessment.equity, assessment.maintenance_margin
        assert equity is not None and requirement is not None, "asked of a known scope"
        self.holdings: Sequence[Holding[Fraction]] = [
            rational_holding(account, assessment, leg, rule) for leg in assessment.legs
        ]
        self.equity = Fraction(equity)
        self.requirement = Fraction(requirement)
        self._start = self.equity, self.requirement
        self._account = self._whole = account
        self._scope = assessment.scope
        self._answers: dict[tuple[str, Side, Decimal, bool], Figures[Fraction]] = {}
        """What has been asked since the last reduction was taken."""
        self._market = market

    def after(self, holding: Holding[Fraction], quantity: Decimal, *, charged: bool = True) -> Figures[Fraction]:
        """Return the figures after one more reduction, which is not taken. Raises `FiguresUnknown`."""
        fee = holding.notional(quantity) * holding.fee_rate if charged else Fraction(0)
        if not quantity:
            return Figures(self.equity, self.requirement, fee)
        asked = holding.symbol, holding.side, quantity, charged
        found = self._answers.get(asked)
        if found is None:
            figures = assess(self._changed(holding, quantity, fee), self._scope, self._market)
            if figures.equity is None or figures.maintenance_margin is None:
                raise FiguresUnknown
            found = Figures(Fraction(figures.equity), Fraction(figures.maintenance_margin), fee)
            self._answers[asked] = found
        return found

    def take(self, holding: Holding[Fraction], quantity: Decimal, figures: Figures[Fraction]) -> None:
        """Take a reduction whose figures are known."""
        self._account = self._changed(holding, quantity, figures.fee)
        self.equity, self.requirement, _ = figures
        self._answers = {}
        holding.reduce(quantity)

    def reset(self) -> None:
        """Take back every reduction."""
        self._account = self._whole
        self._answers = {}
        self.equity, self.requirement = self._start
        for holding in self.holdings:
            holding.restore()

    def corners(self, holding: Holding[Fraction]) -> list[Decimal]:
        """Return all of a holding: in between nothing is known to be linear."""
        return [holding.left]

    def _changed(self, holding: Holding[Fraction], quantity: Decimal, fee: Fraction) -> Account:
        """Return the account after a fill at the mark: less of the position, its profit and the fee in the wallet."""
        position, terms = holding.leg.position, holding.terms
        assert holding.leg.mark_price is not None, "asked of a known scope"
        signed = quantity if position.quantity > 0 else -quantity
        size = Fraction(signed) * terms.contract_size
        profit = unrealized_pnl(terms.contract, size, Fraction(position.entry_price), Fraction(holding.leg.mark_price))
        asset = terms.settle_asset
        wallet = Fraction(self._account.balances.get(asset, _ZERO)) + profit - fee
        left = holding.signed_left - signed
        positions = dict(self._account.positions)
        if left:
            positions[position.key] = replace(position, quantity=left)
        else:
            del positions[position.key]
        return replace(
            self._account,
            positions=positions,
            balances={**self._account.balances, asset: cast("Decimal", wallet)},
        )
