"""From pieces to outputs: events and statuses put together as bytes, digests counted over the sorted form.

The order of the fields is that of `events`, `report` and `teller`; what pieces say was written by the compiled code.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from monitor.core.encoded import Encoded
from monitor.core.events import Channel, Event, Moment, Moves, channel_of, direction, threshold
from monitor.core.herald.batch import Pieces
from monitor.core.herald.tables import MarketTables, as_json
from monitor.core.inputs import Cause, CauseKind
from monitor.core.ladder import BY_RANK, Ladder, MarginStatus, worse_of
from monitor.core.storm.telling import V_CAUSE, V_NEXT, V_OLDEST, V_RAW
from monitor.core.storm.wording import (
    P_ACCOUNT,
    P_AFTER,
    P_DEPOSIT,
    P_DOCUMENT,
    P_DUE,
    P_EQUITY,
    P_ID,
    P_INSTRUMENTS,
    P_ORIGINS,
    P_PLAN,
    P_PRICES,
    P_RATIO,
    P_REQUIREMENT,
    P_RISK,
    P_SORTED_ORIGINS,
    P_SORTED_PLAN,
    P_SORTED_TAKEOVER,
    P_STATUS,
    P_SUMS,
    P_TAKEOVER,
    P_TIME,
    P_VERSION,
)
from monitor.core.told import Told, event_id, named_event_id

_LIGHT = b'"adl_quantile":null'
_RANKS = [str(status).encode() for status in BY_RANK]


class Frame(NamedTuple):
    """Hold what is the same in the evidence of all scopes of one kind, as JSON: as written, and sorted.

    `head`: ladder and assets that count as dollars; `rule`: the liquidation rule; `basis`: what funding is charged on.
    """

    head: bytes
    ladder_sorted: bytes
    usd_assets: bytes
    rule: bytes
    rule_sorted: bytes
    basis: bytes


class Change(NamedTuple):
    """Hold what a change from one status to another says: its direction and the line crossed, as JSON."""

    direction: bytes
    threshold: bytes
    channel: Channel
    severity: int
    event_type: str


class Names(NamedTuple):
    """Name a scope: the account's id, the scope's name, and that as JSON without quotes."""

    account_id: str
    scope: str
    scope_json: bytes


class Outputs:
    """Put the outputs of decisions together; `moves` are the same for all of them, the moment is that set last."""

    def __init__(self, tables: MarketTables, moves: Moves | None) -> None:
        self._tables = tables
        self._moment: Moment | None = None
        self._causes: dict[int, tuple[bytes, bytes, dict[str, object]]] = {}
        self._changes: dict[tuple[int, MarginStatus, MarginStatus, MarginStatus], Change] = {}
        self._moves = moves or {}
        self._most = min(self._moves, key=lambda name: (-self._moves[name], name), default=None)
        self._decided_at_ms, self._decided = 0, b""

    def at(self, moment: Moment) -> Outputs:
        """Set the moment of the decisions that follow; return the outputs."""
        if moment is not self._moment:
            self._moment, self._decided_at_ms, self._decided = (
                moment,
                moment.decided_at_ms,
                b"%d" % moment.decided_at_ms,
            )
            self._causes.clear()
        return self

    def event(
        self,
        pieces: Pieces,
        frame: Frame,
        ladder: Ladder,
        names: Names,
        before: Told,
        after: Told,
        *,
        planned: bool,
    ) -> Event:
        """Return the event of a change."""
        words, verdict, plan, scope = pieces.words, pieces.verdict, planned, names.scope_json
        change = self._change(ladder, before, after)
        numbered = event_id(names.account_id, names.scope, after.sequence).encode()
        funding, due, later, when = _funding(words, verdict[V_NEXT])
        cause, cause_sorted, body = self._cause(verdict[V_CAUSE])
        unknown = MarginStatus.UNKNOWN is before.status
        last = b',"last_status":"%s"' % before.last_status.encode() if unknown else b""
        event_type = change.event_type.encode()
        states = before.status.encode(), after.status.encode(), _RANKS[verdict[V_RAW]]
        sorted_plan = b'"plan":%s,' % words[P_SORTED_PLAN] if plan else b""
        canonical = b"".join(
            (
                b'{"account_id":"', words[P_ID], b'","account_version":', words[P_VERSION], b',"cause":', cause_sorted,
                b',"decided_at_ms":', self._decided, b',"degraded":[],"deposit_to_clear":', words[P_DEPOSIT],
                b',"direction":', change.direction, b',"episode":%d,"equity":"' % after.episode, words[P_EQUITY], b'"',
                later, b',"event_id":"', numbered, b'","event_type":"', event_type, b'","evidence":{"document":{',
                words[P_ACCOUNT], frame.basis, b",", words[P_INSTRUMENTS], frame.ladder_sorted,
                frame.rule_sorted if plan else b"", b",",
                words[P_PRICES], frame.usd_assets, b'},"price_origins":', words[P_SORTED_ORIGINS], b"}", due, last,
                b',"maintenance_margin":"', words[P_REQUIREMENT], b'","margin_ratio":', words[P_RATIO], when, b",",
                sorted_plan, b'"previous_status":"', states[0], b'","price_time_ms":%d' % verdict[V_OLDEST],
                b',"raw_status":"', states[2], b'","risk_ratio":', words[P_RISK], b',"schema":1,"scope":"', scope,
                b'","sequence":%d' % after.sequence, b',"status":"', states[1], b'","suspect":false,"threshold":',
                change.threshold, b"}",
            )
        )  # fmt: skip
        encoded = b"".join(
            (
                b'{"schema":1,"event_id":"', numbered, b'","sequence":%d,"event_type":"' % after.sequence, event_type,
                b'","account_id":"', words[P_ID], b'","scope":"', scope, b'","episode":%d' % after.episode,
                b',"previous_status":"', states[0], b'","status":"', states[1], b'","raw_status":"', states[2],
                b'","direction":', change.direction, b',"degraded":[],"suspect":false,"equity":"', words[P_EQUITY],
                b'","maintenance_margin":"', words[P_REQUIREMENT], b'","margin_ratio":', words[P_RATIO],
                b',"risk_ratio":', words[P_RISK], b',"deposit_to_clear":', words[P_DEPOSIT],
                b',"threshold":', change.threshold, funding,
                b',"plan":%s' % words[P_PLAN] if plan else b"", last, b',"cause":', cause,
                b',"price_time_ms":%d,"decided_at_ms":' % verdict[V_OLDEST], self._decided, b',"account_version":',
                words[P_VERSION], b',"evidence":{"document":{', frame.head, words[P_DOCUMENT],
                frame.rule if plan else b"", frame.basis, b'},"price_origins":', words[P_ORIGINS], b'},"digest":"',
                hashlib.sha256(canonical).hexdigest().encode(), b'"}',
            )
        )  # fmt: skip
        known = {
            "event_type": change.event_type,
            "sequence": after.sequence,
            "episode": after.episode,
            "event_id": numbered.decode(),
            "equity": words[P_EQUITY].decode(),
            "cause": body,
            "decided_at_ms": self._decided_at_ms,
        }
        return Event(change.channel, change.severity, Encoded(encoded, known))

    def adl_watch(self, pieces: Pieces, names: Names, after: Told, counterparties: list[dict[str, Any]]) -> Event:
        """Return the `adl_watch` of an episode."""
        words, scope = pieces.words, names.scope_json
        numbered = named_event_id(names.account_id, names.scope, "adl_watch", after.episode).encode()
        cause, cause_sorted, _ = self._cause(pieces.verdict[V_CAUSE])
        status = after.status.encode()
        others = as_json(counterparties) if counterparties else b"[]"
        others_sorted = as_json(counterparties, is_sorted=True) if counterparties else b"[]"
        canonical = b"".join(
            (
                b'{"account_id":"', words[P_ID], b'","account_version":', words[P_VERSION], b',"cause":', cause_sorted,
                b',"counterparties":', others_sorted, b',"decided_at_ms":', self._decided,
                b',"episode":%d,"event_id":"' % after.episode, numbered, b'","event_type":"adl_watch","positions":',
                words[P_SORTED_TAKEOVER], b',"schema":1,"scope":"', scope, b'","status":"', status,
                b'","suspect":false}',
            )
        )  # fmt: skip
        encoded = b"".join(
            (
                b'{"schema":1,"event_id":"', numbered, b'","event_type":"adl_watch","account_id":"', words[P_ID],
                b'","scope":"', scope, b'","episode":%d,"status":"' % after.episode, status,
                b'","suspect":false,"positions":', words[P_TAKEOVER], b',"counterparties":', others,
                b',"cause":', cause, b',"decided_at_ms":', self._decided, b',"account_version":', words[P_VERSION],
                b',"digest":"', hashlib.sha256(canonical).hexdigest().encode(), b'"}',
            )
        )  # fmt: skip
        return Event(Channel.ADL_EVENTS, after.status.rank, Encoded(encoded, {"event_type": "adl_watch"}))

    def _change(self, ladder: Ladder, before: Told, after: Told) -> Change:
        key = id(ladder), before.status, before.last_status, after.status
        found = self._changes.get(key)
        if found is None:
            worse = worse_of(before.last_status, after.status)
            event_type = "recovered" if after.status is MarginStatus.HEALTHY else str(after.status)
            line = as_json(threshold(before, after, ladder))
            stated = as_json(direction(before, after))
            found = self._changes[key] = Change(stated, line, channel_of(worse), worse.rank, event_type)
        return found

    def _cause(self, place: int) -> tuple[bytes, bytes, dict[str, object]]:
        found = self._causes.get(place)
        if found is None:
            assert self._moment is not None, "decisions have a moment"
            cause = self._moment.cause
            if self._moves:
                name = self._tables.name_of(place) if place >= 0 else None
                symbol = name if name in self._moves else self._most
                cause = Cause(CauseKind.MARK_PRICE, cause.origin, symbol)
            body = cause.body()
            found = self._causes[place] = as_json(body), as_json(body, is_sorted=True), body
        return found


def status_of(pieces: Pieces, scope: bytes, told: Told, lights: list[int | None] | None, *, planned: bool) -> Encoded:
    """Return the account-status of a scope; `lights` of its positions, None: none has one."""
    words, verdict = pieces.words, pieces.verdict
    funding = _funding(words, verdict[V_NEXT])[0]
    status = words[P_STATUS]
    if lights is not None:
        status = _with_lights(status, lights)
    stated = _RANKS[verdict[1]]
    encoded = b"".join(
        (
            b'{"scope":"', scope, b'","margin_mode":"single_asset",', words[P_SUMS], b',"status":"', stated,
            b'","degraded":[],"unknown_because":[],', status, funding, b',"account_id":"', words[P_ID],
            b'","sequence":%d,"episode":%d,"raw_status":"' % (told.sequence, told.episode), _RANKS[verdict[V_RAW]],
            b'","suspect":false,"account_version":', words[P_VERSION], b',"event_time_ms":', words[P_TIME],
            b',"plan":%s' % words[P_PLAN] if planned else b"", b"}",
        )
    )  # fmt: skip
    return Encoded(encoded, {})


def ratio_of(pieces: Pieces) -> float:
    """Return E ÷ MM as the store keeps it."""
    words = pieces.words
    return float(words[P_EQUITY]) / float(words[P_REQUIREMENT])


def _funding(words: list[bytes], next_time: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the funding figures in a row as reports state them, and one by one for the sorted form."""
    if next_time < 0:
        return b"", b"", b"", b""
    due, later = b',"funding_due":"%s"' % words[P_DUE], b',"equity_after_funding":"%s"' % words[P_AFTER]
    when = b',"next_funding_time_ms":%d' % next_time if next_time else b""
    return due + later + when, due, later, when


def _with_lights(status: bytes, lights: list[int | None]) -> bytes:
    first, *others = status.split(_LIGHT)
    parts = [first]
    for light, part in zip(lights, others, strict=True):
        parts += (_LIGHT if light is None else b'"adl_quantile":%d' % light, part)
    return b"".join(parts)
