"""The report on a document as tables a person reads: rounded figures, coloured statuses, narrow terminals respected.

Figures are only rounded here; programs read the JSON report, where they are exact.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDE = 100
"""Terminals below it get fewer columns, and where those do not fit one line for each figure: no amount is ever cut."""

STYLES = {
    "healthy": "green",
    "watch": "cyan",
    "warning": "yellow",
    "margin_call": "bold yellow",
    "liquidation": "bold red",
    "critical": "bold red",
    "takeover": "bold magenta",
    "bankrupt": "bold white on red",
    "unknown": "dim",
}

_ROUGH = Context(prec=8, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_WHOLE = Context(prec=1_000, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_CENT = Decimal("0.01")
_NOTHING = "–"
_INDENT = 4
_RULER = Console(width=100_000, file=StringIO())


def print_table(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the report on the console, standard output by default."""
    out = console or Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    if not report["accounts"]:
        out.print("the document holds no account")
    for number, account in enumerate(report["accounts"]):
        if number:
            out.print()
        out.print(Text(f"account {account['account_id']}", style="bold"))
        if not account["scopes"]:
            out.print("  no scope: neither a balance nor a position")
        for scope in account["scopes"]:
            out.print(Padding(_scope(scope, out.width), (0, 0, 0, 2), expand=False))


def _scope(scope: Mapping[str, Any], width: int) -> RenderableType:
    parts: list[RenderableType] = [_headline(scope), _figures(scope, width)]
    reasons = {**scope, "ineligible": (scope.get("portfolio") or {}).get("ineligible")}
    parts += [Text(f"{label}: {', '.join(reasons[key])}", style="dim") for key, label in _REASONS if reasons.get(key)]
    if scope["positions"]:
        parts.append(Padding(_positions(scope, width), (0, 0, 0, 2), expand=False))
    if scope.get("portfolio"):
        parts.append(Padding(Group(*map(Text, _portfolio(scope["portfolio"]))), (0, 0, 0, 2), expand=False))
    if "plan" in scope:
        parts.append(Padding(Group(*map(Text, _plan(scope["plan"]))), (0, 0, 0, 2), expand=False))
    return Group(*parts)


_REASONS = (("unknown_because", "unknown because"), ("degraded", "degraded"), ("ineligible", "not eligible"))


def _headline(scope: Mapping[str, Any]) -> Text:
    status = scope["status"]
    line = Text(f"{scope['scope']}  ")
    line.append(status.replace("_", " "), style=STYLES.get(status, ""))
    return line


def _figures(scope: Mapping[str, Any], width: int) -> RenderableType:
    """Return the figures of a scope, side by side where there is room."""
    figures = [
        ("equity", rounded(scope["equity"])),
        ("maintenance", rounded(scope["maintenance_margin"])),
        ("ratio", percent(scope["margin_ratio"])),
        ("initial", rounded(scope["initial_margin"])),
        ("available", rounded(scope["available_margin"])),
        ("deposit to clear", rounded(scope["deposit_to_clear"])),
    ]
    table = _grid()
    for label, _ in figures:
        table.add_column(label, justify="right")
    table.add_row(*(figure for _, figure in figures))
    if not fits(table, width - _INDENT):
        return Group(*(Text(f"  {label} {figure}") for label, figure in figures))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _positions(scope: Mapping[str, Any], width: int) -> RenderableType:
    shown = [_position(position) for position in scope["positions"]]
    for labels in (list(shown[0]), [label for label in shown[0] if label not in _ONLY_WIDE]):
        table = _grid()
        for label in labels:
            table.add_column(label, justify="left" if label in _TEXTS else "right")
        for row in shown:
            table.add_row(*(row[label] for label in labels))
        if (width >= WIDE or len(labels) < len(shown[0])) and fits(table, width - _INDENT):
            return table
    return Group(*(Text("\n".join(f"{label} {figure}" for label, figure in row.items())) for row in shown))


def _portfolio(portfolio: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the requirement of a portfolio scope came about, rounded."""
    worst = portfolio["worst_scenario"]
    yield f"method {portfolio['method']}" + ("" if worst is None else f", worst {worst}")
    parts = {name: amount for name, amount in portfolio["components"].items() if amount != "0"}
    yield from (f"  {name.replace('_', ' ')} {rounded(amount)}" for name, amount in parts.items())
    if portfolio["liquidation_move"] is not None:
        yield f"liquidation at a common move of {percent(portfolio['liquidation_move'])}"


def _plan(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield the steps of a plan, rounded."""
    end = "brings the scope back" if plan["restores"] else "does not bring the scope back"
    yield f"plan by {plan['rule']}, which {end}:"
    for exchange in plan["exchanges"]:
        for sale in exchange["sales"]:
            yield f"  sell {rounded(sale['quantity'])} {sale['asset']} for the {exchange['asset']} owed"
    for step in plan["reductions"]:
        left = f"{rounded(step['remaining_quantity'])} left"
        after = f"equity {rounded(step['equity_after'])}, maintenance {rounded(step['maintenance_margin_after'])}"
        yield f"  reduce {step['symbol']} {step['side']} by {rounded(step['quantity'])}: {left}, {after}"
    if plan["shortfall"] != "0":
        yield f"  shortfall {rounded(plan['shortfall'])}"


_TEXTS = ("symbol", "side")
_ONLY_WIDE = ("entry", "uPnL", "maintenance", "bankruptcy")


def _position(position: Mapping[str, Any]) -> dict[str, str]:
    recovers = " (recovers)" if position.get("recovery") else ""
    return {
        "symbol": position["symbol"],
        "side": position["side"],
        "quantity": rounded(position["quantity"]),
        "entry": rounded(position["entry_price"]),
        "mark": rounded(position["mark_price"]),
        "uPnL": rounded(position["unrealized_pnl"]),
        "maintenance": rounded(position["maintenance_margin"]),
        "liquidation": rounded(position["liquidation_price"]) + recovers,
        "distance": percent(position["distance"]),
        "bankruptcy": rounded(position["bankruptcy_price"]),
    }


def _grid() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def fits(table: Table, width: int) -> bool:
    """Return whether a terminal of a width shows a table without cutting or folding anything."""
    return _RULER.measure(table).maximum <= width


def rounded(figure: str | None) -> str:
    """Return a figure to eight significant digits, at most two decimals from 1000 on, thousands set apart."""
    if figure is None:
        return _NOTHING
    exact = Decimal(figure)
    rough = exact.quantize(_CENT, context=_WHOLE) if abs(exact) >= 1000 else _ROUGH.create_decimal(exact)
    text = f"{rough:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(ratio: str | None) -> str:
    """Return a ratio in per cent with two decimals."""
    if ratio is None:
        return _NOTHING
    return f"{Decimal(ratio).scaleb(2, _WHOLE).quantize(_CENT, context=_WHOLE):,f} %"
