"""Choosing for `tail`: the filters of the gateway, over the records of topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.filters import Filter
from monitor.app.gateway.views import Unreadable
from monitor.app.ports import Record
from monitor.core.ladder import MarginStatus


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold what is asked for."""

    wanted: Filter
    codec: SubscriberCodec

    @classmethod
    def of(
        cls,
        accounts: Sequence[str] | None,
        scopes: Sequence[str] | None,
        symbols: Sequence[str] | None,
        methods: Sequence[str] | None,
        severity: str | None,
    ) -> Choice:
        """Return the choice of some options; None asks for everything."""
        rank = 0 if severity is None else MarginStatus(severity).rank
        return cls(Filter(_set(accounts), _set(scopes), _set(symbols), _set(methods), rank), SubscriberCodec(0))

    def takes(self, record: Record) -> bool:
        """Tell whether a record is asked for; one that nobody of ours has written only where everything is."""
        try:
            view = self.codec.event(record)
        except Unreadable:
            return self.wanted == Filter()
        return view.rank >= self.wanted.min_rank and self.wanted.covers(view)


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
