"""Notices: what goes out to clients, worded once and shared by all of them.

A message begins with the subscription it is for; all behind that is the same for everybody, so it is made when the
first asks for it. Which subscription gets what is decided elsewhere.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from monitor.app.gateway.views import EventView, StatusView, ViewCodec

_BESIDE_BODY = 1_500
"""What an event takes beside its body: the objects, its token and its short form."""


class Detail(NamedTuple):
    """Say how much of an event somebody is told.

    Attributes:
        full: with its evidence and its plan.
        guarded: without what it tells of other accounts, for tokens that do not see all of them.
    """

    full: bool = False
    guarded: bool = False


class Notice:
    """Hold one event or status on its way: where it stood, how far it carries a client, how bad it is."""

    __slots__ = ("_brief", "_codec", "_texts", "index", "offset", "rank", "timestamp_ms", "token", "topic", "view")

    def __init__(
        self,
        view: EventView | StatusView,
        topic: str,
        index: int,
        offset: int,
        timestamp_ms: int,
        rank: int,
        token: str,
        codec: ViewCodec,
    ) -> None:
        self.view = view
        self.topic = topic
        self.index = index
        self.offset = offset
        self.timestamp_ms = timestamp_ms
        self.rank = rank
        self.token = token
        self._codec = codec
        self._brief: bytes | None = None
        self._texts: dict[Detail | None, bytes] = {}

    @property
    def size(self) -> int:
        """The bytes it takes in memory, about."""
        return len(self.view.body or b"") + _BESIDE_BODY

    def forget_texts(self) -> None:
        """Drop the wordings once everybody has been told."""
        self._texts = {}

    def body(self, detail: Detail) -> bytes:
        """Return the status, or as much of the event as is told."""
        body = self.view.body or b"null"
        if isinstance(self.view, StatusView):
            return body
        if detail.guarded and self.view.names_others:
            return self._codec.guarded(body)
        if detail.full:
            return body
        if self._brief is None:
            self._brief = self._codec.brief(body)
        return self._brief

    def tail(self, detail: Detail) -> bytes:
        """Return what is said to everybody, with the token of the moment it was passed on."""
        if detail not in self._texts:
            self._texts[detail] = self.worded(self.token, detail)
        return self._texts[detail]

    def passed(self) -> bytes:
        """Return what is said where the event itself is not asked for: that its chain goes on."""
        if None not in self._texts:
            self._texts[None] = self.worded_passed(self.token)
        return self._texts[None]

    def worded(self, token: str, detail: Detail) -> bytes:
        """Return the message behind the name of its subscription."""
        if isinstance(self.view, EventView):
            return b'"type":"event","topic":%b,"token":"%b","event":%b}' % (
                text(self.topic),
                token.encode(),
                self.body(detail),
            )
        return b'"type":"status","account_id":%b,"scope":%b,"token":"%b","status":%b}' % (
            text(self.view.account_id),
            text(self.view.scope),
            token.encode(),
            self.body(detail),
        )

    def worded_passed(self, token: str) -> bytes:
        """Return the same for an event that is left out."""
        return b'"type":"passed","account_id":%b,"scope":%b,"sequence":%d,"token":"%b"}' % (
            text(self.view.account_id),
            text(self.view.scope or ""),
            self.view.sequence or 0,
            token.encode(),
        )


def text(value: str) -> bytes:
    """Return a text as JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def head(subscription: str) -> bytes:
    """Return the beginning of every message to one subscription."""
    return b'{"subscription":%b,' % text(subscription)


def message(kind: str, **fields: Any) -> bytes:
    """Return a message that is not about an event; fields of None are left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"type": kind, **said}, ensure_ascii=False, separators=(",", ":")).encode()
