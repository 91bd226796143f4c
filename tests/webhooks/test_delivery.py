"""Deliveries over HTTP to a receiver on this machine, verified as receivers do it."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.adapters.webhooks import BadSecret, HttpDelivery
from monitor.app.webhooks.delivering import reply_of
from monitor.app.webhooks.queue import Answer
from monitor.app.webhooks.targets import Target
from tests.webhooks.receiver import HttpReceiver, receiving

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = '{"said":"ü"}'.encode()


def now_ms() -> int:
    """Return the time."""
    return int(time.time() * 1000)


async def here(host: str, port: int) -> Sequence[str]:
    """Find every name on this machine."""
    return ["127.0.0.1"]


@asynccontextmanager
async def delivering(*, seconds: float = 5.0, secrets: Sequence[str] = (SECRET,)) -> AsyncIterator[HttpDelivery]:
    """Run a delivery to one target."""
    found = HttpDelivery({"desk": secrets}, seconds, now_ms, resolve=here)
    try:
        yield found
    finally:
        await found.close()


def desk(receiver: HttpReceiver, *, allow_private: bool = True) -> Target:
    """Return the receiver as a target."""
    return Target("desk", f"http://hooks.example:{receiver.port}/in?x=1", allow_private=allow_private)


async def test_what_arrives_is_verified_by_the_reference() -> None:
    """The library's own verification takes the message, and refuses it with one byte changed or another id."""
    async with receiving() as receiver, delivering() as delivery:
        reply = await delivery.deliver(desk(receiver), "msg_1", BODY)
    assert reply.answer is Answer.TAKEN
    [request] = receiver.requests
    assert request.line == "POST /in?x=1 HTTP/1.1"
    assert request.headers["host"] == f"hooks.example:{receiver.port}"
    assert request.headers["webhook-id"] == "msg_1"
    assert request.body == BODY
    assert Webhook(SECRET).verify(request.body, request.headers) == {"said": "ü"}
    for body, headers in (
        (request.body + b" ", request.headers),
        (request.body, request.headers | {"webhook-id": "msg_2"}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, headers)


async def test_while_a_secret_is_changed_both_are_good() -> None:
    """Signed with two secrets, a receiver that knows either takes the message; without one, nothing claims to sign."""
    other = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
    async with receiving() as receiver:
        for secrets in ((SECRET, other), ()):
            async with delivering(secrets=secrets) as delivery:
                await delivery.deliver(desk(receiver), "msg_1", BODY)
    both, neither = receiver.requests
    assert Webhook(SECRET).verify(both.body, both.headers) == Webhook(other).verify(both.body, both.headers)
    assert neither.headers["webhook-id"] == "msg_1"
    assert "webhook-signature" not in neither.headers


@pytest.mark.parametrize(
    ("status", "answer", "wait_ms"),
    [
        ("204 No Content", Answer.TAKEN, 0),
        ("410 Gone", Answer.GONE, 0),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", Answer.FAILED, 0),
        ("400 Bad Request", Answer.FAILED, 0),
        ("429 Too Many Requests\r\nRetry-After: 7", Answer.FAILED, 7_000),
        ("503 Service Unavailable\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT", Answer.FAILED, 0),
    ],
)
async def test_what_a_status_means(status: str, answer: Answer, wait_ms: int) -> None:
    """2xx is taken, 410 is gone, everything else fails; redirects are not followed; seconds to wait are heard."""
    async with receiving() as receiver, delivering() as delivery:
        length = b"" if status.startswith("204") else b"Content-Length: 0\r\n"
        receiver.answers = [f"HTTP/1.1 {status}\r\n".encode() + length + b"\r\n"]
        reply = await delivery.deliver(desk(receiver), "msg_1", BODY)
    assert (reply.answer, reply.wait_ms) == (answer, wait_ms)
    assert len(receiver.requests) == 1


async def test_a_network_that_fails_is_a_failed_attempt() -> None:
    """A connection that closes, garbage, silence, and nobody at the port: each is one failure, told without the url."""
    async with receiving() as receiver:
        target = desk(receiver)
        for said in (None, b"\x00\x01garbage\r\n\r\n", b""):
            async with delivering(seconds=0.3) as delivery:
                receiver.answers = [said]
                reply = await delivery.deliver(target, "msg_1", BODY)
                assert reply.answer is Answer.FAILED
                assert "hooks.example" not in reply.why
    async with delivering() as delivery:
        assert (await delivery.deliver(target, "msg_1", BODY)).answer is Answer.FAILED


async def test_two_names_at_one_address_share_no_connection() -> None:
    """A connection made under one name, whose certificate was held against it, is not used for another name."""
    async with receiving() as receiver:
        found = HttpDelivery({"desk": [SECRET], "duty": [SECRET]}, 5.0, now_ms, resolve=here)
        for name in ("desk", "duty", "desk"):
            target = Target(name, f"http://{name}.example:{receiver.port}/", allow_private=True)
            assert (await found.deliver(target, "msg_1", BODY)).answer is Answer.TAKEN
        await found.close()
    peers = [request.peer for request in receiver.requests]
    assert peers[0] == peers[2] != peers[1]


async def test_an_answer_without_an_end_is_not_read_on() -> None:
    """Of an answer that is endless only a little is read."""
    async with receiving() as receiver, delivering() as delivery:
        receiver.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + bytes(200_000)]
        assert (await delivery.deliver(desk(receiver), "msg_1", BODY)).answer is Answer.TAKEN


async def test_what_is_inside_is_not_connected_to() -> None:
    """A name that leads to an address of ours is refused before anything is sent, unless that is allowed."""
    async with receiving() as receiver, delivering() as delivery:
        reply = await delivery.deliver(desk(receiver, allow_private=False), "msg_1", BODY)
    assert (reply.answer, reply.why) == (Answer.FAILED, "its address is a loopback address")
    assert not receiver.requests


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=", "whsec_" + "A" * 200])
def test_a_secret_that_protects_nothing_is_refused(secret: str) -> None:
    """No base64, or fewer than 24 or more than 64 bytes: refused by name, without a word of the secret."""
    with pytest.raises(BadSecret, match="target desk") as told:
        HttpDelivery({"desk": [secret]}, 1.0, now_ms)
    assert len(secret) < 7 or secret.removeprefix("whsec_") not in str(told.value)


def test_absurd_waits_are_not_heard() -> None:
    """A Retry-After of a hundred digits, or of digits of another script, is none."""
    assert [reply_of(503, text).wait_ms for text in ("9" * 100, "٣", "", "-1")] == [0, 0, 0, 0]
