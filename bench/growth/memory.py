"""What a position and an account take in memory, what the standard population takes, and what holds it.

Bytes are counted where they are: in the columns of the store, in the objects of the account book and of the changelog's
image. In a process of its own the operating system says what all of it comes to; in another, smaller one tracemalloc
says how much of what was allocated the count has found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.growth.axes import Found
from bench.growth.setting import Setting
from bench.inside import ACCOUNTS, POSITIONS
from bench.measures import Goal, Measure
from bench.packing import records
from bench.population import draw
from bench.report import table
from bench.rounds import Ratio
from bench.sizes import LINEAR

GOAL_POSITION, GOAL_ACCOUNT, GOAL_BYTES = 60.0, 400.0, 1.5e9
STANDARD: Final = 1_000_000
OF_POSITIONS: Final = "facts: text of positions"
OTHERS: Final = ("facts: all else", "what was told and shown")


def by_memory(setting: Setting) -> Found:
    """Count the memory of the most accounts, and hold the count of fewer against tracemalloc."""
    found = _resident(setting, setting.most, traced=False)
    checked = _resident(setting, setting.base, traced=True)
    counted, traced = _counted(checked), checked["traced"]
    found_of = f"{counted / 1e6:.1f} of {traced / 1e6:.1f} MB found, {counted / traced:.0%}"
    held = f"count held against tracemalloc with {setting.base:,} accounts: {found_of}"
    return Found(measures=_measures(found, setting.most), said=[*_tables(found, setting.most), held])


def _resident(setting: Setting, accounts: int, *, traced: bool) -> dict[str, Any]:
    """Write a population into a file, have another process take it over, and return what that says."""
    with tempfile.TemporaryDirectory(prefix="liqmon-growth-") as folder:
        path = Path(folder) / "accounts"
        with path.open("wb") as file:
            for name, facts in records(draw(setting.sizes(accounts), LINEAR)):
                file.write(name.encode() + b"\t" + facts + b"\n")
        given = {"file": str(path), "symbols": setting.symbols, "seed": setting.seed, "traced": traced}
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "bench.growth.resident", json.dumps(given)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _counted(found: dict[str, Any]) -> int:
    return int(sum(one["reserved"] for one in found["columns"]) + sum(found["held"].values()))


def _store(found: dict[str, Any], of: str, what: str) -> int:
    return int(sum(one[what] for one in found["columns"] if one["of"] == of))


def _measures(found: dict[str, Any], accounts: int) -> list[Measure]:
    positions, held = found["counts"]["cells"], found["held"]
    of_position = [_store(found, POSITIONS, what) / positions for what in ("used", "touched", "reserved")]
    others = sum(held[name] for name in OTHERS)
    of_account = [(_store(found, ACCOUNTS, what) + others) / accounts for what in ("used", "touched", "reserved")]
    text, total = held[OF_POSITIONS] / positions, found["stages"]["everybody judged"]
    each, goal = positions / accounts, GOAL_POSITION * positions / accounts + GOAL_ACCOUNT
    joint = of_account[1] + each * (of_position[1] + text)
    names = "; used {:.1f}, in memory {:.1f}, reserved {:.1f}"
    measures = [
        _measure("a position in the store", of_position[1], GOAL_POSITION, "B", names.format(*of_position)[2:]),
        _measure("the text of a position in its account's facts", text, None, "B", ""),
        _measure(
            "an account beside its id and positions", of_account[1], GOAL_ACCOUNT, "B", names.format(*of_account)[2:]
        ),
        _measure(f"an account with its {each:.1f} positions and their text", joint, goal, "B", "beside its id"),
    ]
    is_standard = accounts == STANDARD
    limit = GOAL_BYTES / 1e6 if is_standard else None
    peak = f"at the most {found['peak'] / 1e6:,.0f}"
    measures.append(_measure(f"a process with {accounts:,} accounts", total / 1e6, limit, "MB", peak))
    return measures


def _measure(name: str, value: float, limit: float | None, unit: str, note: str) -> Measure:
    goal = None if limit is None else Goal(limit, is_least=False)
    return Measure("memory", name, Ratio(value, value), goal, unit, note or ("" if goal else unit))


def _tables(found: dict[str, Any], accounts: int) -> list[str]:
    """Return what holds the memory, and when it came."""
    rows = [
        (f"store: {one['name']}", *(f"{one[what] / 1e6:,.1f}" for what in ("used", "touched", "reserved")), one["of"])
        for one in sorted(found["columns"], key=lambda one: -one["touched"])
        if one["reserved"] >= accounts
    ]
    rows += [(name, f"{size / 1e6:,.1f}", "", "", "") for name, size in found["held"].items()]
    stages = [(name, f"{size / 1e6:,.0f}", "") for name, size in found["stages"].items()]
    heading = f"what holds the memory of {accounts:,} accounts, {found['counts']['cells']:,} positions"
    return [
        table((heading, "used MB", "in memory", "reserved", "by"), rows),
        table(("resident after", "MB", ""), [*stages, ("at the most", f"{found['peak'] / 1e6:,.0f}", "")]),
    ]
