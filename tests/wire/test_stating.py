"""Messages in columns against the specification: the decoder that makes an object of each, and what facts become by it.

`LIQMON_STATED=2000000 pytest tests/wire/test_stating.py` makes a longer campaign.
"""

from __future__ import annotations

import os
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from monitor.adapters.wire.accounts import decode_account_event
from monitor.adapters.wire.faults import BadMessage
from monitor.adapters.wire.stating import state_messages
from monitor.core.accounts import Account, AccountEvent, MarginMode, MarginType, Position, PositionMode, Side
from monitor.core.amending import amended_run
from monitor.core.amendment import amended
from monitor.core.facts import pack, settings_of
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.limits import Limits

pytestmark = pytest.mark.skipif(not HAS_NUMBA, reason="without compiled code no message is stated in columns")

MESSAGES = int(os.environ.get("LIQMON_STATED", "12000"))
AT_ONCE = 60
LIMITS = (
    Limits(),
    Limits(max_balances=2, max_positions=2),
    Limits(max_id_bytes=6, max_digits=4),
    Limits(max_message_bytes=150),
)
GOOD_SYMBOLS, GOOD_ASSETS = ("AUSDT", "BUSDT", "C:USDT", "D"), ("USDT", "USDC", "X", "A B")
ODD_NAMES = ("A|B", "", "é", "日本", "A\\u0041", 'A\\"', "ABCDEFGHIJ", "A\x7f", "A\tB", "A\\\\")
GOOD_AMOUNTS = ("0", "-0", "0.0", "-0.00", "1", "-1", "12.50", "-12.5", "0.000001", "-0.000012", "0.1", "100", "9.9")
GOOD_AMOUNTS = (*GOOD_AMOUNTS, "123456789012345678901234567890", "00", "000.0")
ODD_AMOUNTS = (
    "007",
    "1.",
    ".5",
    "-.5",
    "-",
    "",
    "+1",
    "1e5",
    "1E-7",
    " 1",
    "1 ",
    "0.0000001",
    "-0.0000009",
    "0.00000000",
)
ODD_AMOUNTS = (
    *ODD_AMOUNTS,
    "00.5",
    "-00.25",
    "1234567890123456789012345678901",
    "1" * 65,
    "01.5",
    "1.2.3",
    "NaN",
    "٣",
    "1_0",
    "1,0",
)
GOOD_WHOLES, ODD_WHOLES = (
    ("0", "7", "1700000000000", "999999999999999999"),
    ("-1", "01", "1.0", "1e3", "", '"1"', "null"),
)
ODD_WHOLES = (*ODD_WHOLES, "9223372036854775807", "9223372036854775808", "-0", "1 2")
TROUBLES = ("name", "amount", "whole", "field", "twice", "value", "cut", "byte", "tail", "key", "number", "missing")


