"""A batch of scopes put to the compiled code, and its answer read back.

What a scope is asked with lives here; which scopes are asked is the teller's business, what becomes of the pieces
`wording`'s callers'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from monitor.core.accounts import Account
from monitor.core.ahead import Begin, at_once
from monitor.core.amounts import format_amount
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.freshness import FreshnessSettings
from monitor.core.herald.tables import MarketTables, as_json, texts_of, whole
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import BY_RANK, Ladder
from monitor.core.plan.body import USUALLY
from monitor.core.plan.rule import LiquidationRule, RuleName, line_of
from monitor.core.scopes import parse_scope
from monitor.core.storm.columns import MOST_POSITIONS, Law, Market, new_work
from monitor.core.storm.figures import odd_part
from monitor.core.storm.telling import TARGET_COLUMNS, V_DONE, VERDICT_COLUMNS, Answer, Asked, tell_scopes
from monitor.core.storm.wording import PIECES, PLANNED, SHOWN, TOLD, WORDS
from monitor.core.verdict import Ladders

OUT_BYTES: Final = 8_388_608
QUIET: Final = 1
"""The verdict on a scope of which nothing is to be told or shown."""
_LARGEST: Final = 2**62
_LARGEST_FACTOR: Final = 10**9
_PLACES: Final = 18
_SIDE_NUMBERS = {"both": 0, "long": 1, "short": 2}


class Question(NamedTuple):
    """Ask about a scope: its account and name, the number of its ladder, its last known, told and shown rank."""

    account: int
    name: str
    ladder: int
    last: int
    told: int
    shown: int


class Pieces(NamedTuple):
    """Hold what was found about a scope.

    `verdict`: see `telling`; `words` are its pieces, none where nothing is to be told or shown; `places` its contracts.
    """

    verdict: list[int]
    words: list[bytes]
    places: list[int]


def law_of(ladder: Ladder) -> Law | None:
    """Return a ladder as the compiled code needs it, None where its numbers do not fit."""
    lines = [[(status.rank, n, d) for status, n, d in some] for some in (ladder.falling, ladder.rising)]
    line, clear = ladder.liquidation, ladder.clear
    twos, fives, odd = odd_part(clear.denominator)
    places = max(twos, fives)
    factor = 2 ** (places - twos) * 5 ** (places - fives)
    scalars = [line.numerator, line.denominator, clear.numerator, clear.denominator]
    largest = max(*scalars, *(number for some in lines for row in some for number in row))
    if largest >= _LARGEST or max(odd, factor) > _LARGEST_FACTOR or places > _PLACES:
        return None
    return Law(
        np.array(lines[0], np.int64).reshape(-1, 3),
        np.array(lines[1], np.int64).reshape(-1, 3),
        np.array([int(ladder.inclusive), *scalars, odd, factor, places], np.int64),
    )


def rule_of(rule: LiquidationRule, ladder: Ladder) -> tuple[list[int], list[bytes]]:
    """Return the scalars and texts of a rule; only plans of the rule `whole` are made by compiled code."""
    line, share = line_of(rule, ladder), whole(rule.fund_share)
    may = rule.rule is RuleName.WHOLE and share is not None and max(line.top, line.bottom) < _LARGEST
    scalars = [1, line.top, line.bottom, int(line.strict), *(share or (0, 0))] if may else [0] * 6
    cancelled = {"initial_margin_freed": "0"} if rule.cancel_orders else None
    return scalars, [as_json(format_amount(line.k)), as_json(cancelled), as_json(list(USUALLY))]


class Batch:
    """Ask the compiled code about many scopes at once."""

    def __init__(self, ladders: Ladders, rule: LiquidationRule, book: AccountBook, board: MarketBoard) -> None:
        rules = [rule_of(rule, ladder) for ladder in (ladders.cross, ladders.isolated)]
        statuses = [str(status).encode() for status in BY_RANK]
        self.tables = MarketTables(board, (list(WORDS), statuses, [text for _, texts in rules for text in texts]))
        self._book = book
        self._rules = np.array([scalars for scalars, _ in rules], np.int64)
        cross, isolated = law_of(ladders.cross), law_of(ladders.isolated)
        self._laws = None if cross is None or isolated is None else (cross, isolated)
        self._work = new_work()
        self._out = np.zeros(0, np.uint8)

    def ask(self, questions: Sequence[Question]) -> list[Pieces | None]:
        """Return what is found about scopes, None where one must go the plain way."""
        return self.begin(questions, at_once)()

    def begin(self, questions: Sequence[Question], begin: Begin) -> Callable[[], list[Pieces | None]]:
        """Begin to ask about scopes; return what waits for the answer. Till then the market must stay as it is."""
        laws = self._laws
        if laws is None:
            return lambda: [None] * len(questions)
        if not len(self._out):
            self._out = np.zeros(OUT_BYTES, np.uint8)
        market, asked = self.tables.market(), self._asked(questions)
        return begin(lambda: self._answered(asked, laws, market))

    def _answered(self, asked: Asked, laws: tuple[Law, Law], market: Market) -> list[Pieces | None]:
        count = len(asked.targets)
        answer = Answer(
            np.zeros((count, VERDICT_COLUMNS), np.int64),
            np.zeros((count, PIECES), np.int64),
            np.zeros((count, MOST_POSITIONS + 1), np.int64),
            self._out,
        )
        found: list[Pieces | None] = []
        while len(found) < count:
            first = len(found)
            done = tell_scopes(asked, first, laws, market, self._work, answer)
            found += self._read(answer, first, done) if done > first else [None]
        return found

    def _asked(self, questions: Sequence[Question]) -> Asked:
        numbers = {number: place for place, number in enumerate(dict.fromkeys(one.account for one in questions))}
        records = [self._book.record(number) for number in numbers]
        names = list(dict.fromkeys(one.name for one in questions))
        targets = {name: self._target(name) for name in names}
        places = {name: place for place, name in enumerate(names)}
        rows = [
            (numbers[one.account], *targets[one.name], one.ladder, one.last, one.told, one.shown, places[one.name])
            for one in questions
        ]
        texts = [text for name in names for text in (as_json(name)[1:-1], as_json(self._asset_of(name)))]
        return Asked(
            np.frombuffer(b"".join(records), np.uint8),
            np.cumsum([len(record) for record in records], dtype=np.int64),
            np.array(rows, np.int64).reshape(-1, TARGET_COLUMNS),
            texts_of(texts),
            TOLD,
            SHOWN,
            PLANNED,
            self._rules,
        )

    def _target(self, name: str) -> tuple[int, int, int]:
        """Return place of the asset, or -1 with place of the symbol and number of the side; one of nothing else."""
        parsed = parse_scope(name)
        if parsed.asset is not None:
            return self.tables.assets.get(parsed.asset, -1), -1, 0
        if parsed.symbol is None or parsed.side is None:
            return -1, -1, 0
        return -1, self.tables.places.get(parsed.symbol, -1), _SIDE_NUMBERS[str(parsed.side)]

    def _asset_of(self, name: str) -> str:
        parsed = parse_scope(name)
        if parsed.asset is not None:
            return parsed.asset
        place = -1 if parsed.symbol is None else self.tables.places.get(parsed.symbol, -1)
        return "" if place < 0 else self.tables.settle_asset_of(place)

    @staticmethod
    def _read(answer: Answer, first: int, done: int) -> list[Pieces | None]:
        """Return the pieces of scopes that are done; one that was not written is empty."""
        begun = np.maximum.accumulate(answer.pieces[first:done], axis=1)  # else a piece would begin with the batch
        verdicts, pieces = answer.verdicts[first:done].tolist(), begun.tolist()
        places = answer.places[first:done].tolist()
        text = answer.out[: max((ends[-1] for ends in pieces), default=0)].tobytes()
        found: list[Pieces | None] = []
        for verdict, ends, held in zip(verdicts, pieces, places, strict=True):
            words = [text[start:end] for start, end in pairwise(ends)] if verdict[V_DONE] > QUIET else []
            found.append(Pieces(verdict, words, held[: held[MOST_POSITIONS]]) if verdict[V_DONE] else None)
        return found


def warm() -> None:
    """Compile or load the compiled code, so that the first storm does not wait for it."""
    if HAS_NUMBA:
        book = AccountBook()
        number = book.keep(Account("", complete=True))
        batch = Batch(Ladders.same(Ladder.build()), LiquidationRule(), book, MarketBoard(FreshnessSettings()))
        batch.ask([Question(number, "cross:USD", 0, 0, 0, 0)])
