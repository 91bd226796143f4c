"""The market as inputs and as changelog records: what rebuilds a board, and how a price is kept for a quiet market.

Only the translation lives here; which price counts is the board's to say, when one is kept the step's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from monitor.app.reading import GlobalInput
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard
from monitor.core.inputs import AssetTerms, FundTerms, InstrumentTerms, Origin, Prices
from monitor.core.prices import PriceUpdate
from monitor.core.quality.judging import Quality
from monitor.core.quotes import Quote


def market_inputs(board: MarketBoard, topics: TopicNames) -> Iterator[GlobalInput]:
    """Return inputs that rebuild a market board."""
    for symbol, terms in board.instruments.items():
        yield InstrumentTerms(symbol, terms, Origin(topics.instruments, 0, 0))
    for asset, (held, timestamp_ms) in board.asset_terms().items():
        yield AssetTerms(asset, held, Origin(topics.assets, 0, 0), timestamp_ms)
    for name, fund, place, levels in board.funds.stated():
        yield FundTerms(name, fund, Origin(topics.insurance_funds, *place), levels)
    for symbol, quote in board.previous.items():
        yield quote_input(symbol, quote, topics)
    for symbol, quote in board.quotes.items():
        yield quote_input(symbol, quote, topics, board.quarantine.qualities.get(symbol))
    for one in board.quarantine.doubted.values():
        origin = Origin(topics.mark_prices, one.partition, one.offset)
        yield Prices((one.update,), origin, one.timestamp_ms, (one.quality,))


def quote_input(symbol: str, quote: Quote, topics: TopicNames, quality: Quality | None = None) -> Prices:
    """Return the price message that would make a quote of some quality."""
    update, partition, offset, timestamp_ms = quote_update(symbol, quote)
    qualities = () if quality is None else (quality,)
    return Prices((update,), Origin(topics.mark_prices, partition, offset), timestamp_ms, qualities)


def quote_update(symbol: str, quote: Quote) -> tuple[PriceUpdate, int, int, int]:
    """Return the price update behind a quote, with its partition, offset and the log's time."""
    update = PriceUpdate(
        symbol=symbol,
        mark_price=quote.mark_price,
        index_price=quote.index_price,
        funding_rate=quote.funding_rate,
        next_funding_time_ms=quote.next_funding_time_ms,
        event_time_ms=quote.event_time_ms,
    )
    return update, quote.partition, quote.offset, quote.timestamp_ms


def quote_of(body: Mapping[str, Any]) -> Quote:
    """Return a quote from its changelog record."""
    amounts = {
        name: None if body[name] is None else Decimal(body[name])
        for name in ("mark_price", "index_price", "funding_rate")
    }
    return Quote(**{name: body[name] for name in Quote._fields} | amounts)
