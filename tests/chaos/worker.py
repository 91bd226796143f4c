"""The test build of the daemon: `liqmon run` with the log port wrapped, so that it dies at a named point, or errs.

`python -m tests.chaos.worker --config FILE [--point NAME --action kill|stop --passing N] [--broken HOW]`. Everything
but the wrapping is the product's own command line.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping, Sequence

from monitor.adapters import kafka
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.cli.main import main
from tests.chaos.points import (
    ACTIONS,
    DURING_CATCH_UP,
    DURING_RESTORE,
    POINTS,
    Switch,
    SwitchedLog,
    SwitchedWriter,
)

NOWHERE = "nowhere"
BROKEN = ("random-id", "lost-event", "doubled-event")
EVENTS = ("margin-calls", "liquidations", "adl-events")
_EVERY = 40


class RandomIdLog(SwitchedLog):
    """Give every writer an id of its own: nobody is locked out any more."""

    def writer(self, transactional_id: str) -> SwitchedWriter:
        """Return a writer that fences nobody."""
        return super().writer(f"{transactional_id}-{secrets.token_hex(4)}")


class LosingWriter(SwitchedWriter):
    """Leave an event out now and then."""

    count = 0

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write all but one event in so many."""
        await super().write([record for record in records if not self._is_next(record)], consumed)

    @classmethod
    def _is_next(cls, record: OutputRecord) -> bool:
        cls.count += record.topic in EVENTS
        return record.topic in EVENTS and cls.count % _EVERY == 0


class DoublingWriter(LosingWriter):
    """Write an event twice now and then."""

    async def write(
        self, records: Sequence[OutputRecord], consumed: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Write everything, and one event in so many again."""
        again = [record for record in records if self._is_next(record)]
        await SwitchedWriter.write(self, [*records, *again], consumed)


def _log_of(broken: str | None) -> type[SwitchedLog]:
    if broken == "random-id":
        return RandomIdLog
    kind = {"lost-event": LosingWriter, "doubled-event": DoublingWriter}.get(broken or "", SwitchedWriter)

    class Log(SwitchedLog):
        """Hand out writers of the kind asked for."""

        def writer(self, transactional_id: str) -> SwitchedWriter:
            writer = kind(self._clients, transactional_id, self._offsets_group)
            writer.switch = self.switch
            return writer

    return Log


def run(arguments: list[str]) -> int:
    """Wrap the log and run the daemon."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.worker")
    parser.add_argument("--config", required=True)
    parser.add_argument("--point", choices=POINTS, default=NOWHERE)
    parser.add_argument("--action", choices=tuple(ACTIONS), default="kill")
    parser.add_argument("--passing", type=int, default=1)
    parser.add_argument("--broken", choices=BROKEN)
    args = parser.parse_args(arguments)
    wrapped = _log_of(args.broken)
    wrapped.switch = Switch(args.point, args.action, args.passing)
    wrapped.points = {"liqmon-state": DURING_RESTORE, "account-events": DURING_CATCH_UP}
    kafka.KafkaLog = wrapped  # type: ignore[misc]
    return main(["run", "--config", args.config])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
