"""`liqmon doctor`: Kafka, the market in it and this machine looked at, each finding with what to do about it.

The parser and the printing live here; what is looked at, in the rooms beside it; how it is judged, in
`monitor.app.doctor`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.app.doctor.findings import Finding, Verdict, is_good
from monitor.cli.doctor.processes import PROCESSES
from monitor.cli.exits import BadInput, Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of

if TYPE_CHECKING:
    from monitor.config import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor`."""
    parser = subparsers.add_parser(
        "doctor",
        help="look at Kafka, topics, rights, clocks, prices, shards, memory, files and ports, and say what to do",
        description="Look at everything a process needs and print each finding: ok, warning or failure, what was seen, "
        "what to do. Nothing is written, joined or changed. Exit 1 when there is a failure.",
    )
    add_config_option(parser)
    add_json_option(parser)
    parser.add_argument(
        "--process",
        metavar="NAME",
        action="append",
        choices=(*PROCESSES, "all"),
        help=f"the process whose rights, files and ports are looked at: {', '.join(PROCESSES)} or all; may be "
        "repeated (default: run)",
    )
    parser.add_argument(
        "--timeout", type=float, default=5.0, metavar="SECONDS", help="patience with each answer (default: 5)"
    )


def execute(args: argparse.Namespace) -> int:
    """Look and say."""
    settings = settings_of(args)
    if not 0 < args.timeout < float("inf"):
        raise BadInput("--timeout must be above 0")
    chosen = args.process or ["run"]
    processes = tuple(name for name in PROCESSES if name in chosen or "all" in chosen)
    findings = asyncio.run(_looked(settings, args.config, processes, args.timeout))
    if args.json:
        described = [
            {"verdict": one.verdict.value, "about": one.about, "seen": one.seen, "do": one.do} for one in findings
        ]
        print_json({"good": is_good(findings), "processes": list(processes), "findings": described})
    else:
        _print(findings, processes)
    return Exit.GOOD if is_good(findings) else Exit.ANSWER_IS_NO


async def _looked(settings: Settings, config: str | None, processes: Sequence[str], seconds: float) -> list[Finding]:
    from monitor.adapters.logs import configure_logs  # noqa: PLC0415  # slow to load
    from monitor.cli.doctor.kafka import look_at_kafka  # noqa: PLC0415
    from monitor.cli.doctor.machine import look_at_machine  # noqa: PLC0415

    configure_logs(settings.log)
    here = look_at_machine(settings, config, processes)
    return [*here, *await look_at_kafka(settings, processes, seconds)]


def _print(findings: Sequence[Finding], processes: Sequence[str]) -> None:
    for one in findings:
        print(f"{one.verdict.value:8} {one.about:9} {one.seen}")
        if one.do:
            print(f"{'':18} → {one.do}")
    counts = Counter(one.verdict for one in findings)
    said = [f"{counts[Verdict.FAILURE]} failures", f"{counts[Verdict.WARNING]} warnings", f"{counts[Verdict.OK]} ok"]
    print(f"{', '.join(said)}; looked at for: {', '.join(processes)}")
