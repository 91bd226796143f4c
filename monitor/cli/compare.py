"""`liqmon compare`: one book under every margin method, of a document or of an account the daemon knows.

Choosing the book and printing live here; the comparison is the core's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from monitor.cli.documents import document_from
from monitor.cli.exits import BadInput, Exit
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, print_json, settings_of
from monitor.cli.progress import watched
from monitor.core.accounts import Account
from monitor.core.amounts import format_known
from monitor.core.comparison import Compared, comparison
from monitor.core.market import Market
from monitor.core.ratios import margin_ratio

if TYPE_CHECKING:
    from rich.console import RenderableType

    from monitor.config import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `compare`."""
    parser = subparsers.add_parser(
        "compare",
        help="the same book under isolated, cross and every portfolio method that has parameters",
        description="Print what each margin method would require of the same book, in USD, and what that saves beside "
        "isolated positions and a cross account. All positions are taken, isolated ones with what is in their wallets.",
        epilog="Portfolio parameters stand under `portfolio` in the document, in its profile or in the configuration. "
        "Without FILE, --account names an account of the daemon that is configured: its facts are read from the "
        "changelog, the market from the inputs; nothing is written.",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the document in JSON, - for standard input")
    parser.add_argument("--account", metavar="ID", help="one account: of the document, or without FILE a live one")
    parser.add_argument("--format", choices=("json", "table"), default="json", help="how to print it (default: json)")
    add_config_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Compare the accounts of a document, or one live account."""
    settings = settings_of(args)
    if args.file is None:
        if args.account is None:
            raise BadInput("FILE or --account is needed")
        books: list[tuple[Account, Market]] = [_live(args.account, settings)]
    else:
        document = document_from(args.file, args.config, settings)
        wanted = (entry.account for entry in document.accounts if args.account in (None, entry.account.account_id))
        books = [(account, document.market) for account in wanted]
        if not books and args.account is not None:
            raise BadInput(f"{args.file}: holds no account {args.account}")
    report = {"accounts": [_account(account, market) for account, market in watched(books, "accounts")]}
    if args.format == "json":
        print_json(report)
    else:
        _print_table(report)
    return Exit.GOOD


def _account(account: Account, market: Market) -> dict[str, Any]:
    compared = comparison(account, market)
    return {"account_id": account.account_id, "methods": [_row(one, compared) for one in compared]}


def _row(one: Compared, compared: Sequence[Compared]) -> dict[str, Any]:
    isolated, cross = compared[:2]
    equity, maintenance = one.equity, one.maintenance_margin
    return {
        "method": one.method,
        "equity": format_known(equity),
        "maintenance_margin": format_known(maintenance),
        "initial_margin": format_known(one.initial_margin),
        "margin_ratio": margin_ratio(equity, maintenance),
        "saving_against_isolated": format_known(one.saving_against(isolated)),
        "saving_against_cross": format_known(one.saving_against(cross)),
        "unknown_because": list(one.unknown_because),
    }


def _live(account_id: str, settings: Settings) -> tuple[Account, Market]:
    """Return a live account and the market. Raises `BadInput`, and the faults of the log."""
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers: is not set, and without FILE a running daemon's topics are read")
    return asyncio.run(_read_live(account_id, settings))


async def _read_live(account_id: str, settings: Settings) -> tuple[Account, Market]:
    from monitor.adapters.logs import configure_logs  # noqa: PLC0415  # slow to load
    from monitor.app.live_account import NoSuchAccount, live_account  # noqa: PLC0415
    from monitor.app.observing import SilentObserver  # noqa: PLC0415
    from monitor.cli.assembly import codec_of, new_engine, new_feed  # noqa: PLC0415

    configure_logs(settings.log)
    log = open_kafka(settings)
    try:
        feed = new_feed(settings, settings.topics.names(), log, SilentObserver())
        return await live_account(account_id, log, feed, new_engine(settings), codec_of(settings))
    except NoSuchAccount:
        raise BadInput(f"--account: the daemon knows no account {account_id}") from None
    finally:
        await log.close()


_COLUMNS = {
    "maintenance_margin": "maintenance",
    "initial_margin": "initial",
    "margin_ratio": "ratio",
    "saving_against_isolated": "saves / isolated",
    "saving_against_cross": "saves / cross",
}


def _print_table(report: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  # only needed for people
    from rich.text import Text  # noqa: PLC0415

    out = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    for account in report["accounts"]:
        out.print(Text(account["account_id"], style="bold"))
        out.print(_methods(account["methods"], out.width))
        for row in account["methods"]:
            if row["unknown_because"]:
                out.print(Text(f" {row['method']} unknown: {', '.join(row['unknown_because'])}", style="dim"))


def _methods(rows: Sequence[dict[str, Any]], width: int) -> RenderableType:
    """Return the methods as a table, or as a line for each figure where the terminal is too narrow for one."""
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from monitor.cli.margin_table import fits  # noqa: PLC0415

    table = Table("method", box=None)
    for heading in _COLUMNS.values():
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row["method"], *(_cell(name, row[name]) for name in _COLUMNS))
    if fits(table, width):
        return table
    lines = (
        (row["method"], *(f"  {title} {_cell(name, row[name])}" for name, title in _COLUMNS.items())) for row in rows
    )
    return Group(*(Text("\n".join(each)) for each in lines))


def _cell(name: str, figure: str | None) -> str:
    if figure is None:
        return "–"
    number = Fraction(figure)
    if name.startswith("saving"):
        return f"{float(100 * number):.1f} %"
    return f"{float(number):.3f}" if name == "margin_ratio" else f"{float(number):,.2f}"
