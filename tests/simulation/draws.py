"""What a seed draws before its story begins: the settings, the shape of the world, and how often what goes wrong.

Every feature that a story may have is listed here; what happens in it is the business of the rooms that use it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

HIGHEST_FUND = 60
"""No fund ever holds more: so much can be covered at one time at most."""

GROUPS = {"X": {"members": ["XUSDT"], "move": "0.16"}, "Y": {"members": ["YUSDT"], "move": "0.2"}}


@dataclass(frozen=True, slots=True)
class Draws:
    """Hold what was drawn; `settings` are overrides of the configuration, by their dotted names."""

    partitions: int
    settings: dict[str, Any]
    portfolio: bool
    ages: bool
    hysteresis: bool
    funds: bool
    coins: bool
    hedges: bool
    lost: float
    doubled: float
    late: float
    poisoned: float
    fault_rate: float
    stutter: float
    kernel_seconds: float
    patience: float
    skew_ms: int
    phases: tuple[str, ...]
    names: int
    features: tuple[str, ...] = field(default=())


class Gated:
    """Hold which part of the stories has the price quality gate on."""

    share = 0.3


def draw(seed: int) -> Draws:
    """Return what a seed draws."""
    chance = random.Random(f"draws {seed}")

    def is_so(rate: float) -> bool:
        return chance.random() < rate

    features = {
        "hysteresis": is_so(0.4),
        "ages": is_so(0.2),
        "portfolio": is_so(0.25),
        "funds": is_so(0.25),
        "coins": is_so(0.5),
        "hedges": is_so(0.4),
        "small transactions": is_so(0.5),
        "small polls": is_so(0.2),
        "short replay": is_so(0.1),
        "inclusive": is_so(0.15),
        "slow kernel": is_so(0.25),
        "standby": is_so(0.3),
    }
    settings: dict[str, Any] = {
        "ladder.hysteresis": chance.choice(("0.005", "0.02")) if features["hysteresis"] else "0",
        "ladder.inclusive": features["inclusive"],
        "ladder.adl_watch": chance.choice(("critical", "critical", "takeover", "liquidation")),
        "prices.max_age_ms": 0,
        "prices.unknown_after_ms": 0,
        "watchdog.heartbeat_ms": 0,
        "audit.rate": 0,
        "recovery.standby": features["standby"],
        "status.publish_interval_ms": chance.choice((200, 500)),
        "status.healthy_interval_ms": 400,
        "adl.population": "all" if features["funds"] or is_so(0.15) else "desk",
        "limits.max_transaction_records": chance.choice((16, 24)) if features["small transactions"] else 20_000,
        "fund.settle_ms": chance.choice((300, 2_000)),
    }
    if features["ages"]:
        settings |= {"prices.max_age_ms": 4_000, "prices.unknown_after_ms": chance.choice((5_000, 8_000))}
    if features["small polls"]:
        settings |= {"limits.max_poll_records": chance.choice((1, 3))}
    if features["short replay"]:
        settings |= {"prices.max_replay_ms": 1_500, "limits.max_window_messages": 100}
    if features["portfolio"]:
        settings |= {"portfolio.method": "scenario", "portfolio.scenario": {"groups": GROUPS}}
    if (turns := random.Random(f"turns {seed}")).random() < 0.5:  # a chance of its own: older seeds stay what they were
        settings |= {"limits.max_turn_scopes": turns.choice((1, 2, 4))}
    if (
        random.Random(f"gate {seed}").random() < Gated.share
    ):  # also a chance of its own; what it doubts is believed here
        settings |= {"quality.enabled": True, "quality.refuse": [], "quality.delay": [], "quality.display": []}
    exact = not features["ages"] and not features["short replay"]
    kinds = ("mixed", "mixed", "market") if exact else ("mixed",)
    return Draws(
        partitions=chance.choice((1, 1, 2, 2, 3)),
        settings=settings,
        portfolio=features["portfolio"],
        ages=features["ages"],
        hysteresis=features["hysteresis"],
        funds=features["funds"],
        coins=features["coins"],
        hedges=features["hedges"],
        lost=chance.choice((0.0, 0.0, 0.05)),
        doubled=chance.choice((0.0, 0.05, 0.15)),
        late=chance.choice((0.0, 0.1, 0.3)),
        poisoned=chance.choice((0.0, 0.03, 0.1)),
        fault_rate=chance.choice((0.0, 0.005, 0.02, 0.06)),
        stutter=chance.choice((0.05, 0.3)) if features["slow kernel"] else 0.0,
        kernel_seconds=chance.choice((0.02, 0.15)) if features["slow kernel"] else 0.0,
        patience=chance.choice((1.0, 4.0, 4.0)),
        skew_ms=chance.choice((0, 300, 2_000)),
        phases=tuple(chance.choice(kinds) for _ in range(chance.choice((1, 2, 2)))),
        names=chance.randint(9, 12) if features["small transactions"] else chance.randint(4, 9),
        features=tuple(name for name, has in features.items() if has),
    )
