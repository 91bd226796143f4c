"""What a portfolio would be worth at other prices: the oracle asked again, nothing solved.

A stated liquidation price, or move of all groups, is right when the equity there is k times the requirement and no
nearer place is: this room tells the surplus at any place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from tests.portfolio.oracle import Accounts, Market, parameters
from tests.portfolio.oracle_groups import Key, number

F = Fraction
WIDTHS = {
    "scenario": ("groups", "move", "0.16"),
    "span": ("groups", "price_scan", "0.16"),
    "tims": ("classes", "up", "0.15"),
}
"""Where the groups of a method stand, what scales their share of a common move, and its default."""


class _Bare(Accounts):
    """Leave out what does not move a verdict."""

    def marginal(self, *args: Any) -> dict[Key, Fraction]:
        """Return nothing."""
        return {}


def surplus(document: Mapping[str, Any], account: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    """Return E − k·MM of the portfolio of an account, and the size of what was subtracted."""
    found = _Bare(document).portfolio(account)
    line = found.line * found.maintenance
    return found.equity - line, max(abs(found.equity), line)


def at_indexes(document: Mapping[str, Any], times: Mapping[str, Fraction]) -> dict[str, Any]:
    """Return the assets of a document with some index prices multiplied."""
    market = Market(document)
    moved = dict(market.assets)
    for asset, by in times.items():
        if asset in moved:
            fixed = {"index_symbol": "", "index_price": market.index(asset) * by}
            moved[asset] = {**moved[asset], **fixed}
    return moved


def at_price(
    document: Mapping[str, Any], symbol: str, price: Fraction, *, moves_collateral: bool = True
) -> dict[str, Any]:
    """Return a document with one mark at another price, and the index of its base asset moved in proportion."""
    quote, base = document["prices"][symbol], document["instruments"][symbol].get("base_asset")
    times = {base: price / F(quote["mark_price"])} if moves_collateral else {}
    prices = {**document["prices"], symbol: {**quote, "mark_price": price}}
    return {**document, "assets": at_indexes(document, times), "prices": prices}


def at_move(document: Mapping[str, Any], move: Fraction) -> dict[str, Any]:
    """Return a document with all groups moved, each by its width over the greatest: members and what they hold."""
    method, table = parameters(document)
    place, name, usual = WIDTHS[method]
    groups, instruments = table[place], document["instruments"]
    widths = {group: number(terms, name, usual) for group, terms in groups.items()}
    factors = {group: 1 + move * width / max(widths.values()) for group, width in widths.items()}
    prices, times = dict(document["prices"]), {}
    for group, terms in groups.items():
        for symbol in terms["members"]:
            if "mark_price" in prices.get(symbol, {}):
                prices[symbol] = {**prices[symbol], "mark_price": F(prices[symbol]["mark_price"]) * factors[group]}
            if instruments[symbol]["contract"] == "inverse":
                times.setdefault(instruments[symbol]["settle_asset"], factors[group])
        times |= dict.fromkeys(terms.get("assets", ()), factors[group])
    return {**document, "assets": at_indexes(document, times), "prices": prices}


def grid(here: Fraction, there: Fraction, count: int) -> Iterator[Fraction]:
    """Yield places between two, neither of them."""
    for step in range(1, count):
        yield here + (there - here) * F(step, count)


def crossing(surplus_at: Callable[[Fraction], tuple[Fraction, Fraction]], place: Fraction, unit: Fraction) -> bool:
    """Return whether the surplus is nothing at a place, or changes its sign right there (where a bracket jumps)."""
    left, size = surplus_at(place)
    if abs(left) <= size / 10**20:
        return True
    hair = unit / 10**25
    below, above = surplus_at(place - hair)[0], surplus_at(place + hair)[0]
    return below * above <= 0


def nearer(
    surplus_at: Callable[[Fraction], tuple[Fraction, Fraction]],
    here: Fraction,
    there: Fraction,
    lowest: Fraction,
    count: int,
) -> Fraction | None:
    """Return a place beyond the line that is nearer than `there`, on either side of `here` and above `lowest`."""
    now = surplus_at(here)[0]
    for end in (there, max(2 * here - there, lowest)):
        for place in grid(here, end, count):
            left, size = surplus_at(place)
            if left * now < 0 and abs(left) > size / 10**18:
                return place
    return None
