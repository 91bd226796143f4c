"""Plain contenders: scopes kept in one asset over linear contracts, listed straight from packed facts.

Most scopes are plain, and thousands are listed in a round. What is said of them here is what `listing` says, in less
time: no account is unpacked, and of the sums that `margin` defines only those that rank are added up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from monitor.core.accounts import EMPTY, MarginMode, MarginType
from monitor.core.adl.candidates import Candidate, Key
from monitor.core.adl.holders import LONG, figures_of
from monitor.core.adl.lines import Line, Lines
from monitor.core.adl.scores import score_of
from monitor.core.adl.settings import AdlRanking
from monitor.core.facts import POSITION_FIELDS, settings_of, texts_of
from monitor.core.instruments import MaintenanceBasis
from monitor.core.positions import maintenance_margin
from monitor.core.scopes import parse_scope

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_KNOWN_IN_FULL: Final = "100"
"""Flags of an account that is complete, not suspect, not deleted."""
_SINGLE_ASSET: Final = str(MarginMode.SINGLE_ASSET)
_ISOLATED: Final = str(MarginType.ISOLATED)
_parsed: Final = lru_cache(maxsize=4_096)(parse_scope)

_Row = tuple[str, ...]
"""The texts of one position."""
_Leg = tuple[str, str, Decimal, Decimal, Decimal]
"""Symbol and side of a position, its quantity, entry price and profit."""


class NotPlain(Exception):
    """A scope, or what taking a holding of it would uncover, is for `listing` to say."""


class PlainContender:
    """Hold a scope, added up once at the present prices; each of its holdings is scored when asked for.

    Making one, and asking it, raises `NotPlain`. Needs the exact context, and lines that are refreshed.
    """

    __slots__ = ("_account_id", "_is_cross", "_legs", "_lines", "_ranking", "_rows", "_scope", "_shard", "_sums")

    def __init__(self, record: bytes, scope: str, lines: Lines, ranking: AdlRanking, shard: int = 0) -> None:
        texts, parsed = texts_of(record), _parsed(scope)
        if texts.flags != _KNOWN_IN_FULL or texts.margin_mode != _SINGLE_ASSET:
            raise NotPlain
        self._account_id, self._scope = texts.account_id, scope
        self._lines, self._ranking, self._shard = lines, ranking, shard
        self._rows: list[_Row] = list(zip(*[iter(texts.positions)] * POSITION_FIELDS, strict=True))
        self._is_cross = parsed.asset is not None
        if parsed.asset is not None:
            mine = [row for row in self._rows if row[4] != _ISOLATED]
            wallet = dict(zip(texts.balances[::2], texts.balances[1::2], strict=True)).get(parsed.asset)
        else:
            mine = [row for row in self._rows if row[:2] == (parsed.symbol, parsed.side) and row[4] == _ISOLATED]
            if not mine:
                raise NotPlain
            wallet = mine[0][5]
        self._legs: list[_Leg] = []
        multipliers = _multipliers_of(texts.settings) if texts.settings else EMPTY
        self._sums = self._added_up(mine, Decimal(wallet) if wallet else _ZERO, parsed.asset, multipliers)

    def _added_up(
        self, rows: Sequence[_Row], wallet: Decimal, asset: str | None, multipliers: Mapping[str, Decimal]
    ) -> tuple[Decimal, Decimal, Decimal] | None:
        """Return wallet, equity and requirement, None where they are not known: terms or a mark are missing."""
        known, keep = self._lines.known, self._legs.append
        equity, required = wallet, _ZERO
        for symbol, side, quantity, entry_price, _, _, _ in rows:
            held = Decimal(quantity)
            if not held:
                continue
            line = known.get(symbol) or self._lines.line(symbol)
            if line is None:
                return None
            settle_asset, is_linear, mark, contract_size, simple_below, rate, _, _ = line
            if asset is not None and settle_asset != asset:
                continue
            if not is_linear:
                raise NotPlain
            if mark is None:
                return None
            size, entry = held if contract_size is None else held * contract_size, Decimal(entry_price)
            value, gain = abs(size * mark), size * (mark - entry)
            if value < simple_below and not multipliers:
                required += value * rate
            else:
                required += _needed(line, value, abs(size * entry), multipliers.get(symbol, _ONE))
            equity += gain
            keep((symbol, side, held, entry, gain))
        return wallet, equity, required

    def candidate(self, key: Key) -> Candidate | None:
        """Return what the scope stands for in a queue, None where it is not in it."""
        symbol, side = key
        if self._sums is None or self._sums[1] <= 0:
            return None
        legs = [leg for leg in self._legs if leg[0] == symbol]
        if not legs:
            return None
        _, position_side, net, entry, gain = legs[0]
        if len(legs) > 1:
            _, position_side, _, entry, _ = max(legs, key=lambda leg: abs(leg[2]))
            net, gain = sum([leg[2] for leg in legs], _ZERO), sum([leg[4] for leg in legs], _ZERO)
        is_long = side == LONG
        if not net or (net > 0) is not is_long:
            return None
        line = self._lines.line(symbol)
        assert line is not None and line.mark_price is not None, "a scope that is added up has terms and marks"
        figures = figures_of(line.terms, net, entry, line.mark_price, _ONE, gain, *self._sums)
        score = score_of(self._ranking, figures)
        if score is None:
            return None
        if self._may_cover(symbol, line.base_asset, is_long=is_long):
            raise NotPlain
        return Candidate(self._account_id, self._scope, position_side, abs(net), score, self._shard)

    def _may_cover(self, symbol: str, base_asset: str | None, *, is_long: bool) -> bool:
        """Return whether the account holds anything on the other side that a holding may cover: see `hedges`."""
        for row in self._rows:
            if (row[2][0] == "-") is not is_long:
                continue
            if row[0] == symbol:
                if not self._is_cross or row[4] == _ISOLATED:
                    return True
            elif base_asset is not None:
                other = self._lines.line(row[0])
                if other is not None and other.base_asset == base_asset:
                    return True
        return False


def _needed(line: Line, at_mark: Decimal, at_entry: Decimal, multiplier: Decimal) -> Decimal:
    """Return the requirement of a position by its notionals."""
    terms = line.terms
    margined = at_entry if terms.maintenance_basis is MaintenanceBasis.ENTRY else at_mark
    tier = terms.tiers[terms.tier_index(margined, multiplier)]
    return maintenance_margin(margined, tier, terms.closing_fee_rate, multiplier)


def _multipliers_of(settings: str) -> Mapping[str, Decimal]:
    """Return the bracket multipliers that settings name. Raises `NotPlain` for those of no counterparty."""
    raw = json.loads(settings)
    if raw.get("adl_exempt") is True:
        raise NotPlain
    return settings_of(raw).bracket_multiplier
