"""JSON Schemas of every message, made from the shapes: `python -m monitor.adapters.wire.schemas FOLDER` writes them.

Which shape stands on which topic is listed here; what the shapes say is declared with them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from monitor.adapters.wire.adl_outputs import AdlCandidate, AdlSelected, AdlTriggered
from monitor.adapters.wire.document_shapes import DocumentBody
from monitor.adapters.wire.outputs import (
    AccountStatus,
    AdlWatch,
    DeadLetterHeaders,
    Event,
    Report,
    RuleEvent,
)
from monitor.adapters.wire.quality_outputs import DataQuality
from monitor.adapters.wire.shapes import AccountEventBody, AssetBody, InstrumentBody, InsuranceFundBody, PriceBody
from monitor.adapters.wire.subscriber_shapes import ClientMessage, GatewayMessage
from monitor.adapters.wire.webhook_shapes import ParkedBody, Posted

DIALECT = "https://json-schema.org/draft/2020-12/schema"

INPUTS: Mapping[str, Any] = {
    "mark-prices": PriceBody | Annotated[list[PriceBody], Meta(extra_json_schema={"minItems": 1})],
    "account-events": AccountEventBody,
    "instruments": InstrumentBody,
    "assets": AssetBody,
    "insurance-funds": InsuranceFundBody,
    "account-document": DocumentBody,
}
OUTPUTS: Mapping[str, Any] = {
    "event": Event,
    "rule-event": RuleEvent,
    "adl-watch": AdlWatch,
    "adl-candidate": AdlCandidate,
    "adl-triggered": AdlTriggered,
    "adl-selected": AdlSelected,
    "account-status": AccountStatus,
    "dead-letter-headers": DeadLetterHeaders,
    "data-quality": DataQuality,
    "report": Report,
}
GATEWAY: Mapping[str, Any] = {
    "gateway-client": ClientMessage,
    "gateway-server": GatewayMessage,
}
WEBHOOKS: Mapping[str, Any] = {
    "webhook": Posted,
    "webhook-parked": ParkedBody,
}


def schemas() -> dict[str, bytes]:
    """Return file name to content of every schema."""
    return {
        f"{name}.json": _schema(name, shape) for name, shape in {**INPUTS, **OUTPUTS, **GATEWAY, **WEBHOOKS}.items()
    }


def _schema(name: str, shape: Any) -> bytes:
    schema = {"$schema": DIALECT, "title": name, **msgspec.json.schema(shape)}
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write(folder: Path) -> None:
    """Write every schema into a folder and remove those of messages that no longer exist."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for stale in folder.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, content in wanted.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