class Drawn:
    """Draw messages as text, so that nothing of JSON is left out; at most one trouble in each."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._trouble: str | None = None

    def message(self, account_id: str) -> tuple[bytes, bytes, bool]:
        """Return key and value of a message, and whether it is one as most are."""
        random = self.random
        self._trouble = drawn = random.choice(TROUBLES) if random.random() < 0.5 else None
        members = [("account_id", f'"{account_id}"'), ("version", self._whole()), ("event_time_ms", self._whole())]
        if random.random() < 0.3:
            members.append(("epoch", random.choice(("0", "0", "1")) if drawn != "whole" else self._whole()))
        if random.random() < 0.8:
            members.append(("balances", self._amounts()))
        if random.random() < 0.8:
            members.append(("positions", self._array([self._position() for _ in range(random.randrange(4))])))
        if self._hits("field"):
            odd = ("snapshot", "deleted", "margin_mode", "settings", "net_transfers", "open_order_initial_margin", "x")
            given = random.choice(("false", "true", "{}", '{"USDT":"1"}', '{"cross:USDT":"1"}', '"multi_asset"'))
            members.append((random.choice(odd), given))
        if self._hits("missing"):
            del members[random.randrange(3)]
        random.shuffle(members)
        text = self._object(members)
        key = "other" if self._hits("key") else account_id
        value = bytearray((self._space() + text + self._space()).encode())
        if self._hits("cut"):
            del value[random.randrange(len(value)) :]
        if self._hits("byte"):
            value[random.randrange(len(value))] = random.choice(b'{}[]",:\\ \x00\xff\x1f0a-.')
        if self._hits("tail"):
            value += random.choice((b"x", b"{}", b",", b"\x00", b"  "))
        return key.encode(), bytes(value), drawn is None

    def _hits(self, trouble: str) -> bool:
        """Return whether the trouble comes now; it comes once."""
        if self._trouble != trouble or self.random.random() < 0.3:
            return False
        self._trouble = None
        return True

    def _space(self) -> str:
        return self.random.choice(("", "", "", "", " ", "\n", "\t ", "\r\n"))

    def _object(self, members: list[tuple[str, str]]) -> str:
        if self._hits("twice") and members:
            members = [*members, self.random.choice(members)]
        return "{" + self._joined([f'"{name}"{self._space()}:{self._space()}{given}' for name, given in members]) + "}"

    def _array(self, parts: list[str]) -> str:
        return "[" + self._joined(parts) + "]"

    def _joined(self, parts: list[str]) -> str:
        return ",".join(f"{self._space()}{part}{self._space()}" for part in parts) or self._space()

    def _whole(self) -> str:
        return self.random.choice(ODD_WHOLES if self._hits("whole") else GOOD_WHOLES)

    def _amount(self) -> str:
        if self._hits("number"):
            return self.random.choice(("1", "0", "-3", "1.5", "true", "null", "[]", "{}"))
        return f'"{self.random.choice(ODD_AMOUNTS if self._hits("amount") else GOOD_AMOUNTS)}"'

    def _name(self, good: tuple[str, ...]) -> str:
        return self.random.choice(ODD_NAMES if self._hits("name") else good)

    def _amounts(self) -> str:
        names = self.random.sample(GOOD_ASSETS, self.random.randrange(4))
        return self._object([(self._name((name,)), self._amount()) for name in names])

    def _position(self) -> str:
        random, members = self.random, [("symbol", f'"{self._name(GOOD_SYMBOLS)}"')]
        members += [(name, self._amount()) for name in ("quantity", "entry_price", "leverage") if random.random() < 0.7]
        if random.random() < 0.4:
            sides = ("both", "long", "short", "both") if not self._hits("value") else ("BOTH", "", "left")
            members.append(("side", f'"{random.choice(sides)}"'))
        if random.random() < 0.3:
            members.append(("margin_type", '"isolated"' if self._hits("value") else '"cross"'))
        if self._hits("field"):
            members.append((random.choice(("isolated_wallet", "y")), '"1"'))
        random.shuffle(members)
        return self._object(members)

    def record(self, account_id: str) -> bytes:
        """Return packed facts of an account, or none."""
        random = self.random
        if random.random() < 0.05:
            return b""
        positions: dict[Any, Position] = {}
        is_hedged = random.random() < 0.3
        for symbol in random.sample(GOOD_SYMBOLS, random.randrange(5)):
            side = random.choice((Side.LONG, Side.SHORT)) if is_hedged else Side.BOTH
            isolated = random.random() < 0.1
            kind, wallet = (MarginType.ISOLATED, Decimal("1.0")) if isolated else (MarginType.CROSS, None)
            leverage = random.choice((None, Decimal(20)))
            amounts = Decimal(random.choice(("3", "-3.50", "0.1"))), Decimal(random.choice(("100", "0.50")))
            positions[symbol, side] = Position(symbol, side, *amounts, kind, wallet, leverage)
        return pack(
            Account(
                account_id,
                random.choice((*MarginMode, MarginMode.SINGLE_ASSET, MarginMode.SINGLE_ASSET)),
                PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY,
                {name: Decimal("10.00") for name in random.sample(GOOD_ASSETS, random.randrange(4))},
                positions,
                {"cross:USDT": Decimal(1)} if random.random() < 0.1 else {},
                {"USDT": Decimal(1)} if random.random() < 0.1 else {},
                settings_of({"leverage": {"AUSDT": "3"}} if random.random() < 0.1 else {}),
                version=random.choice((0, 0, 3, 2**62)),
                epoch=random.choice((0, 0, 0, 1)),
                event_time_ms=5,
                complete=random.random() < 0.9,
                suspect=random.random() < 0.1,
                deleted=random.random() < 0.05,
                ineligible=("why",) if random.random() < 0.05 else (),
            )
        )


def event_of(key: bytes, value: bytes, limits: Limits) -> AccountEvent | None:
    """Return what the specification makes of a message, None where it refuses it."""
    try:
        return decode_account_event(value, key, limits)
    except BadMessage:
        return None


@pytest.mark.parametrize("limits", LIMITS)
def test_columns_say_what_objects_say(limits: Limits) -> None:
    """What is taken as plain is good and says the same; of usual messages all are taken that amend facts at all."""
    random, amending = Random(MESSAGES), 0
    drawn = Drawn(random)
    for _ in range(MESSAGES // len(LIMITS) // AT_ONCE):
        ids = [random.choice(("a", "a|b", "account-7", "x" * 7)) for _ in range(random.randrange(1, 2 * AT_ONCE))]
        messages = [drawn.message(account_id) for account_id in ids]
        records = [drawn.record(account_id) for account_id in ids]
        stated = state_messages([value for _, value, _ in messages], [key for key, _, _ in messages], limits)
        assert stated is not None
        found = amended_run(records, stated, limits)
        for place, (key, value, is_usual) in enumerate(messages):
            event = event_of(key, value, limits)
            expected = None if event is None or not records[place] else amended(records[place], event, limits)
            if stated.plain[place]:
                assert event is not None, value
                assert tuple(stated.heads[place]) == (event.version, event.event_time_ms, event.epoch)
            if found[place] is not None:
                assert found[place] == expected, (value, records[place])
                amending += 1
            else:
                assert expected is None or not is_usual or limits != Limits(), (value, records[place])
    assert amending > MESSAGES // 1000
