"""Outlets: where the commands of this room write, and in which form, put together from settings."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.adapters.wire.codec import WireCodec
from monitor.app.venue_feed.ports import Outlet
from monitor.app.venue_feed.writing import MessageWriter
from monitor.cli.feed.printing import Printer
from monitor.cli.kafka_log import open_kafka

if TYPE_CHECKING:
    from monitor.app.topics import TopicNames
    from monitor.config import Settings

log = logging.getLogger(__name__)


def is_printing(settings: Settings) -> bool:
    """Return whether messages are printed, for want of a broker."""
    return settings.kafka.bootstrap_servers is None


def topic_names(settings: Settings) -> TopicNames:
    """Return the names of the topics; printed ones have no prefix, as `liqmon run --input` reads them."""
    return (replace(settings.topics, prefix="") if is_printing(settings) else settings.topics).names()


def message_writer(settings: Settings) -> MessageWriter:
    """Return what makes messages that the daemon takes."""
    limits = settings.limits
    return MessageWriter(topic_names(settings), WireCodec(limits).encode, limits.max_message_bytes, limits.max_prices)


@asynccontextmanager
async def open_outlet(settings: Settings) -> AsyncIterator[Outlet]:
    """Give the configured Kafka, or standard output."""
    if is_printing(settings):
        log.warning("no broker is configured: messages are printed")
        yield Printer()
        return
    kafka = open_kafka(settings)
    outlet = kafka.outlet()
    try:
        yield outlet
    finally:
        await outlet.close()
        await kafka.close()
