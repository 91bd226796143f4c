"""The tables of a market for the compiled code: terms and prices as integers, and their words as JSON.

Filling them, and noticing what has changed since, live here. A contract is plain where it is linear, margined at the
mark, priced and fresh, and its numbers fit; only scopes of plain contracts are told by compiled code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.document import asset_object, instrument_object
from monitor.core.evidence import prices_object
from monitor.core.freshness import Age
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis
from monitor.core.kernels_words import Words, words_of
from monitor.core.quality.stating import qualities_of
from monitor.core.quotes import Quote
from monitor.core.storm.columns import (
    ASSETS,
    BASE_RANK,
    CHARGE,
    CONTRACT_COLUMNS,
    CONTRACT_TEXTS,
    CONTRACTS,
    FIRST_TIER,
    MARK,
    MARK_TEXT,
    MOVE_RANK,
    NAME,
    ORIGIN_SORTED,
    ORIGIN_TEXT,
    PLAIN,
    PRICE_SORTED,
    PRICE_TEXT,
    RANK,
    SETTLE,
    SETTLE_RANK,
    SIZE,
    TERMS_SORTED,
    TERMS_TEXT,
    TIER_COLUMNS,
    TIER_COUNT,
    Market,
    Texts,
)

_LARGEST: Final = 2**62
_MOST_DECIMALS: Final = 18
_LONGEST: Final = 40
_NO: Final = -1
_MOVED: Final = slice(MARK, MOVE_RANK)
_AS_IT_STANDS: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_SORTED: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def as_json(plain: Any, *, is_sorted: bool = False) -> bytes:
    """Return plain data as every output states it: no spaces, UTF-8."""
    return (_SORTED if is_sorted else _AS_IT_STANDS).encode(plain).encode()


def whole(number: Decimal) -> tuple[int, int] | None:
    """Return the digits of a number, with its sign, and its decimals; None where they do not fit."""
    text = f"{number:f}"
    before, _, after = text.partition(".")
    if len(text) > _LONGEST or len(after) > _MOST_DECIMALS:
        return None
    found = int(before + after)
    return (found, len(after)) if -_LARGEST < found < _LARGEST else None


def texts_of(texts: Sequence[bytes]) -> Texts:
    """Return texts, joined."""
    spans = np.zeros((len(texts), 2), np.int64)
    spans[:, 1] = np.cumsum([len(text) for text in texts], dtype=np.int64)
    spans[1:, 0] = spans[:-1, 1]
    return Texts(np.frombuffer(b"".join(texts) + b"\0", np.uint8), spans)


Numbers = tuple[tuple[int, int], tuple[int, int], list[list[int]]]
"""Size, liquidation fee and brackets of a contract, in integers."""


class Known(NamedTuple):
    """Hold what the terms of a contract come to: numbers, None where it is not plain, and texts."""

    terms: Instrument[Decimal]
    numbers: Numbers | None
    texts: list[bytes]


class MarketTables:
    """Keep the tables of one board; `market` brings them up to date."""

    def __init__(self, board: MarketBoard, standing: Sequence[Sequence[bytes]]) -> None:
        """`standing`: the texts that stand before those of the market on the shelf: literals, statuses, rules."""
        self._board = board
        self._standing = [text for texts in standing for text in texts]
        self._bases = np.cumsum([0, *map(len, standing), 0], dtype=np.int64)
        self._serials = (-1, -1)
        self._prepared = -1
        self._known: dict[str, Known] = {}
        self._names: list[str] = []
        self.places: dict[str, int] = {}
        self.assets: dict[str, int] = {}
        self._quotes: list[tuple[Quote | None, Age]] = []
        self._words: tuple[Words, Words] | None = None
        self._contracts = np.zeros((0, CONTRACT_COLUMNS), np.int64)
        self._tiers = np.zeros((0, TIER_COLUMNS), np.int64)
        self._texts: list[list[bytes]] = []
        self._shelf = texts_of(self._standing)
        self._are_plain = np.zeros(0, np.int64)

    @exactly
    def prepare(self, most: int) -> None:
        """Word the terms of so many contracts ahead, where they are new: all of them would hold a storm up."""
        terms = self._board.serials[0]
        if self._prepared == terms:
            return
        for name, stated in self._board.instruments.items():
            if most and (name not in self._known or self._known[name].terms is not stated):
                self._known[name] = Known(stated, _numbers_of(stated), _terms_texts(stated))
                most -= 1
        if most:
            self._prepared = terms

    def market(self) -> Market:
        """Return the market as the board has it now."""
        terms, prices = self._board.serials
        if self._words is None or self._serials[0] != terms:
            self._learn_terms()
        if self._serials != (terms, prices):
            self._learn_prices()
        self._serials = (terms, prices)
        assert self._words is not None, "terms are learnt first"
        return Market(*self._words, self._contracts, self._tiers, self._shelf, self._bases)

    def rank_moves(self, moves: Mapping[str, Decimal]) -> None:
        """Rank the contracts by how far a message has moved them, ties by name; those it does not name are last."""
        ranks = self._contracts[:, MOVE_RANK]
        ranks[:] = len(self._names) + len(moves)
        for rank, name in enumerate(sorted(sorted(moves), key=lambda one: moves[one], reverse=True)):
            if name in self.places:
                ranks[self.places[name]] = rank

    def name_of(self, place: int) -> str:
        """Return the contract at a place."""
        return self._names[place]

    def settle_asset_of(self, place: int) -> str:
        """Return what the contract at a place is settled in."""
        return self._board.instruments[self._names[place]].settle_asset

    @exactly
    def _learn_terms(self) -> None:
        board = self._board
        self.prepare(len(board.instruments) + 1)
        self._known = {name: self._known[name] for name in board.instruments}
        self._names = list(board.instruments)
        self.places = {name: place for place, name in enumerate(self._names)}
        self.assets = {
            name: place for place, name in enumerate({one.settle_asset: 0 for one in board.instruments.values()})
        }
        self._words = words_of(self._names), words_of(self.assets)
        self._contracts = np.zeros((len(self._names), CONTRACT_COLUMNS), np.int64)
        stated = {name: rank for rank, name in enumerate(sorted(board.assets))}
        tiers: list[list[int]] = []
        self._texts = []
        for row, name, terms in zip(self._contracts, self._names, board.instruments.values(), strict=True):
            row[SETTLE] = self.assets[terms.settle_asset]
            row[SETTLE_RANK], row[BASE_RANK] = (
                stated.get(terms.settle_asset, _NO),
                stated.get(terms.base_asset or "", _NO),
            )
            row[FIRST_TIER] = len(tiers)
            _, found, texts = self._known[name]
            if found is not None:
                row[PLAIN], row[TIER_COUNT] = 1, len(terms.tiers)
                row[SIZE : SIZE + 2], row[CHARGE : CHARGE + 2] = found[0], found[1]
                tiers += found[2]
            self._texts.append(list(texts))
        order = sorted(range(len(self._names)), key=self._names.__getitem__)
        self._contracts[order, RANK] = np.arange(len(order))
        self._tiers = np.array(tiers, np.int64).reshape(-1, TIER_COLUMNS)
        self._quotes = [(None, Age.FRESH)] * len(self._names)
        self._are_plain = self._contracts[:, PLAIN].copy()

    @exactly
    def _learn_prices(self) -> None:
        board = self._board
        for place, name in enumerate(self._names):
            now = board.quotes.get(name), board.symbol_age(name)
            if now[0] is self._quotes[place][0] and now[1] is self._quotes[place][1] and now[0] is not None:
                continue
            self._quotes[place] = now
            is_fresh = self._learn_price(place, name, now[0]) and now[1] is Age.FRESH
            self._contracts[place, PLAIN] = self._are_plain[place] if is_fresh else 0
        of_contracts = [text for texts in self._texts for text in texts]
        self._bases[ASSETS] = self._bases[CONTRACTS] + len(of_contracts)
        self._shelf = texts_of([*self._standing, *of_contracts, *self._asset_texts()])

    def _learn_price(self, place: int, name: str, quote: Quote | None) -> bool:
        """Take the price of a contract; return whether its numbers fit."""
        figures = None if quote is None else self._figures(name, quote)
        self._contracts[place, _MOVED] = figures or 0
        if quote is None or figures is None:
            return False
        prices, texts = prices_object([name], self._board)[name], self._texts[place]
        texts[MARK_TEXT] = b'"%s"' % prices["mark_price"].encode()
        parts = [f'"{key}":"{value}"' if type(value) is str else f'"{key}":{value}' for key, value in prices.items()]
        texts[PRICE_TEXT] = texts[PRICE_SORTED] = b"%s:{%s}" % (texts[NAME], ",".join(parts).encode())
        if len(parts) > 1:
            texts[PRICE_SORTED] = b"%s:{%s}" % (texts[NAME], ",".join(sorted(parts)).encode())
        at = quote.event_time_ms, quote.offset, quote.partition
        quality = qualities_of(name, self._board.quarantine)
        more, more_sorted = (b",%s" % _member(quality, is_sorted=one) if quality else b"" for one in (False, True))
        written = texts[NAME], at[0], at[2], at[1], more
        texts[ORIGIN_TEXT] = b'%s:{"event_time_ms":%d,"partition":%d,"offset":%d%s}' % written
        texts[ORIGIN_SORTED] = b'%s:{"event_time_ms":%d,"offset":%d,"partition":%d%s}' % (texts[NAME], *at, more_sorted)
        return figures[0] > 0

    def _figures(self, name: str, quote: Quote) -> tuple[int, ...] | None:
        """Return the columns of a price, from the mark to the time of the next funding; None where one does not fit."""
        mark, funding = whole(quote.mark_price), self._board.funding(name)
        if mark is None:
            return None
        if funding is None or funding.price is None:
            return (*mark, quote.event_time_ms, 0, 0, 0, 0, 0, 0)
        rate, price = whole(funding.rate), whole(funding.price)
        if rate is None or price is None:
            return None
        return (*mark, quote.event_time_ms, 1, *rate, *price, funding.next_time_ms or 0)

    def _asset_texts(self) -> list[bytes]:
        """Return the assets as evidence states them: terms whose index price has never come stand as they are."""
        found: list[bytes] = []
        for name in sorted(self._board.assets):
            held = self._board.asset(name)
            terms = self._board.assets[name] if held is None else replace(held, index_symbol=None)
            stated = {name: asset_object(terms)}
            found += (_member(stated), _member(stated, is_sorted=True))
        return found


def _member(plain: Mapping[str, Any], *, is_sorted: bool = False) -> bytes:
    """Return an object with one member as JSON, without its braces."""
    return as_json(plain, is_sorted=is_sorted)[1:-1]


def _terms_texts(terms: Instrument[Decimal]) -> list[bytes]:
    texts = [b""] * CONTRACT_TEXTS
    stated = {terms.symbol: instrument_object(terms)}
    texts[NAME] = as_json(terms.symbol)
    texts[TERMS_TEXT], texts[TERMS_SORTED] = _member(stated), _member(stated, is_sorted=True)
    return texts


def _numbers_of(terms: Instrument[Decimal]) -> Numbers | None:
    """Return the numbers of a contract, None where it is not plain. Needs the exact context."""
    if terms.contract is not Contract.LINEAR or terms.maintenance_basis is not MaintenanceBasis.MARK:
        return None
    size, charge = whole(terms.contract_size), whole(terms.liquidation_fee_rate)
    rows: list[list[int]] = []
    for tier in terms.tiers:
        cap = Decimal(0) if tier.max_leverage is None else tier.max_leverage
        numbers = [whole(one) for one in (tier.floor, tier.rate + terms.closing_fee_rate, tier.deduction, cap)]
        if any(number is None for number in numbers):
            return None
        rows.append([part for number in numbers if number is not None for part in number])
    return None if size is None or charge is None else (size, charge, rows)
