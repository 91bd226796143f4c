"""Questions that the client does not ask: metadata and groups with our rights on them; asking them is done elsewhere.

Source of the layouts: Kafka's message definitions, `MetadataRequest` 8 and `DescribeGroupsRequest` 3, since Kafka 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.protocol.admin import DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from monitor.app.doctor.seen import Operation

_TEXT = String("utf-8")
_BITS = {Operation.READ: 3, Operation.WRITE: 4, Operation.DESCRIBE: 8, Operation.DESCRIBE_CONFIGS: 10}
_NOT_SAID = -(2**31)


def operations_of(bits: int | None) -> frozenset[Operation] | None:
    """Return the operations that a broker's bit field grants; None where it says nothing."""
    if bits is None or bits == _NOT_SAID:
        return None
    return frozenset(operation for operation, number in _BITS.items() if bits >> number & 1)


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _MetadataRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class MetadataQuestion(Request[MetadataRequest_v5 | _MetadataRequest]):
    """Ask for topics by name without making them, and for our rights where the broker can say them."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(
        self, request_struct_class: type[MetadataRequest_v5 | _MetadataRequest]
    ) -> MetadataRequest_v5 | _MetadataRequest:
        """Return the request in the version both sides know."""
        if request_struct_class is _MetadataRequest:
            return _MetadataRequest(self._topics, False, False, True)
        return MetadataRequest_v5(self._topics, False)


class _GroupRequest(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponse_v3  # the client's own names the response of version 2, without the rights
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class GroupQuestion(Request[_GroupRequest]):
    """Ask for one group, and for our rights on it."""

    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_GroupRequest]) -> _GroupRequest:
        """Return the request."""
        return request_struct_class([self._group], True)
