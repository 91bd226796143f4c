"""The twin's reading of an account event: what is said of an account, laid over what was known.

Figures are in `twin_margin`, what follows for events in `twin`.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

from monitor.core.accounts import ABSENT, AccountEvent, PositionChange


class Contradiction(Exception):
    """A message about an account that cannot be true."""


def nobody() -> SimpleNamespace:
    """Return an account of which nothing is known."""
    return SimpleNamespace(
        mode="single_asset", hedge=False, balances={}, positions={}, multiplier={}, labels=None, version=0, epoch=0,
        complete=False, suspect=False, deleted=False, vip_level=None, ineligible=frozenset(),
    )  # fmt: skip


def mode_of(account: SimpleNamespace) -> str:
    """Return the mode an account is margined in: in a portfolio only who was eligible at its last event."""
    return "multi_asset" if account.mode == "portfolio" and account.ineligible else account.mode


def contradicts_itself(event: AccountEvent) -> None:
    """Refuse what is wrong whatever is known of the account."""
    if event.snapshot and not event.deleted:
        merge(nobody(), event)
    elif len({(change.symbol, change.side) for change in event.positions or ()}) < len(event.positions or ()):
        raise Contradiction
    for change in event.positions or ():
        closes = change.quantity is not ABSENT and change.quantity == 0
        if change.quantity is not ABSENT and {"long": -1, "short": 1}.get(change.side, 0) * change.quantity > 0:
            raise Contradiction
        if not closes and change.entry_price is not ABSENT and change.entry_price <= 0:
            raise Contradiction
        if change.leverage is not ABSENT and change.leverage is not None and change.leverage <= 0:
            raise Contradiction


def merge(account: SimpleNamespace, event: AccountEvent) -> None:
    """Overlay what an event says; what it does not name stays."""
    account.mode = str(event.margin_mode or account.mode)
    account.hedge = account.hedge if event.position_mode is None else event.position_mode == "hedge"
    account.balances = account.balances | {asset: Fraction(amount) for asset, amount in (event.balances or {}).items()}
    account.positions, named = dict(account.positions), set()
    for change in event.positions or ():
        key = change.symbol, str(change.side)
        if key in named:
            raise Contradiction
        named.add(key)
        position = placed(account.positions.pop(key, None), change)
        if position is not None:
            account.positions[key] = position
    for _, side in account.positions:
        if account.hedge == (side == "both"):
            raise Contradiction
    if event.settings is not None:
        if "bracket_multiplier" in event.settings.raw:
            account.multiplier = {symbol: Fraction(by) for symbol, by in event.settings.bracket_multiplier.items()}
        account.labels = event.settings.raw.get("labels", account.labels)
        account.vip_level = event.settings.raw.get("vip_level", account.vip_level)
    account.complete = account.complete or event.snapshot
    account.suspect = account.suspect and not event.snapshot


def placed(known: SimpleNamespace | None, change: PositionChange) -> SimpleNamespace | None:
    """Return a position after a change, None when it is closed."""
    default = {"quantity": None, "entry_price": None, "margin_type": "cross", "isolated_wallet": None}
    fields = default if known is None else dict(vars(known))
    for name in default:
        given = getattr(change, name)
        if given is not ABSENT:
            fields[name] = str(given) if name == "margin_type" else Fraction(given)
    if fields["quantity"] == 0:
        return None
    if fields["margin_type"] == "cross":
        fields["isolated_wallet"] = None
    elif fields["isolated_wallet"] is None:
        raise Contradiction
    if fields["quantity"] is None or fields["entry_price"] is None:
        raise Contradiction
    return SimpleNamespace(**fields)
