"""How an event is proven from itself alone: as a reader of the topic would do it.

The proof is the core's; only the way there lives here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from monitor.adapters.wire.document import Base, decode_document
from monitor.core.document import Document
from monitor.core.limits import Limits
from monitor.core.verify import Difference, first_difference

LIMITS = Limits()


def read(event: Mapping[str, Any]) -> tuple[dict[str, Any], Document | None]:
    """Return an event as it is read from a topic, and the document of its evidence."""
    body: dict[str, Any] = orjson.loads(orjson.dumps(event, default=dict))
    evidence = body.get("evidence")
    if evidence is None or "document" not in evidence:
        return body, None
    return body, decode_document(orjson.dumps(evidence["document"]), LIMITS, Base(of_evidence=True))


def difference(event: Mapping[str, Any]) -> Difference | None:
    """Return the first term of an event that its evidence does not give."""
    return first_difference(*read(event))
