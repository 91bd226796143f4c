"""Delivering: the port through which a message reaches its target, and what an HTTP status means there.

Sources: Standard Webhooks (2xx is success, 410 asks for no more, anything else is tried again).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple, Protocol

from monitor.app.webhooks.queue import Answer
from monitor.app.webhooks.targets import Target


class Reply(NamedTuple):
    """Hold what a target answered; `why` names a failure without a word the target has said."""

    answer: Answer
    why: str = ""
    wait_ms: int = 0


class Delivery(Protocol):
    """Carry a body to a target, once."""

    async def deliver(self, target: Target, message_id: str, body: bytes) -> Reply:
        """Send and return what became of it; never raises for what a target or a network does."""


def reply_of(status: int, retry_after: str) -> Reply:
    """Return what a status means; `retry_after` is the header of that name, of which seconds are understood."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Reply(Answer.TAKEN)
    if status == HTTPStatus.GONE:
        return Reply(Answer.GONE, "answered 410")
    wait_ms = int(retry_after) * 1000 if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9 else 0
    return Reply(Answer.FAILED, f"answered {status}", wait_ms)
