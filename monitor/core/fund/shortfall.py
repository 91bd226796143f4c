"""The shortfall of a bankrupt scope, shared out over its positions and the funds that stand behind them.

Sharing and conversion live here; who decides whether a fund can pay is in `desk`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from monitor.core.amounts import Number, decimal_of, exactly
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.board import MarketBoard
from monitor.core.collateral import ask_price
from monitor.core.fund.claims import ClaimedPosition, FundFigure, PriceMark, Stated
from monitor.core.funds import InsuranceFund
from monitor.core.legs import Leg
from monitor.core.margin import Assessment
from monitor.core.scopes import IN_USD
from monitor.core.shortening import in_short

FUND_UNKNOWN = "fund_unknown"

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Share:
    """Hold the part of a shortfall that one fund is asked for.

    Without a fund `figure` is None, `because` says why, and the amounts are in `asset`, the positions' settle asset.
    """

    asset: str
    amount: Decimal
    positions: tuple[Stated, ...]
    figure: FundFigure | None = None
    because: str = ""


@exactly
def shares_of(assessment: Assessment, board: MarketBoard) -> list[Share]:
    """Return the shares of max(0, −E), pro rata to the requirements, the first position's fund first.

    A scope in USD is shared out in USD, each position's part then taken into its fund's asset at the index; a scope in
    one asset keeps it, unless its fund holds another. Without any requirement the notionals weigh. Empty without
    positions.
    """
    short = in_short(assessment)
    assert short.equity is not None, "a bankrupt scope has figures"
    lacking = max(_ZERO, -Fraction(short.equity))
    weights, bankruptcies = _weights(short), bankruptcy_prices(short)
    whole = sum(weights, _ZERO)
    found: dict[tuple[str, str], list[ClaimedPosition]] = {}
    figures: dict[tuple[str, str], FundFigure | None] = {}
    totals: dict[tuple[str, str], Fraction] = {}
    for leg, weight, bankruptcy in zip(assessment.legs, weights, bankruptcies, strict=True):
        assert leg.instrument is not None, "a bankrupt scope has terms for its positions"
        part = lacking * weight / whole if whole else lacking / len(weights)
        in_usd = assessment.kind in IN_USD
        fund = board.funds.fund_for(leg.position.symbol, leg.instrument.settle_asset)
        asset, amount, because = _converted(part, leg.instrument.settle_asset, fund, board, in_usd=in_usd)
        key = (asset, because) if fund is None or because else (asset, f"fund:{fund.fund}")
        figures[key] = None if fund is None or because else figure_of(fund, board)
        totals[key] = totals.get(key, _ZERO) + amount
        found.setdefault(key, []).append(_position(leg, amount, bankruptcy, board))
    return [
        Share(key[0], decimal_of(totals[key]), tuple(positions), figure := figures[key], "" if figure else key[1])
        for key, positions in found.items()
    ]


def _weights(assessment: Assessment) -> list[Fraction]:
    """Return what each position weighs, in the unit of the scope."""
    required = [_in_unit(assessment, leg, leg.maintenance_margin) for leg in assessment.legs]
    return required if any(required) else [abs(_in_unit(assessment, leg, leg.notional)) for leg in assessment.legs]


def _in_unit(assessment: Assessment, leg: Leg, amount: Decimal | Fraction | None) -> Fraction:
    if amount is None or leg.instrument is None:
        return _ZERO
    terms = assessment.assets.get(leg.instrument.settle_asset) if assessment.kind in IN_USD else None
    return Fraction(amount) * (1 if terms is None else Fraction(ask_price(terms)))


def _converted(
    part: Fraction, settle_asset: str, fund: InsuranceFund | None, board: MarketBoard, *, in_usd: bool
) -> tuple[str, Fraction, str]:
    """Return the asset and the amount of a part there, and why it cannot be asked of the fund, empty if it can."""
    wanted = settle_asset if fund is None else fund.asset
    because = FUND_UNKNOWN if fund is None else ""
    if not in_usd and wanted == settle_asset:
        return wanted, part, because
    to = _index(wanted, board)
    of = Fraction(1) if in_usd else _index(settle_asset, board)
    if to is None or of is None:
        return ("USD" if in_usd else settle_asset), part, f"missing_asset:{wanted if to is None else settle_asset}"
    return wanted, part * of / to, because


def _index(asset: str, board: MarketBoard) -> Fraction | None:
    terms = board.asset(asset)
    return None if terms is None or terms.index_price is None else Fraction(terms.index_price)


def figure_of(fund: InsuranceFund, board: MarketBoard) -> FundFigure:
    """Return what a fund holds, and where its message stands."""
    return FundFigure(fund.fund, fund.asset, fund.balance, fund.event_time_ms, *board.funds.places[fund.fund])


def _position(leg: Leg, amount: Fraction, bankruptcy: Number | None, board: MarketBoard) -> ClaimedPosition:
    position, quote = leg.position, board.quotes[leg.position.symbol]
    before = board.previous.get(position.symbol)
    return ClaimedPosition(
        position.symbol,
        position.side,
        position.quantity,
        position.entry_price,
        quote.mark_price,
        None if before is None else before.mark_price,
        None if bankruptcy is None else _decimal(bankruptcy),
        decimal_of(amount),
        PriceMark(quote.partition, quote.offset, quote.event_time_ms),
    )


def _decimal(number: Number) -> Decimal:
    return number if isinstance(number, Decimal) else decimal_of(number)


def price_positions(positions: Sequence[ClaimedPosition]) -> dict[int, int]:
    """Return the next offset of each partition of the prices that positions were judged at."""
    reached: dict[int, int] = {}
    for position in positions:
        mark = position.price
        reached[mark.partition] = max(reached.get(mark.partition, 0), mark.offset + 1)
    return reached
