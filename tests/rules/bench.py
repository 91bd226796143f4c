"""A bench for account rules: one shard fed with messages as JSON, its rule events kept, restarted at will.

What must come out is for the tests to say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from monitor.adapters.wire import WireCodec
from monitor.adapters.wire.schemas import schemas
from monitor.core.engine import EngineSettings
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import (
    AccountMessage,
    AssetTerms,
    Clock,
    Input,
    InstrumentTerms,
    Origin,
    Prices,
    RejectedMessage,
)
from monitor.core.ladder import Ladder
from monitor.core.limits import Limits
from monitor.core.outcome import Outcome
from monitor.core.rules.settings import RuleSettings
from monitor.core.verdict import Ladders
from tests.engine.driving import Shard, WatchedShard
from tests.engine.proving import difference

CODEC = WireCodec(Limits())
SCHEMA = Draft202012Validator(json.loads(schemas()["rule-event.json"]))
BEGIN_MS = 1_700_000_000_000
PLACE = Origin("anywhere", 0, 0)


class Bench:
    """Hold one shard, its clock and every rule event it has told; each is verified and held against its schema."""

    def __init__(
        self,
        rules: RuleSettings | None = None,
        freshness: FreshnessSettings | None = None,
        *,
        standby: bool = False,
        **ladder: Any,
    ) -> None:
        settings = EngineSettings(Ladders.same(Ladder.build(**ladder)), rules=rules or RuleSettings())
        kind = WatchedShard if standby else Shard
        self.shard = kind(settings, freshness or FreshnessSettings(0, 0), ("USD",), use_numba=False)
        self.now_ms = BEGIN_MS
        self.told: list[dict[str, Any]] = []
        self.written = 0
        self._offset = 0
        self._versions: dict[str, int] = {}

    def instrument(self, symbol: str, *, settle: str = "USDT", contract: str = "linear", **more: Any) -> list[str]:
        """Feed the terms of a contract with one bracket of 1 % and 100×."""
        body: dict[str, Any] = {
            "symbol": symbol,
            "status": "trading",
            "contract": contract,
            "settle_asset": settle,
            "brackets": [{"floor": "0", "rate": "0.01", "max_leverage": "100"}],
        }
        message = CODEC.instrument(json.dumps(body | more).encode(), symbol.encode())
        return self._apply(InstrumentTerms(symbol, message.instrument, PLACE))

    def asset(self, name: str, index: str, **more: Any) -> list[str]:
        """Feed the index price of an asset."""
        body = {"asset": name, "index_price": index, "event_time_ms": self.now_ms} | more
        message = CODEC.asset(json.dumps(body).encode(), name.encode())
        return self._apply(AssetTerms(name, message.asset, PLACE, self.now_ms))

    def price(self, **quotes: str | Mapping[str, Any]) -> list[str]:
        """Feed one price message; a quote is a mark or an object."""
        self._offset += 1
        elements = [
            {"symbol": symbol, "event_time_ms": self.now_ms}
            | (dict(quote) if isinstance(quote, Mapping) else {"mark_price": quote})
            for symbol, quote in quotes.items()
        ]
        message = CODEC.prices(json.dumps(elements).encode())
        return self._apply(Prices(message.prices, Origin("mark-prices", 0, self._offset), self.now_ms))

    def account(self, name: str = "a", **parts: Any) -> list[str]:
        """Feed the next event of an account, the first one as a snapshot; positions as {symbol: (quantity, entry)}."""
        version = self._versions[name] = self._versions.get(name, 0) + 1
        body: dict[str, Any] = {"account_id": name, "version": version, "event_time_ms": self.now_ms}
        body |= {"snapshot": True} if version == 1 else {}
        positions = parts.pop("positions", None)
        if positions is not None:
            body["positions"] = [
                {"symbol": symbol, "quantity": held[0], "entry_price": held[1]} | (held[2] if len(held) > 2 else {})
                for symbol, held in positions.items()
            ]
        event = CODEC.account_event(json.dumps(body | parts).encode(), name.encode())
        return self._apply(AccountMessage(event, Origin("account-events", 0, version)))

    def refuse(self, name: str) -> list[str]:
        """Feed that a message about an account was refused."""
        return self._apply(RejectedMessage(name, PLACE))

    def clock(self, ms: int) -> list[str]:
        """Let time pass and the clock turn."""
        self.now_ms += ms
        return self._apply(Clock(self.now_ms))

    def restart(self) -> list[str]:
        """Build the shard anew from what was written, and judge everybody."""
        self.shard.restart(self.now_ms)
        return [line for outcome in self.shard.catch_up([], self.now_ms) for line in self._keep(outcome)]

    def _apply(self, item: Input) -> list[str]:
        return self._keep(self.shard.apply([item], self.now_ms))

    def _keep(self, outcome: Outcome) -> list[str]:
        """Return the rule events of an outcome in short: `account rule[ target]@level`."""
        lines: list[str] = []
        for account in outcome.accounts.values():
            self.written += account.rules is not None
            for event in account.events:
                if "rule_sequence" not in event.body:
                    continue
                assert str(event.channel) == "margin_calls"
                assert difference(event.body) is None, difference(event.body)
                stated = json.loads(CODEC.encode(event.body))
                assert [error.message for error in SCHEMA.iter_errors(stated)] == []
                self.told.append(event.body)
                lines.append(short(event.body))
        return lines


def short(body: Mapping[str, Any]) -> str:
    """Return a rule event in short."""
    target = body.get("scope") or body.get("sector") or "/".join(body.get("sectors", ()))
    return f"{body['account_id']} {body['event_type']}{' ' + target if target else ''}@{body['level']}"
