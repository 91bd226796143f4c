"""Hostile files: everything the command line reads, bent like messages, given to the real commands.

A command may refuse a file or take it; it may not break. Which exit codes there are is the contract's to say.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from monitor.cli.exits import BadInput
from monitor.cli.input_lines import _parsed
from monitor.cli.main import main
from tests.hostile.mutation import TOKENS, bent, bombs, dumped

BROKEN = 70
DOCUMENT: dict[str, Any] = {
    "profile": "generic",
    "ladder": {"liquidation": "1.0", "inclusive": False},
    "instruments": {
        "BTCUSDT": {
            "contract": "linear",
            "settle_asset": "USDT",
            "base_asset": "BTC",
            "brackets": [{"floor": "0", "rate": "0.004", "max_leverage": "125"}, {"floor": "50000", "rate": "0.005"}],
        },
        "BTCUSD": {
            "contract": "inverse",
            "settle_asset": "BTC",
            "contract_size": "100",
            "brackets": [{"floor": "0", "rate": "0.01"}],
        },
    },
    "assets": {"USDT": {"index_price": "1", "collateral_ratio": "0.99"}, "BTC": {"index_price": "60000"}},
    "prices": {"BTCUSDT": {"mark_price": "61000", "index_price": "60990"}, "BTCUSD": {"mark_price": "61000"}},
    "portfolio": {"method": "scenario", "groups": {"BTC": {"members": ["BTCUSDT"], "move": "0.16"}}},
    "accounts": [
        {
            "account_id": "a1",
            "margin_mode": "multi_asset",
            "balances": {"USDT": "1000", "BTC": "-0.1"},
            "positions": [
                {"symbol": "BTCUSDT", "quantity": "0.5", "entry_price": "60000", "leverage": "20"},
                {
                    "symbol": "BTCUSD",
                    "quantity": "-3",
                    "entry_price": "60000",
                    "margin_type": "isolated",
                    "isolated_wallet": "1",
                },
            ],
            "settings": {"labels": {"a": "b"}, "bracket_multiplier": {"BTCUSDT": "4"}},
            "previous_status": {"cross:USD": "watch"},
        }
    ],
}
CONFIGURATION = """
[kafka]
group_id = "liqmon"
[ladder]
watch = "1.5"
liquidation = 1.0
hysteresis = 0.005
[ladder.isolated]
critical = "10/11"
[prices]
max_age_ms = 10000
stale_band = "0.5"
[limits]
max_accounts = 10
[http]
port = 8700
[venue]
profile = "generic"
[portfolio]
method = "scenario"
[portfolio.groups.BTC]
members = ["BTCUSDT"]
move = "0.16"
"""
LINE: dict[str, Any] = {
    "topic": "mark-prices",
    "key": "x",
    "value": {"symbol": "X", "mark_price": "1", "event_time_ms": 1},
}
NAMES = [
    "LIQMON_LADDER__WATCH",
    "LIQMON_PRICES__MAX_AGE_MS",
    "LIQMON_LIMITS__MAX_DIGITS",
    "LIQMON_X",
    "LIQMON___",
    "LIQMON_HTTP__PORT",
]
TEXTS = [
    "",
    "NaN",
    "inf",
    "1e400",
    "-1",
    "9" * 5000,
    "[]",
    "{}",
    "é",
    "0x10",
    "\x7f",
    "true",
    "1/0",
    "2/3",
    "[[[[",
    '"',
    "\n",
]


class Files:
    """Attack the commands with files in a folder."""

    def __init__(self, seed: int, folder: Path, events: list[dict[str, Any]]) -> None:
        self._random = Random(seed)
        self._folder = folder
        self._events = events
        self.codes: Counter[str] = Counter()
        self.complaints: list[str] = []

    def run(self, rounds: int) -> None:
        """Give each command so many files."""
        for _ in range(rounds):
            self._command("evaluate", self._json(DOCUMENT))
            self._command("compare", self._json(DOCUMENT))
            self._command("config check", self._toml(CONFIGURATION), "--config")
            self._command("config show", self._toml(CONFIGURATION), "--config")
            self._profile()
            self._command("config check", self._deep(), "--config")
            self._environment()
            self._input_line(self._json(LINE))
            event = self._random.choice(self._events)
            self._command("verify", self._json(event))
            self._command("explain", self._json(event))

    def _json(self, node: Any) -> bytes:
        random = self._random
        kind = random.random()
        if kind < 0.1:
            return dumped(node)
        return bombs(random, "file", node) if kind < 0.14 else bent(random, node)

    def _toml(self, text: str) -> bytes:
        random, lines = self._random, text.splitlines()
        at = random.randrange(len(lines))
        kind = random.randrange(5)
        if kind == 0:
            lines[at] = (
                lines[at].partition("=")[0] + "= " + random.choice([*TEXTS, "[1, 2]", "{a = 1}", "1979-05-27", "0.1"])
            )
        elif kind == 1:
            lines.insert(at, lines[random.randrange(len(lines))])
        elif kind == 2:
            lines[at] = "[" * random.choice([1, 5, 5000]) + "a" + "]" * random.choice([1, 5])
        elif kind == 3:
            lines[at] = "x = " + "[" * 5000 + "]" * 5000
        raw = "\n".join(lines).encode("utf-8", "surrogatepass")
        return bend_raw(random, raw) if kind == 4 else raw

    def _deep(self) -> bytes:
        """Return TOML that nests without end, or states numbers without end."""
        ways = [".".join(["a"] * 5_000) + " = 1", "x = 1e" + "9" * 30, "x = " + "9" * 5_000, "x = " + "{a=" * 2_000]
        return self._random.choice(ways).encode()

    def _command(self, command: str, content: bytes, *before: str, **environment: str) -> None:
        path = self._folder / "given"
        path.write_bytes(content)
        self._judge(command, [*command.split(), *before, str(path)], content, environment)

    def _profile(self) -> None:
        """Check a configuration that names a profile beside it."""
        venues = self._folder / "venues"
        venues.mkdir(exist_ok=True)
        text = (Path(__file__).parents[2] / "config" / "venues" / "aster.toml").read_text()
        content = self._toml(text)
        (venues / "own.toml").write_bytes(content)
        path = self._folder / "given.toml"
        path.write_text('[venue]\nprofile = "own"\n')
        self._judge("profile", ["config", "check", "--config", str(path)], content, {})

    def _environment(self) -> None:
        text = self._random.choice(TEXTS)
        self._judge("environment", ["config", "check"], text.encode(), {self._random.choice(NAMES): text})

    def _input_line(self, content: bytes) -> None:
        try:
            _parsed(content, "given: line 1")
        except BadInput as bad:
            self._keep("input", 2, content, str(bad))
        except Exception as fault:  # noqa: BLE001  # any fault is what is looked for
            self._keep("input", BROKEN, content, repr(fault))
        else:
            self._keep("input", 0, content, "")

    def _judge(self, kind: str, arguments: list[str], content: bytes, environment: Mapping[str, str]) -> None:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), environ(environment):
            code = int(main(arguments))
        self._keep(kind, code, content, err.getvalue() + out.getvalue())

    def _keep(self, kind: str, code: int, content: bytes, said: str) -> None:
        self.codes[f"{kind} {code}"] += 1
        if code not in (0, 1, 2) or (code == 2 and not said.strip()):
            self.complaints.append(f"{kind} ended with {code} on {content[:400]!r}: {said[-600:]}")


def bend_raw(random: Random, raw: bytes) -> bytes:
    """Put in bytes that do not belong into a text."""
    at = random.randrange(len(raw) + 1)
    return raw[:at] + random.choice(TOKENS) + raw[at:]


@contextlib.contextmanager
def environ(more: Mapping[str, str]) -> Iterator[None]:
    """Have more in the environment for a while."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
