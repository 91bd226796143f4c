"""Account messages as they come over the wire: drawn events as bytes, and neighbours of them stated together.

What becomes of them is compared elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import orjson

from monitor.adapters.wire import WireCodec
from monitor.core.account_runs import Taken
from monitor.core.accounts import ABSENT, AccountEvent, PositionChange, Side
from monitor.core.inputs import AccountMessage, Input
from monitor.core.limits import Limits
from monitor.core.stated import StatedRun

CODEC = WireCodec(Limits())


def wired(event: AccountEvent) -> bytes:
    """Return the message that says what an event says."""
    body: dict[str, Any] = {"account_id": event.account_id, "version": event.version}
    body["event_time_ms"] = event.event_time_ms
    given = {"epoch": event.epoch, "snapshot": event.snapshot, "deleted": event.deleted}
    given |= {"margin_mode": event.margin_mode, "position_mode": event.position_mode}
    body |= {name: value for name, value in given.items() if value}
    for name in ("balances", "open_order_initial_margin", "net_transfers"):
        amounts = getattr(event, name)
        if amounts is not None:
            body[name] = {key: f"{amount:f}" for key, amount in amounts.items()}
    if event.positions is not None:
        body["positions"] = [_position(change) for change in event.positions]
    if event.settings is not None:
        body["settings"] = event.settings.raw
    return orjson.dumps(body)


def _position(change: PositionChange) -> dict[str, Any]:
    body: dict[str, Any] = {"symbol": change.symbol}
    if change.side is not Side.BOTH:
        body["side"] = change.side
    for name in ("quantity", "entry_price", "margin_type", "isolated_wallet", "leverage"):
        value = getattr(change, name)
        if value is not ABSENT and value is not None:
            body[name] = f"{value:f}" if isinstance(value, Decimal) else value
    return body


def read_again(item: Input) -> Input:
    """Return an input, an account's as it is read from its message."""
    if not isinstance(item, AccountMessage):
        return item
    event = CODEC.account_event(wired(item.event), item.event.account_id.encode())
    return item._replace(event=event)


def stated_together(items: Iterable[Input]) -> Iterator[Taken]:
    """Yield inputs, neighbours about different accounts as one run, in columns as far as they are plain."""
    run: dict[str, AccountMessage] = {}
    for item in items:
        is_message = isinstance(item, AccountMessage)
        if run and not (is_message and item.event.account_id not in run):
            yield from _stated(list(run.values()))
            run = {}
        if isinstance(item, AccountMessage):
            run[item.event.account_id] = item
        else:
            yield item
    if run:
        yield from _stated(list(run.values()))


def _stated(run: list[AccountMessage]) -> Iterator[Taken]:
    ids = [message.event.account_id for message in run]
    stated = CODEC.stated([wired(message.event) for message in run], [name.encode() for name in ids])
    if stated is None:
        yield from run
        return
    plain = stated.plain.tolist()
    named = [name if is_plain else None for name, is_plain in zip(ids, plain, strict=True)]
    yield StatedRun(stated, named, [message.origin for message in run], run.__getitem__)
