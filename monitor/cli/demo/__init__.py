"""`liqmon demo`: the daemon on the embedded log, with a generated book and a recorded market.

The options live here; what is played is in `market` and `book`, how in `stage` (or, into Kafka, in `feeding`), what is
seen in `view`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from decimal import Decimal, InvalidOperation

from monitor.cli.exits import BadInput
from monitor.cli.options import add_config_option, settings_of
from monitor.cli.warm import Warming


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="watch it work: a generated book on a recorded market, no Kafka needed",
        description="Run the daemon on a log in memory, with a generated book of accounts in all modes and a recorded "
        "market (BTC and ETH, linear and inverse, 8 August 2024; the mid of best bid and ask stands for the mark). "
        "Nothing is kept. On a terminal it shows a live view, otherwise it prints a line a second. With --feed it "
        "runs no daemon but writes book and market into the Kafka of --config, where `liqmon topics create` has made "
        "the topics and `liqmon run` with the same --config judges them: a venue of its own, or a topics.prefix.",
    )
    # argparse takes `-12%` for an option; it lets negative numbers pass, and a percentage is one
    parser._negative_number_matcher = re.compile(r"^-\d+(\.\d+)?%?$")  # noqa: SLF001
    add_config_option(parser)
    parser.add_argument("--accounts", type=_count, default=20_000, help="accounts in the book (default 20000)")
    parser.add_argument("--speed", type=_positive, default=4.0, help="times faster than recorded (default 4)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the book (default 1)")
    parser.add_argument(
        "--shock", type=_percent, default=Decimal("-0.05"), help="move of all marks, such as -12%% (default -5%%)"
    )
    parser.add_argument("--shock-at", type=_positive, default=15.0, help="second of the shock (default 15)")
    parser.add_argument("--seconds", type=_positive, default=40.0, help="how long to play (default 40)")
    parser.add_argument(
        "--feed", action="store_true", help="write book and market into the configured Kafka instead, and judge nothing"
    )


def execute(args: argparse.Namespace) -> int:
    """Play the demo; Ctrl-C ends it with its summary."""
    from monitor.cli.demo.stage import Play, Stage  # noqa: PLC0415  # slow to load

    settings = settings_of(args)
    play = Play(args.accounts, args.speed, args.seed, args.shock, args.shock_at, args.seconds)
    if not args.feed:
        warming = Warming()
        return warming.end(asyncio.run(Stage(settings, play, warming).run()))
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("--feed writes into Kafka, but kafka.bootstrap_servers is not configured")
    from monitor.cli.demo.feeding import Feeding  # noqa: PLC0415  # slow to load

    return asyncio.run(Feeding(settings, play).run())


def _percent(text: str) -> Decimal:
    try:
        share = Decimal(text.removesuffix("%")) / 100
        if not -1 < share <= 10:
            raise argparse.ArgumentTypeError("a shock lies above -100% and at most at 1000%")
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage such as -12%") from None
    return share


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError("must be above 0 and below a million")
    return number


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be within 1 and 1000000")
    return number
