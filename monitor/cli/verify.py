"""`liqmon verify`: events computed again from their own evidence; says the first term that differs.

With `--prices` the verdicts on their prices are made again from the topic too. The comparison is the core's.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from monitor.cli.exits import BadInput, Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of

if TYPE_CHECKING:
    from monitor.cli.evidence import ReadEvent
    from monitor.config import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `verify`."""
    parser = subparsers.add_parser(
        "verify", help="compute events again from their evidence; exit 1 naming the first term that differs"
    )
    parser.add_argument("file", metavar="FILE", help="one event in JSON, or lines of them; - for standard input")
    parser.add_argument(
        "--prices",
        metavar="FILE",
        help="records of mark-prices, a line each as `kcat -C -J -t mark-prices` writes them, from 32 minutes before "
        "the first price on: what the events say of the quality of their prices is made again from these",
    )
    add_config_option(parser)
    add_json_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Verify every event of the file."""
    from monitor.cli.evidence import read_events  # noqa: PLC0415  # slow to load
    from monitor.core.verify import BadEvidence, first_difference  # noqa: PLC0415

    settings = settings_of(args)
    count, verdicts, differing = 0, 0, []
    kept: list[ReadEvent] = []
    for event in read_events(args.file, settings.limits, with_bar=True):
        count += 1
        try:
            difference = first_difference(event.body, event.document)
        except BadEvidence as fault:
            raise BadInput(f"{event.place}: {fault}") from None
        if difference is not None:
            differing.append(_of(event) | difference._asdict())
        elif args.prices is not None:
            kept.append(event)
    if args.prices is not None:
        verdicts, more = _redone(kept, args.prices, settings)
        differing += more
    if args.json:
        more_of = {} if args.prices is None else {"verdicts": verdicts}
        print_json({"verified": count - _events(differing), **more_of, "differing": differing})
    else:
        for one in differing:
            print(f"{one['place']}: {one['event_id']}: {one['term']} is {one['stated']}, computed {one['computed']}")
        print(f"{count - _events(differing)} of {count} events follow from their evidence")
        if args.prices is not None:
            print(f"{verdicts} verdicts on prices follow from the topic")
    return Exit.ANSWER_IS_NO if differing else Exit.GOOD


def _redone(events: list[ReadEvent], prices: str, settings: Settings) -> tuple[int, list[dict[str, Any]]]:
    """Return how many verdicts of events follow from the topic, and those that do not.

    Raises `BadInput` where the prices do not reach far enough to say.
    """
    from monitor.cli.prices import read_prices  # noqa: PLC0415  # slow to load
    from monitor.core.quality.redoing import Redoing  # noqa: PLC0415

    redoing = Redoing([event.body for event in events])
    differing, refused = [], set()
    messages = read_prices(prices, settings.limits, settings.prices.max_ahead_ms)
    found = [one for message in messages for one in redoing.see(message)]
    for one in (*found, *redoing.end()):
        event = events[one.statement.event]
        if one.lacking:
            raise BadInput(f"{prices}: {event.place}: {one.statement.term}: {one.lacking}")
        if one.term:
            differing.append(_of(event) | {"term": one.term, "stated": one.stated, "computed": one.computed})
            refused.add((one.statement.event, one.statement.term))
    return len(redoing.statements) - len(refused), differing


def _of(event: ReadEvent) -> dict[str, Any]:
    return {"event_id": event.body.get("event_id"), "place": event.place}


def _events(differing: list[dict[str, Any]]) -> int:
    return len({one["place"] for one in differing})
