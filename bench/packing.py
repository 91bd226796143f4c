"""The population as the daemon's changelog holds it, written as text at once, without an object for each position.

What the text means is said by `facts`, whose accounts it unpacks to; mixes that are not plain go that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench import facts
from bench.facts import MODES, START_MS, account_id
from bench.population import WALLET_DECIMALS, Population
from monitor.core.facts import FIELD, FORMAT, SECTION, pack

_AT_ONCE: Final = 65_536
_HEAD: Final = FIELD.join((FORMAT, "{}", "{}", "one_way", "1", "0", str(START_MS), "100"))
_BETWEEN: Final = f"{SECTION}USDT{FIELD}"
_TAIL: Final = SECTION * 3


def records(population: Population) -> Iterator[tuple[str, bytes]]:
    """Yield id and packed facts of all accounts in the order of their numbers."""
    mix = population.mix
    if mix.inverse or mix.isolated or mix.multi_asset:
        yield from ((account.account_id, pack(account)) for account in facts.accounts(population))
        return
    wallet = _Text(WALLET_DECIMALS)
    heads = [_HEAD.replace("{}", "{0}", 1).replace("{}", str(mode), 1) for mode in MODES]
    for start in range(0, population.sizes.accounts, _AT_ONCE):
        stop = min(start + _AT_ONCE, population.sizes.accounts)
        ends = population.ends[start : stop + 1].tolist()
        positions, first = _positions(population, ends[0], ends[-1]), ends[0]
        amounts, modes = population.wallets[start:stop].tolist(), population.modes[start:stop].tolist()
        for offset, (amount, mode) in enumerate(zip(amounts, modes, strict=True)):
            name = account_id(start + offset)
            mine = FIELD.join(positions[ends[offset] - first : ends[offset + 1] - first])
            text = f"{heads[mode].format(name)}{_BETWEEN}{wallet(amount)}{SECTION}{mine}{_TAIL}"
            yield name, text.encode()


class _Text:
    """Write whole numbers of the last of some decimals."""

    def __init__(self, decimals: int) -> None:
        self._unit, self._decimals = 10**decimals, decimals

    def __call__(self, number: int) -> str:
        if not self._decimals:
            return str(number)
        whole, rest = divmod(abs(number), self._unit)
        return f"{'-' if number < 0 else ''}{whole}.{rest:0{self._decimals}d}"


def _positions(population: Population, first: int, last: int) -> list[str]:
    venue, some = population.venue, slice(first, last)
    sizes = [_Text(decimals) for decimals in venue.lots.tolist()]
    prices = [_Text(decimals) for decimals in venue.decimals.tolist()]
    begins = [f"{name}{FIELD}both{FIELD}" for name in venue.names]
    after = f"{FIELD}cross{FIELD}{FIELD}"
    columns = (column[some].tolist() for column in (population.symbols, population.quantities, population.entries))
    return [
        f"{begins[symbol]}{sizes[symbol](quantity)}{FIELD}{prices[symbol](entry)}{after}"
        for symbol, quantity, entry in zip(*columns, strict=True)
    ]
