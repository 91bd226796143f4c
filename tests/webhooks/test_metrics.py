"""What operators see of the sender: the log's counts, only where somebody sends."""

from __future__ import annotations

import inspect

import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import WebhookMetrics
from monitor.app.webhooks.life import accounts_of
from monitor.app.webhooks.messages import message_of
from monitor.app.webhooks.observing import Account, SilentWebhookObserver, WebhookObserver
from monitor.app.webhooks.queue import Answer, Queue, Tally
from monitor.app.webhooks.quiet import QuietHours
from monitor.app.webhooks.targets import Target
from tests.webhooks.sender import event


def test_counts_are_the_logs_and_go_when_another_sends() -> None:
    """A process that has just started shows what the log counted before it; one that stands by shows none of it."""
    registry = CollectorRegistry()
    metrics = WebhookMetrics(registry, clock=lambda: 1_000.0)
    metrics.active(is_active=True)
    metrics.stands({"desk": Account(Tally(9, 4, 3, 2, 11), 5, 990_000, is_gone=True)})

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"liqmon_webhooks_{name}", labels)

    fates = ("received", "acknowledged", "digested", "parked")
    assert [value("events_total", target="desk", fate=fate) for fate in fates] == [9, 4, 3, 2]
    assert (value("waiting_messages", target="desk"), value("oldest_seconds", target="desk")) == (5, 10.0)
    assert (value("gone", target="desk"), value("active")) == (1, 1)
    metrics.active(is_active=False)
    assert (value("gone", target="desk"), value("active")) == (None, 0)


@pytest.mark.parametrize("observer", [SilentWebhookObserver(), WebhookMetrics(CollectorRegistry())])
def test_every_verb_of_the_port_is_there(observer: WebhookObserver) -> None:
    """Whatever the sender notes, either observer takes."""
    for name, verb in inspect.getmembers(WebhookObserver, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(type(observer), name)) == inspect.signature(verb)


def test_what_waits_for_the_morning_is_not_late() -> None:
    """The oldest event that waits is told by its time in the log, but for those that are held."""
    queue = Queue(Target("desk", "https://x", quiet=QuietHours(0, 60)), lambda: 0.0)
    queue.offer(message_of(event(1, "a", "watch"), "desk", 0), 0)
    assert accounts_of({"desk": queue}, 0)["desk"].oldest_ms is None
    queue.offer(message_of(event(7, "b", "liquidation"), "desk", 0), 0)
    assert accounts_of({"desk": queue}, 0)["desk"].oldest_ms == 1_007
    assert queue.begin(0) is not None
    queue.answered(Answer.TAKEN, 0)
    found = accounts_of({"desk": queue}, 0)["desk"]
    assert (found.waiting, found.oldest_ms, found.tally.acknowledged) == (1, None, 1)
