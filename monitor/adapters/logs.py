"""Logs: structlog set up once, for people on a terminal and as JSON otherwise; the standard library's loggers join in.

What is logged is the callers' business, but two rules are kept here: a field that is named like a secret is masked, and
below the level `debug` a field named like account data never gets out (ids do).
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import orjson
import structlog

SECRET = re.compile(r"password|secret|token|credential|passphrase|authorization", re.IGNORECASE)
ACCOUNT_DATA = frozenset(
    {
        "balances",
        "positions",
        "equity",
        "wallet_balance",
        "quantity",
        "entry_price",
        "isolated_wallet",
        "maintenance_margin",
        "initial_margin",
        "unrealized_pnl",
    }
)
"""Fields that tell what an account holds: they are dropped above the level `debug`."""

QUIET = ("aiokafka", "asyncio", "numba", "websockets", "httpx", "httpcore")
"""Libraries of which only warnings are written, whatever the level: they print keys, values, addresses."""

MASK = "***"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Hold what is logged and how.

    Attributes:
        level: the least important level that is written.
        format: `auto` is `human` on a terminal and `json` otherwise.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = "auto"


def configure_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send everything that is logged, by structlog or the standard library, to one stream (standard error).

    May be called again: the last call counts.
    """
    target = sys.stderr if stream is None else stream
    human = settings.format == "human" or (settings.format == "auto" and target.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        drop_account_data,
        mask_secrets,
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(human, target)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace every value whose field is named like a secret, also one level down; paths (`*_file`) are none."""
    for name, value in event.items():
        if SECRET.search(name) and not name.endswith("_file"):
            event[name] = MASK
        elif isinstance(value, Mapping):
            event[name] = {
                key: MASK if SECRET.search(str(key)) and not str(key).endswith("_file") else inner
                for key, inner in value.items()
            }
    return event


def drop_account_data(_: Any, level: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop fields that tell what an account holds, but for the level `debug`."""
    if level != "debug":
        for name in ACCOUNT_DATA & event.keys():
            del event[name]
    return event


def _rendering(human: bool, target: TextIO) -> list[structlog.typing.Processor]:
    if human:
        colours = target.isatty() and not os.environ.get("NO_COLOR")
        return [structlog.dev.ConsoleRenderer(colors=colours)]
    return [
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


def _to_json(document: object, **_: Any) -> str:
    return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
