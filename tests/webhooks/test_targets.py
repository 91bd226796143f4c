"""Which addresses, hours and waits a target has, and what is told at once."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from monitor.app.webhooks.addresses import why_refused
from monitor.app.webhooks.messages import from_text, message_of, to_text
from monitor.app.webhooks.queue import Answer, Queue
from monitor.app.webhooks.quiet import QuietHours
from monitor.app.webhooks.targets import BadTargets, Pace, Target, check_targets
from tests.webhooks.sender import event

MINUTE = 60_000


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.9",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # refused, not listened on
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:1::",
        "nonsense",
    ],
)
def test_what_is_inside_is_refused(address: str) -> None:
    """Loopback, private, link-local, shared, multicast and unspecified addresses are refused, also inside IPv6 ones."""
    assert why_refused(address) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_not(address: str) -> None:
    """Public addresses are not refused."""
    assert why_refused(address) is None


@pytest.mark.parametrize(
    ("minute", "rank", "end"),
    [(22 * 60, 1, 31 * 60), (23 * 60 + 59, 1, 31 * 60), (60, 1, 7 * 60), (7 * 60, 1, None), (21 * 60, 1, None)]
    + [(60, rank, None) for rank in (2, 3, 4, 5, 6, 7, 8)],
)
def test_only_the_mildest_waits_for_the_morning(minute: int, rank: int, end: int | None) -> None:
    """From 22:00 to 07:00 a watch waits; a warning, a liquidation and what is unknown never do."""
    quiet = QuietHours(22 * 60, 7 * 60)
    assert quiet.end_ms(minute * MINUTE + 30_000, rank) == (None if end is None else end * MINUTE)


def test_waits_double_up_to_the_longest() -> None:
    """The n-th wait is backoff × 2^(n-1), at most the longest, of which chance takes up to a half."""
    pace = Pace(backoff_ms=100, max_backoff_ms=1_000)
    assert [pace.backoff(failures, 0.0) for failures in (1, 2, 3, 4, 5, 500)] == [100, 200, 400, 800, 1_000, 1_000]
    assert [pace.backoff(failures, 1.0) for failures in (1, 4)] == [50, 400]


@pytest.mark.parametrize(
    "wrong",
    [
        [Target("a", "https://u"), Target("a", "https://v")],
        [Target("a|b", "https://u")],
        [Target("a", "ftp://u")],
        [Target("a", "https://u", escalate_to="b")],
        [Target("a", "https://u", escalate_to="a")],
        [
            Target("a", "https://u", escalate_to="b"),
            Target("b", "https://u", escalate_to="c"),
            Target("c", "https://u"),
        ],
    ],
)
def test_targets_that_contradict_each_other_are_refused(wrong: list[Target]) -> None:
    """Two of a name, names with the separator, and escalation to nobody, to oneself or in a chain are refused."""
    with pytest.raises(BadTargets):
        check_targets(wrong)


def queue(**pace: int) -> Queue:
    """Return the queue of a target, without jitter."""
    return Queue(Target("desk", "https://u", pace=Pace(**{"interval_ms": 0, "digest_ms": 1_000, **pace})), lambda: 0.0)


def offer(desk: Queue, count: int, start: int = 0, *, kind: str = "liquidation") -> None:
    """Offer events of accounts of their own, at one moment."""
    for number in range(start, start + count):
        desk.offer(message_of(event(number, f"a{number}", kind), "desk", 0), 0)


def test_a_storm_is_one_message_that_names_the_range() -> None:
    """Of a hundred alike at once the first three are told by themselves, the other 97 in one message at the end."""
    desk = queue(digest_after=3)
    offer(desk, 100)
    sizes = []
    now_ms = 0
    while (wake := desk.wake_ms()) is not None:
        now_ms = max(now_ms, wake)
        message = desk.begin(now_ms)
        assert message is not None
        sizes.append(message.events)
        desk.answered(Answer.TAKEN, now_ms)
    assert sizes == [1, 1, 1, 97]
    assert now_ms == 1_000
    assert message.ranges == (("l", 0, 3, 99, 97),)
    assert message.accounts == {f"a{number}" for number in range(3, 100)}


def test_a_storm_of_accounts_that_fall_step_by_step_is_few_messages() -> None:
    """Accounts that are told of several levels at once join one digest, and what begins such a fall joins it too."""
    desk = queue(digest_after=1)
    dice = Random(1)
    for number in range(400):
        kind = dice.choice(("watch", "warning", "liquidation"))
        desk.offer(message_of(event(number, f"a{dice.randrange(200)}", kind), "desk", 0), 0)
    assert len(desk.waiting()) <= 8
    assert sum(message.events for message in desk.waiting()) == 400


def test_what_waits_for_the_morning_stays_apart_from_a_storm() -> None:
    """A watch in quiet hours joins no digest that goes soon, and nothing that goes soon joins one of the morning."""
    pace = Pace(interval_ms=0, digest_ms=1_000, digest_after=1)
    desk = Queue(Target("desk", "https://u", pace=pace, quiet=QuietHours(0, 60)), lambda: 0.0)
    offer(desk, 20, kind="warning")
    for number in range(1, 20):  # of the accounts of the storm: what is about them goes with them
        desk.offer(message_of(event(number, f"a{number}", "watch", topic="m"), "desk", 0), 0)
    offer(desk, 20, 100, kind="watch")
    offer(desk, 20, 200, kind="warning")
    soon, morning = ([one for one in desk.waiting() if (one.hold_ms > 60_000) is late] for late in (False, True))
    assert {account for one in morning for account in one.accounts} == {f"a{number}" for number in range(100, 120)}
    assert all(one.rank == 1 and one.hold_ms == 3_600_000 for one in morning)
    assert sum(one.events for one in soon) == 59


def test_what_is_not_alike_is_told_by_itself() -> None:
    """A digest of warnings does not delay a liquidation of another account; one of its own account ends its wait."""
    desk = queue(digest_after=1)
    offer(desk, 3, kind="warning")
    offer(desk, 1, 3)
    assert [message.events for message in desk.waiting() if message.hold_ms == 0] == [1, 1]
    desk.offer(message_of(event(4, "a2"), "desk", 0), 5)
    held = [message for message in desk.waiting() if message.events > 1]
    assert [(one.events, one.rank) for one in held] == [(3, 4)]


def test_what_tells_of_two_that_are_held_ends_both_waits() -> None:
    """A message about accounts of two digests makes one message of the three, none of which is left behind."""
    desk = queue(digest_after=1)
    offer(desk, 3, kind="warning")
    offer(desk, 3, 3)
    first, second = (one for one in desk.waiting() if one.hold_ms > 0)
    both = replace(first, id="both", made_ms=5, hold_ms=5, accounts=first.accounts | second.accounts, rank=1)
    desk.offer(both, 5, may_gather=False)
    found = [one for one in desk.waiting() if one.events > 1]
    assert [(one.id, one.events, one.hold_ms, one.rank) for one in found] == [(second.id, 6, 5, 4)]
    assert len(desk.waiting()) == 3
    messages, _ = desk.changes()
    assert messages[first.id] is None


def test_a_failing_head_keeps_the_rest_waiting() -> None:
    """While the first is tried again nothing else is sent; the pace keeps attempts apart; the last failure parks."""
    desk = queue(interval_ms=50, backoff_ms=100, max_backoff_ms=100, max_attempts=2)
    offer(desk, 2)
    first = desk.begin(0)
    assert first is not None
    assert desk.begin(1_000) is None, "one at a time"
    desk.answered(Answer.FAILED, 10)
    assert desk.begin(109) is None
    again = desk.begin(110)
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)
    desk.answered(Answer.FAILED, 120, why="500")
    assert [one.reason for one in desk.take_parked()] == ["500"]
    assert desk.begin(130) is None, "the pace"
    assert desk.begin(160) is not None


def test_a_wish_to_be_left_alone_is_granted_up_to_the_longest_wait() -> None:
    """The wait a target asks for counts where it is longer than ours, but never above the longest."""
    desk = queue(backoff_ms=100, max_backoff_ms=5_000)
    offer(desk, 1)
    for wish, expected in ((3_000, 3_000), (60_000, 5_000), (1, 400)):
        now_ms = desk.wake_ms() or 0
        assert desk.begin(now_ms) is not None
        desk.answered(Answer.FAILED, now_ms, wait_ms=wish)
        assert desk.wake_ms() == now_ms + expected


def test_a_target_that_is_gone_gets_nothing_until_it_has_another_address() -> None:
    """After 410 everything is parked, also what comes later; another address, or the operator, ends it."""
    desk = queue()
    offer(desk, 3)
    desk.begin(0)
    desk.answered(Answer.GONE, 0)
    offer(desk, 2, 3)
    assert (desk.tally.parked, desk.begin(10_000)) == (5, None)
    tally = desk.tally
    for url, gone in (("https://u", True), ("https://v", False)):
        again = Queue(Target("desk", url), lambda: 0.0)
        again.restore(tally, [], 0)
        assert again.is_gone is gone


def test_what_was_held_has_its_time_to_be_acknowledged() -> None:
    """A watch held over the night is not late in the morning, only when it was not acknowledged from then on."""
    night = QuietHours(0, 10)
    desk = Queue(Target("desk", "https://u", quiet=night, escalate_to="duty", escalate_ms=5_000), lambda: 0.0)
    offer(desk, 1, kind="watch")
    assert desk.overdue(10 * MINUTE) == []
    assert desk.begin(10 * MINUTE - 1) is None
    assert desk.begin(10 * MINUTE) is not None
    assert desk.overdue(10 * MINUTE + 4_999) == []
    assert [one.events for one in desk.overdue(10 * MINUTE + 5_000)] == [1]
    assert desk.overdue(10 * MINUTE + 9_000) == [], "told once"


def test_a_message_is_the_same_after_the_log() -> None:
    """Its text gives the message back, whatever names and letters are in it."""
    message = message_of(event(7, 'a"ü\u2028|x'), "desk", 5)
    assert from_text(to_text(message)) == message
