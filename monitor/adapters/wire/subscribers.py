"""The gateway's codec: requests of clients in, and the few facts of an output that decide who is told of it."""

from __future__ import annotations

import msgspec
import orjson
from msgspec import UNSET

from monitor.adapters.wire.subscriber_shapes import (
    ClientMessage,
    EventGist,
    HelloBody,
    StatusGist,
    SubscribeBody,
    UnsubscribeBody,
)
from monitor.app.gateway.requests import BadRequest, Hello, Request, Subscribe, Unsubscribe
from monitor.app.gateway.views import UNKNOWN_RANK, EventView, StatusView, Unreadable
from monitor.app.ports import Record
from monitor.core.ladder import MarginStatus

_EVENTS = msgspec.json.Decoder(EventGist)
_STATUSES = msgspec.json.Decoder(StatusGist)
_REQUESTS = msgspec.json.Decoder(ClientMessage)
_RULE_RANK = MarginStatus.WARNING.rank
_ADL_RANK = MarginStatus.BANKRUPT.rank
_LEFT_OUT = ("evidence", "plan")
_OF_OTHERS = frozenset({"evidence", "digest", "counterparties", "serves"})
"""Whom ADL reaches, or for whom; evidence names both, and without it a digest proves nothing."""


class SubscriberCodec:
    """Read requests, events and statuses; `max_names` bounds what a subscription may name."""

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names

    def event(self, record: Record) -> EventView:
        """Read an event. Raises `Unreadable`."""
        body = record.value
        try:
            gist = _EVENTS.decode(body or b"")
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Unreadable(str(fault)) from None
        assert body is not None, "nothing cannot be decoded"
        after = 0 if gist.event_type in {"recovered", "closed"} or gist.status is None else gist.status.rank
        return EventView(
            gist.account_id,
            gist.scope,
            gist.sequence if gist.scope is not None else None,
            gist.event_type,
            _rank_of(gist),
            after,
            _method_of_event(gist),
            _symbols_of_event(gist),
            body,
        )

    def status(self, record: Record) -> StatusView:
        """Read a status, or its tombstone. Raises `Unreadable`."""
        if record.value is None:
            account_id, found, scope = (record.key or b"").decode("utf-8", "replace").rpartition("|")
            if not found:
                raise Unreadable("a tombstone whose key names no scope")
            return StatusView(account_id, scope, 0, 0, "", None, None)
        try:
            gist = _STATUSES.decode(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Unreadable(str(fault)) from None
        method, symbols = _traits(gist)
        return StatusView(gist.account_id, gist.scope, gist.sequence, gist.status.rank, method, symbols, record.value)

    def traits(self, status: bytes) -> tuple[str, frozenset[str] | None]:
        """Return method and symbols of a status that was read before."""
        return _traits(_STATUSES.decode(status))

    def brief(self, body: bytes) -> bytes:
        """Return an event without its evidence and its plan."""
        event = orjson.loads(body)
        for name in _LEFT_OUT:
            event.pop(name, None)
        return orjson.dumps(event)

    def guarded(self, body: bytes) -> bytes:
        """Return an event without what it tells of other accounts; `withheld` names what that is."""
        event = orjson.loads(body)
        parts = [event, *event.get("positions", ())]
        withheld = sorted({name for part in parts for name in part if name in _OF_OTHERS})
        for part in parts:
            for name in withheld:
                part.pop(name, None)
        return orjson.dumps(event | {"withheld": withheld})

    def request(self, text: str | bytes) -> Request:
        """Read one message of a client. Raises `BadRequest`."""
        try:
            body = _REQUESTS.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadRequest(str(fault)) from None
        if isinstance(body, HelloBody):
            return Hello(body.token)
        if isinstance(body, UnsubscribeBody):
            return Unsubscribe(body.subscription)
        return self._subscribe(body)

    def _subscribe(self, body: SubscribeBody) -> Subscribe:
        return Subscribe(
            name=body.subscription,
            accounts=self._names("accounts", body.accounts),
            scopes=self._names("scopes", body.scopes),
            symbols=self._names("symbols", body.symbols),
            methods=None if body.methods is UNSET else frozenset(body.methods),
            min_rank=MarginStatus(body.min_severity).rank,
            events=body.events,
            statuses=body.statuses,
            full=body.detail == "full",
            passed=body.passed,
            resume=body.resume,
        )

    def _names(self, key: str, names: list[str] | msgspec.UnsetType) -> frozenset[str] | None:
        if names is UNSET:
            return None
        if len(names) > self._max_names:
            raise BadRequest(f"{key}: more than {self._max_names} names")
        return frozenset(names)


def _rank_of(gist: EventGist) -> int:
    """Return how bad an event is: by the worse of its statuses; a line of an account's own counts as a warning."""
    ranks = [status.rank for status in (gist.status, gist.previous_status) if status is not None]
    if ranks:
        return min(max(ranks), UNKNOWN_RANK)
    return _ADL_RANK if gist.event_type.startswith("adl_") else _RULE_RANK


def _method_of_event(gist: EventGist) -> str:
    document = None if gist.evidence is None else gist.evidence.document
    account = None if document is None or not document.accounts else document.accounts[0]
    if account is None or document is None:
        return _method(gist.scope, "", None)
    return _method(gist.scope, account.margin_mode, None if document.portfolio is None else document.portfolio.method)


def _symbols_of_event(gist: EventGist) -> frozenset[str] | None:
    document = None if gist.evidence is None else gist.evidence.document
    found = {position.symbol for position in gist.positions}
    if document is not None and document.accounts:
        found |= {position.symbol for position in document.accounts[0].positions}
    if gist.symbol is not None:
        found.add(gist.symbol)
    if gist.scope is not None and gist.scope.startswith("isolated:"):
        found.add(_symbol(gist.scope))
    return frozenset(found) or None


def _traits(gist: StatusGist) -> tuple[str, frozenset[str]]:
    name = None if gist.portfolio is None else gist.portfolio.method
    return _method(gist.scope, gist.margin_mode, name), frozenset(position.symbol for position in gist.positions)


def _method(scope: str | None, mode: str, portfolio: str | None) -> str:
    """Return how a scope is margined, `portfolio:` with its method where that is known, empty where nothing is."""
    if scope is not None and scope.startswith("isolated:"):
        return "isolated"
    if mode == "portfolio" or scope == "portfolio":
        return f"portfolio:{portfolio}" if portfolio else "portfolio"
    return mode


def _symbol(scope: str) -> str:
    return scope.partition(":")[2].rpartition(":")[0]
