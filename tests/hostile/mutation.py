"""Mutation: how a message is bent, at the level of bytes, tokens, values and structure; and the bombs.

Whether what comes out is still allowed is the oracle's to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

_SURROGATES = "surrogatepass"
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 10**31, 10**40,
    "", "0", "-0", "-1", "1e5", "1E-3", "+1", " 1", "1 ", "1_000", "0x10", "NaN", "Infinity", "-inf", "1/2", "1.", ".5",
    "--1", "00012", "\u0663", "\u00bd", "1" * 64, "1" * 65, "0." + "0" * 29 + "1", "0." + "0" * 30 + "1",
    "1" + "0" * 30, "1" + "0" * 31, "9" * 64, "9" * 5000, "long", "both", "cross", "isolated", "USDT", "H0USDT",
    "a|b", "|", "\u0000", "a\nb", "\x7f", "\x85", "\ud800", "\u00e9" * 129, "k" * 10_000, "x" * 257,
    [], {}, [[]], {"a": {}}, [None], "null", "true", 0.5, 1.0, 1e5, -0.0, 1e308,
]  # fmt: skip
TOKENS = [
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1E5", b"0.1", b"1.0", b"-0", b"01", b"+1", b"nul", b"null",
    b"undefined", b"'x'", b"{}", b"[]", b"9" * 4_500, b"1" * 40, b"0x1", b"/**/", b"true", b"-", b'"', b'"\t"',
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\x41"',
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00",
]  # fmt: skip
ENDS = [b"\xef\xbb\xbf", b"\x00", b" ", b"\n", b"\xff\xfe", b"{}", b",", b"]", b"//x", b"\x1e"]

Bend = Callable[[Random, bytes], bytes]


def dumped(node: Any, random: Random | None = None) -> bytes:
    """Return JSON as bytes, escaped or not; lone surrogates go through as they are."""
    ascii_only = random is None or random.random() < 0.5
    return json.dumps(node, ensure_ascii=ascii_only).encode("utf-8", _SURROGATES)


def places(node: Any, found: list[tuple[Any, Any]] | None = None) -> list[tuple[Any, Any]]:
    """Return every (container, key or index) inside a node."""
    found = [] if found is None else found
    if isinstance(node, dict):
        for key, member in node.items():
            found.append((node, key))
            places(member, found)
    elif isinstance(node, list):
        for index, member in enumerate(node):
            found.append((node, index))
            places(member, found)
    return found


def bend_value(random: Random, node: Any) -> bytes:
    """Replace one value."""
    found = places(node)
    if found:
        holder, key = random.choice(found)
        holder[key] = random.choice(VALUES)
    return dumped(node if found else random.choice(VALUES), random)


def bend_structure(random: Random, node: Any) -> bytes:
    """Lose, add, rename, wrap, or double a part."""
    found = places(node)
    if not found:
        return dumped([node], random)
    holder, key = random.choice(found)
    what = random.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[random.choice(["unheard", "Symbol", "", "a" * 10_000, "\u0000", "version ", "ａ"])] = random.choice(
            VALUES
        )
    elif what == 2 and isinstance(holder, dict):
        holder[str(key) + random.choice([" ", "s", "_", "\u0000"])] = holder.pop(key)
    elif what == 3:
        holder[key] = random.choice([[holder[key]], {"value": holder[key]}, [[holder[key]]]])
    elif isinstance(holder, list):
        holder.append(holder[key])
    else:
        return dumped([node, node] if random.random() < 0.5 else {"message": node}, random)
    return dumped(node, random)


def bend_twice(random: Random, node: Any) -> bytes:
    """State a key of the message twice, sometimes spelled with an escape."""
    text = dumped(node, random)
    if not isinstance(node, dict) or not node:
        return b"[" + text + b"," + text + b"]"
    key = random.choice(list(node))
    member = json.dumps(node[key] if random.random() < 0.5 else random.choice(VALUES[:40])).encode("utf-8", _SURROGATES)
    escaped = f'"\\u{ord(key[0]):04x}{key[1:]}"'.encode() if key and key[0].isalpha() else json.dumps(key).encode()
    return text[:-1] + b"," + (escaped if random.random() < 0.5 else json.dumps(key).encode()) + b":" + member + b"}"


def bend_token(random: Random, node: Any) -> bytes:
    """Put a token of another language in the place of one value."""
    found = places(node)
    if not found:
        return random.choice(TOKENS)
    holder, key = random.choice(found)
    holder[key] = "@@here@@"
    return dumped(node, random).replace(b'"@@here@@"', random.choice(TOKENS))


def bend_bytes(random: Random, node: Any) -> bytes:
    """Cut, double, flip or put in bytes."""
    text = bytearray(dumped(node, random))
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randrange(len(text) + 1)
        end = min(len(text), at + random.choice([1, 2, 8, 30]))
        what = random.randrange(5)
        if what == 0:
            del text[at:end]
        elif what == 1:
            text[at:at] = text[at:end]
        elif what == 2 and at < len(text):
            text[at] ^= 1 << random.randrange(8)
        elif what == 3:
            text[at:at] = random.choice(TOKENS)
        else:
            text[at:end] = bytes(random.randrange(256) for _ in range(end - at))
    return bytes(text)


def bend_ends(random: Random, node: Any) -> bytes:
    """Put something before or behind."""
    text, more = dumped(node, random), random.choice(ENDS)
    return more + text if random.random() < 0.5 else text + more


BENDS: list[Callable[[Random, Any], bytes]] = [
    bend_value, bend_value, bend_value, bend_structure, bend_structure, bend_twice, bend_token, bend_token, bend_bytes,
    bend_bytes, bend_ends,
]  # fmt: skip


def bent(random: Random, node: Any) -> bytes:
    """Return a message bent in one way."""
    return random.choice(BENDS)(random, json.loads(json.dumps(node)))


def bombs(random: Random, topic: str, node: Any) -> bytes:
    """Return a message that is meant to cost its reader much."""
    text = dumped(node)
    deep = random.choice([300, 5_000, 100_000])
    price = {"symbol": "H0USDT", "mark_price": "1", "event_time_ms": 1}
    choices: list[Callable[[], bytes]] = [
        lambda: text[:-1] + b" " * random.choice([524_288, 600_000, 1_000_000]) + text[-1:],
        lambda: b"[" * deep + b"]" * deep,
        lambda: b'{"a":' * deep + b"1" + b"}" * deep,
        lambda: text[:-1] + b',"deep":' + b"[" * deep + b"]" * deep + b"}",
        lambda: b'{"symbol":"' + b"k" * 500_000 + b'"}',
        lambda: b'{"account_id":' + b"9" * 500_000 + b"}",
        lambda: b'{"' + b'":1,"'.join(b"k%d" % number for number in range(40_000)) + b'":1}',
        lambda: b"[" + b"," * 100_000 + b"]",
        lambda: dumped(["x" * 500_000]),
    ]
    if topic == "mark_prices":
        choices += [
            lambda: b"[" + b",".join([b"{}"] * 100_000) + b"]",
            lambda: b"[" + b",".join([b"1"] * 100_000) + b"]",
            lambda: dumped([price] * 6_000),
            lambda: dumped([price | {"symbol": f"N{random.random()}"} for _ in range(3_000)]),
            lambda: dumped([[price] * 10] * 50),
            lambda: dumped([price | {"mark_price": "0"}] * 4_000 + [price]),
        ]
    if topic == "account_events" and isinstance(node, dict):
        many = [{"symbol": f"N{number}", "quantity": "1", "entry_price": "1"} for number in range(10_000)]
        choices += [
            lambda: dumped(node | {"positions": many[: random.choice([512, 513, 10_000])], "snapshot": True}),
            lambda: dumped(
                node | {"balances": {f"A{number}": "1" for number in range(random.choice([512, 513, 20_000]))}}
            ),
            lambda: dumped(node | {"settings": {"labels": {f"l{number}": "v" * 50 for number in range(5_000)}}}),
            lambda: dumped(node | {"settings": {"leverage": {f"s{number}": "2" for number in range(5_000)}}}),
            lambda: dumped(node | {"settings": {"drawdown_stops": [f"0.{number}" for number in range(1, 5_000)]}}),
        ]
    return random.choice(choices)()
