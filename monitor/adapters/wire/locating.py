"""Locating: which key of an object a fault lies under.

msgspec names the fields of a path and the indices of its arrays, but writes `[...]` for the key of an object. The key
is found here by converting ever smaller parts of the message, only once it is known to be bad.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from monitor.adapters.wire.faults import joined, segment

_WILDCARD = "[...]"
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def located(place: str, value: bytes, kind: Any) -> str:
    """Return the place with every `[...]` replaced by the key; as it was where the key cannot be found."""
    try:
        tree = msgspec.json.decode(value)
        return _resolved(tree, place, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return place


def _resolved(tree: Any, place: str, kind: Any) -> str:
    done, node = "", tree
    rest = place
    while _WILDCARD in rest:
        before, _, rest = rest.partition(_WILDCARD)
        node = _followed(node, before)
        key = _culprit(tree, node, place, kind)
        done = joined(done + before, segment(key))
        node = node[key]
    return done + rest


def _followed(node: Any, steps: str) -> Any:
    for step in _STEP.finditer(steps):
        node = node[step[1]] if step[1] is not None else node[int(step[2])]
    return node


def _culprit(tree: Any, node: dict[str, Any], place: str, kind: Any) -> str:
    """Return the first key of `node` whose member makes the whole fail at `place`; the node keeps only that one."""
    members = list(node.items())
    below, enough = 0, len(members)
    while enough - below > 1:
        middle = (below + enough) // 2
        _keep(node, members[:middle])
        if _fails(tree, place, kind):
            enough = middle
        else:
            below = middle
    _keep(node, members[below:enough])
    return members[below][0]


def _keep(node: dict[str, Any], members: list[tuple[str, Any]]) -> None:
    node.clear()
    node.update(members)


def _fails(tree: Any, place: str, kind: Any) -> bool:
    try:
        msgspec.convert(tree, kind)
    except msgspec.ValidationError as fault:
        return str(fault).endswith(f"`${place}`")
    return False
