"""`liqmon evaluate`: the accounts of a document margined with the exact implementation.

The report and its printing live here; the formulas are the core's, the looks of the table are in `margin_table`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from monitor.cli.documents import document_from
from monitor.cli.exits import Exit
from monitor.cli.options import add_config_option, print_json, settings_of
from monitor.cli.progress import watched
from monitor.core.document import Document, DocumentAccount
from monitor.core.ladder import MarginStatus
from monitor.core.margin import assess
from monitor.core.plan.body import plan_body
from monitor.core.plan.plan import PLANNED, plan_of
from monitor.core.portfolio.deciding import decided
from monitor.core.report import scope_report
from monitor.core.scopes import kind_of, scope_names


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="margin the accounts of a document, exactly",
        description="Margin the accounts of a document with the exact implementation and print the report.",
        epilog="What the document does not say (ladder, usd_assets, fees, portfolio) is taken from its profile when it "
        "names one, else from the configuration (--config, LIQMON_ variables, built-in defaults). A document that "
        "names a profile therefore gives the same report everywhere.",
    )
    parser.add_argument("file", metavar="FILE", help="the document in JSON, - for standard input")
    parser.add_argument("--format", choices=("json", "table"), default="json", help="how to print it (default: json)")
    add_config_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Evaluate one document."""
    report = report_of(document_from(args.file, args.config, settings_of(args)))
    if args.format == "json":
        print_json(report)
    else:
        from monitor.cli.margin_table import print_table  # noqa: PLC0415  # rich is only needed for people

        print_table(report)
    return Exit.GOOD


def report_of(document: Document) -> dict[str, Any]:
    """Return the report on every scope of every account of a document."""
    accounts = []
    for stated in watched(document.accounts, "accounts"):
        account = stated.account if stated.account.ineligible else decided(stated.account, document.market)
        entry = replace(stated, account=account)
        names = scope_names(entry.account, document.market)
        scopes = [_scope(document, entry, name) for name in names]
        accounts.append({"account_id": entry.account.account_id, "scopes": scopes})
    return {"accounts": accounts}


def _scope(document: Document, entry: DocumentAccount, scope: str) -> dict[str, Any]:
    """Return the report on one scope, with a plan where it is in liquidation or worse."""
    account, market = entry.account, document.market
    ladder = document.ladders.of(kind_of(account, scope))
    assessment = assess(account, scope, market)
    report = scope_report(account, scope, market, ladder, entry.previous_status.get(scope), assessment)
    if MarginStatus(report["status"]) in PLANNED:
        plan = plan_of(account, assessment, market, ladder, document.liquidation)
        report |= {} if plan is None else {"plan": plan_body(plan)}
    return report
