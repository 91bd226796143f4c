"""Settings of the watchdogs: what each may bear before it barks, in milliseconds; 0 switches a watchdog off.

The watchdogs themselves live in `watch`, `pulse`, `input_watch` and `heartbeats`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOT_NEGATIVE = {"at_least": 0}


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """Hold the budget of every watchdog.

    Attributes:
        interval_ms: everything is looked at this often.
        loop_late_ms: lateness of the event loop from which on nothing is emitted until the group has confirmed us
            again; absent: half of kafka.session_timeout_ms.
        loop_lost_ms: lateness from which on all shards are taken over anew; absent: kafka.session_timeout_ms, after
            which the group has given them away, and the client does not tell.
        kernel_ms: one piece of work in the kernel thread. Restoring a large shard is one piece.
        turn_ms: an own, steady shard must have finished a step within this.
        steady_ms: an own shard must be restored within this.
        unowned_ms: age of a shard's last heartbeat, of whichever instance, from which on nobody owns it.
        membership_ms: the group must have confirmed this membership within this; a rebalance may take
            kafka.rebalance_timeout_ms.
        open_transaction_ms: data may wait behind somebody's open transaction for so long.
        price_silence_ms: age of the last price message while prices are expected: instruments are known.
        account_silence_ms: time without any account event of the own shards; off, as nobody may trade for hours.
        heartbeat_ms: a heartbeat of each own shard that works is written this often; 0: none are written or read.
        hold_ms: a failure that asks for a restart is shown at /livez for so long after it is over: a loop that comes
            back between two probes must not answer as if nothing had been.
    """

    interval_ms: int = field(default=500, metadata={"at_least": 10})
    loop_late_ms: int | None = field(default=None, metadata={"at_least": 1})
    loop_lost_ms: int | None = field(default=None, metadata={"at_least": 1})
    kernel_ms: int = field(default=120_000, metadata=NOT_NEGATIVE)
    turn_ms: int = field(default=20_000, metadata=NOT_NEGATIVE)
    steady_ms: int = field(default=120_000, metadata=NOT_NEGATIVE)
    unowned_ms: int = field(default=30_000, metadata=NOT_NEGATIVE)
    membership_ms: int = field(default=30_000, metadata=NOT_NEGATIVE)
    open_transaction_ms: int = field(default=30_000, metadata=NOT_NEGATIVE)
    price_silence_ms: int = field(default=0, metadata=NOT_NEGATIVE)
    account_silence_ms: int = field(default=0, metadata=NOT_NEGATIVE)
    heartbeat_ms: int = field(default=1_000, metadata=NOT_NEGATIVE)
    hold_ms: int = field(default=15_000, metadata=NOT_NEGATIVE)

    def __post_init__(self) -> None:
        if self.loop_late_ms is not None and self.loop_lost_ms is not None and self.loop_late_ms > self.loop_lost_ms:
            raise ValueError("loop_late_ms must be at most loop_lost_ms")
        if self.heartbeat_ms and self.unowned_ms and self.unowned_ms < 3 * self.heartbeat_ms:
            raise ValueError("unowned_ms must be at least three times heartbeat_ms")
