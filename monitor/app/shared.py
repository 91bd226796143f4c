"""What all shards of one instance share: the log, the feed, the codec, the clock, the kernel thread and the names.

Only the bundle lives here; each part is described where it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.app.adl_reading import AdlReader
from monitor.app.audit_settings import AuditSettings
from monitor.app.codec import Codec
from monitor.app.feed import GlobalFeed
from monitor.app.input_watch import InputWatch
from monitor.app.kernel_thread import KernelThread
from monitor.app.observing import Observer
from monitor.app.ports import Log
from monitor.app.provenance import MarketSource
from monitor.app.pulse import Pulse
from monitor.app.recovery_settings import RecoverySettings
from monitor.app.snapshots import Snapshots
from monitor.app.topics import TopicNames
from monitor.app.watchdog_settings import WatchdogSettings
from monitor.core.engine import MarginEngine
from monitor.core.limits import Limits


@dataclass(frozen=True, slots=True)
class Shared:
    """Hold what all shards of one instance share.

    `group` is the consumer group with the topic prefix before it; `shards` the number of partitions of account-events;
    `writer_id` a random id of this process. `adl` is None where nobody is ranked. `aside` runs work that takes long and
    touches no engine that judges, so that neither the event loop nor the kernel thread waits for it.
    """

    log: Log
    feed: GlobalFeed
    codec: Codec
    observer: Observer
    topics: TopicNames
    group: str
    shards: int
    writer_id: str
    make_engine: Callable[[], MarginEngine]
    on_kernel_thread: KernelThread
    aside: KernelThread
    snapshots: Snapshots
    market: MarketSource
    now_ms: Callable[[], int]
    pulse: Pulse
    inputs: InputWatch
    watchdogs: WatchdogSettings = field(default_factory=WatchdogSettings)
    limits: Limits = field(default_factory=Limits)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    adl: AdlReader | None = None
    audit: AuditSettings = field(default_factory=AuditSettings)
