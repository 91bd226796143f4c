"""The table a scaling run prints."""

from __future__ import annotations

from tests.scaling.measuring import Findings, percentile
from tests.scaling.stage import Plan, Stage

KINDS = ("join", "leave", "kill", "freeze")


def table(name: str, plan: Plan, stage: Stage, findings: Findings) -> str:
    """Return what a run has shown, in lines."""
    usual = findings.usual
    told = "no" if findings.complaints else "yes"
    run = f"{plan.partitions} shards, {plan.ballast} accounts, a price every {plan.tick_seconds * 1000:.0f} ms"
    pace = f"p50 {percentile(usual, 0.5)} ms, p99 {percentile(usual, 0.99)} ms, max {max(usual, default=0)} ms"
    lines = [
        f"{name}: {run}, session {plan.session_seconds:.1f} s",
        f"  {stage.load.ticks} prices, each told once by every shard: {told}; images read from {stage.images()}",
        f"  usual time between two events of a shard: {pace}",
        (
            f"  {'(ms)':8}{'handovers':>10}{'gap p50':>9}{'p99':>8}{'max':>8}{'after the session p50':>24}{'max':>8}"
            f"{'staying shards, largest gap p50':>34}{'max':>8}"
        ),
    ]
    for kind in KINDS:
        mine = [one for one in findings.handovers if one.act.kind == kind]
        stays = findings.staying.get(kind, [])
        if not mine and not stays:
            continue
        gaps = [one.gap_ms for one in mine]
        late = [one.since_act_ms - round(plan.session_seconds * 1000) for one in mine]
        after = (percentile(late, 0.5), max(late, default=0)) if kind in ("kill", "freeze") else ("", "")
        lines.append(
            f"  {kind:8}{len(mine):>10}{percentile(gaps, 0.5):>9}{percentile(gaps, 0.99):>8}{max(gaps, default=0):>8}"
            f"{after[0]:>24}{after[1]:>8}{percentile(stays, 0.5):>34}{max(stays, default=0):>8}"
        )
    return "\n".join([*lines, *findings.complaints[:20], ""]) + "\n"
