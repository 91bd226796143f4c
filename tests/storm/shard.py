"""One engine of a storm, driven by messages; what comes of them is returned as it would be written.

What is to be true of it is the business of the tests.
"""

from __future__ import annotations

from typing import Any

from monitor.cli.assembly import codec_of, new_engine
from monitor.config import load
from monitor.core.accounts import AccountEvent
from monitor.core.adl.queue import AdlQueue
from monitor.core.ahead import Begin, at_once
from monitor.core.engine import MarginEngine
from monitor.core.inputs import AccountMessage, AssetTerms, FundTerms, InstrumentTerms, Origin, Prices
from monitor.core.outcome import Outcome
from tests.storm.market import Market

NOW_MS = 1_700_000_000_000
MOVES = (-0.02, -0.04, 0.03, -0.1, 0.02, 0.15, -0.3)
"""By what share of itself every price moves, message by message."""


class Shard:
    """Drive one engine; `quick`: every scope is put to the compiled code first."""

    def __init__(self, overrides: dict[str, Any], *, quick: bool, begin: Begin = at_once) -> None:
        settings = load(None, environment={}, overrides=overrides)
        self.codec = codec_of(settings)
        self.engine: MarginEngine = new_engine(settings, begin)
        self.engine.adl.join(AdlQueue(), 0)
        self.engine.store.uses_numba = quick
        self._offset = 0

    def apply(self, *inputs: Any) -> list[tuple[Any, ...]]:
        """Apply inputs; return all that comes of it, encoded."""
        return self.encoded(self.engine.apply(inputs, NOW_MS))

    def origin(self) -> Origin:
        """Return a new place in the log."""
        self._offset += 1
        return Origin("t", 0, self._offset)

    def open(self, market: Market, seed: int) -> None:
        """Take a market and its accounts in."""
        codec = self.codec
        for symbol in market.symbols:
            terms = codec.instrument(market.instrument(symbol), symbol.encode()).instrument
            self.apply(InstrumentTerms(symbol, terms, self.origin()))
        for name in ("USDT", "BTC", "S1")[: 1 + seed % 3]:
            terms = codec.asset(market.asset(name), name.encode()).asset
            self.apply(AssetTerms(name, terms, self.origin(), NOW_MS))
        for fund in market.funds(seed):
            self.apply(FundTerms(fund.fund, fund, self.origin()))
        self.apply(Prices(codec.prices(market.prices(1, 0)).prices, self.origin(), NOW_MS))
        for account_id, value in market.accounts(60):
            event: AccountEvent = codec.account_event(value, account_id.encode())
            self.apply(AccountMessage(event, self.origin()))

    def prices(self, market: Market, turn: int, move: float) -> Prices:
        """Return a message that moves all prices."""
        return Prices(self.codec.prices(market.prices(10 * turn, move)).prices, self.origin(), NOW_MS)

    def encoded(self, outcome: Outcome) -> list[tuple[Any, ...]]:
        """Return what is written of each account."""
        encode = self.codec.encode
        return [
            (
                one.account_id,
                [(event.channel, event.severity, event.body["event_type"], encode(event.body)) for event in one.events],
                [(scope, None if body is None else encode(body)) for scope, body in one.statuses.items()],
                one.memory,
                one.claims,
                [(request.key, encode(request.body)) for request in one.requests],
            )
            for one in outcome.accounts.values()
        ]
