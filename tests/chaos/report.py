"""The table of a chaos run: what was done to it, what went through it, and what the judge says."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chaos.campaign import Campaign
from tests.chaos.verdict import KINDS, Verdict

_SHOWN = (
    "records in", "transactions", "events in chains", "events of witnesses", "events worked out again",
    "events verified", "margin-calls", "liquidations", "adl-events", "account-status", "dead-letters", "data-quality",
    "processes", "processes from cold", "assignments", "takeovers", "shards lost", "transactions in doubt",
    "tracebacks", "producers",
)  # fmt: skip
_MOST = 12


def table(campaign: Campaign, verdict: Verdict, command: str) -> str:
    """Return the table."""
    lines = [f"chaos, seed {campaign.plan.seed}, {campaign.plan.seconds:.0f} s", "", "faults"]
    faults = campaign.faults_done()
    lines += _rows(dict(sorted(faults.items())))
    lines += _rows({
        "all at instances": sum(n for name, n in faults.items() if name.startswith("instance")),
        "all at brokers": sum(n for name, n in faults.items() if name.startswith("broker")),
    })  # fmt: skip
    lines += ["", "figures", *_rows({name: verdict.figures[name] for name in _SHOWN})]
    lines += ["", "the judge", *_rows({kind: len(verdict.complaints.get(kind, ())) for kind in KINDS})]
    lines += [f"  note: {note}" for note in verdict.notes]
    for kind in KINDS:
        for text in verdict.complaints.get(kind, [])[:_MOST]:
            lines += ["", f"  {kind}: {text}"]
    lines += ["", f"verdict: {'good' if verdict.is_good else 'BAD'}", f"repeat: {command}", ""]
    return "\n".join(lines)


def _rows(figures: Mapping[str, int]) -> list[str]:
    return [f"  {name:<44}{number:>10,}" for name, number in figures.items()]
