"""What a tick costs by accounts, by positions of an account, by contracts, and by the share of portfolios.

A full tick is `MarginStore.judge_symbols` of all contracts after all prices have moved, as the engine calls it; a tick
of one contract the same of that one. Setting the prices is an extra line where it is what grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench import rounds as timing
from bench.growth.axes import Axis, Found
from bench.growth.setting import PER_ACCOUNT, Setting, unlike_exact
from bench.loading import Book
from bench.rounds import Case, Ratio
from bench.sizes import Mix, Sizes

FULL, PRICES, POPULAR, RARE = "full tick", "setting the prices", "the most popular contract", "a rare contract"
A_POSITION: Final = "ns a position"
HELD: Final = (1, 2, 5, 10, 20, 50, 100, 200)
CONTRACTS: Final = (10, 20, 50, 100, 200, 500, 1_000, 2_000)
PORTFOLIOS: Final = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
_FEWEST: Final = 10_000
_MOST_CONTRACTS: Final = 1_000
_TOP: Final = 0.25
"""Nobody draws more of the contracts than this: 30 % of the accounts hold the most popular one."""


def by_accounts(setting: Setting) -> Found:
    """Measure from 10,000 accounts to the most."""
    places, fewest = [setting.most], min(_FEWEST, max(setting.most // 10, 100))
    while places[-1] > fewest:
        places.append(max(100 * round(places[-1] / 10**0.5 / 100), fewest))
    books = {float(place): setting.load(setting.sizes(int(place))) for place in reversed(places)}
    return _measured(setting, books, "accounts", "Tick by accounts, 5 positions each", "accounts")


def by_positions(setting: Setting) -> Found:
    """Measure from 1 to 200 positions an account, of which there are the fewer."""
    total, books = PER_ACCOUNT * setting.base, {}
    for held in HELD:
        accounts = max(total // held, 20)
        sizes = Sizes(accounts, held * accounts, _MOST_CONTRACTS, setting.seed)
        books[float(held)] = setting.load(sizes)
    title = f"Tick by positions an account (mean), {total:,} positions, {_MOST_CONTRACTS:,} contracts"
    return _measured(setting, books, "positions", title, "positions an account")


def by_symbols(setting: Setting) -> Found:
    """Measure from 10 to 2,000 contracts; two positions each, as more could not be drawn from ten contracts."""
    held = 2
    books = {
        float(count): setting.load(Sizes(setting.base, held * setting.base, count, setting.seed))
        for count in CONTRACTS
        if held <= _TOP * count
    }
    title = f"Tick by contracts, {setting.base:,} accounts, {held} positions each"
    return _measured(setting, books, "symbols", title, "contracts")


def by_portfolios(setting: Setting) -> Found:
    """Measure from no portfolio to nothing else, by the scenario method with 16 scenarios."""
    sizes, books = setting.sizes(max(setting.base // 2, 100)), {}
    for share in PORTFOLIOS:
        books[100 * share] = setting.load(sizes, Mix("portfolio", portfolio=share))
    title = f"Tick by share of portfolios (16 scenarios), {sizes.accounts:,} accounts, 5 positions each"
    return _measured(setting, books, "portfolio", title, "% portfolios")


def _measured(setting: Setting, books: Mapping[float, Book], name: str, title: str, x: str) -> Found:
    """Compare each book with exact arithmetic, then time all of them in turns."""
    faults = [
        f"{name} {place:g}: {fault}" for place, book in books.items() for fault in unlike_exact(book, setting.seed)
    ]
    if faults:
        return Found(faults=faults)
    cases, of = [], {}
    for place, book in books.items():
        for case in _cases(book):
            cases.append(Case(f"{place:g} {case.name}", case.units, case.act, case.before))
            of[cases[-1].name] = case.name, place
    timings = timing.run(cases, setting.rounds)
    lines: dict[str, dict[float, Ratio]] = {FULL: {}, POPULAR: {}, RARE: {}, PRICES: {}}
    for key, (line, place) in of.items():
        lines[line][place] = timings.least(key)
    each = {
        place: f"{lines[FULL][place].minima * 1e9 / book.store.counts()['cells']:.2f}" for place, book in books.items()
    }
    holders = {place: " / ".join(f"{held:,}" for held in _holders(book)) for place, book in books.items()}
    return Found([Axis(name, title, x, "ms", 1e3, lines, {A_POSITION: each, "holders of those two": holders})])


def _ranks(book: Book) -> tuple[int, int]:
    """Return the most popular contract, and one that is neither popular nor the last."""
    return 0, len(book.names) * 3 // 4


def _holders(book: Book) -> list[int]:
    return [book.population.holders(rank) for rank in _ranks(book)]


def _cases(book: Book) -> list[Case]:
    """Return the ticks of one book; what a case finds set is what the one before it has left."""
    store, names = book.store, book.names

    def of_one(name: str, rank: int) -> Case:
        one = [names[rank]]
        return Case(name, 1, lambda _: store.judge_symbols(one), lambda which: book.turn_one(rank, which))

    popular, rare = _ranks(book)
    return [
        Case(PRICES, 1, book.turn),
        Case(FULL, 1, lambda _: store.judge_symbols(names)),
        of_one(POPULAR, popular),
        of_one(RARE, rare),
    ]
