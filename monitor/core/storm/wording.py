"""The programs that write account-status, evidence and plans: which words and numbers follow each other.

`report`, `events`, `evidence`, `document` and `plan.body` are the specification; `machine` runs what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from monitor.core.store_columns import I8
from monitor.core.storm import columns as of
from monitor.core.storm import machine as do
from monitor.core.storm.machine import OWN

(
    P_EQUITY, P_REQUIREMENT, P_RATIO, P_RISK, P_DEPOSIT, P_DUE, P_AFTER, P_SUMS, P_STATUS, P_DOCUMENT, P_ORIGINS,
    P_ACCOUNT, P_INSTRUMENTS, P_PRICES, P_SORTED_ORIGINS, P_ID, P_VERSION, P_TIME, P_PLAN, P_SORTED_PLAN, P_TAKEOVER,
    P_SORTED_TAKEOVER, P_END,
) = range(23)  # fmt: skip
PIECES: Final = 23
"""Where the pieces of a scope begin; what only planned scopes have is empty for the others."""

Step = tuple[int | bytes, ...]
"""An instruction, or the word that it is to write."""

NULL = b"null"
NOUGHT = b'"0"'


def own(row: int) -> int:
    """Return the operand that names a row of the present position."""
    return OWN + row


def _number(row: int) -> list[Step]:
    return [(do.NUMBER_TEXT, row)]


def _quotient(one: int, other: int) -> list[Step]:
    return [(do.QUOTIENT_TEXT, one, other)]


def _word(text: bytes) -> list[Step]:
    return [(text,)]


def _when(condition: tuple[int, ...], then: Sequence[Step], otherwise: Sequence[Step] = ()) -> list[Step]:
    """Do one thing or the other; the condition is an instruction without its length."""
    kind, operand, *others = condition
    jump: list[Step] = [(do.JUMP, len(otherwise))] if otherwise else []
    return [(kind, operand, len(then) + len(jump), *others), *then, *jump, *otherwise]


def _each(order: int, body: Sequence[Step]) -> list[Step]:
    return [(do.EACH, order, len(body)), *body]


def _joined(*parts: bytes | Sequence[Step]) -> list[Step]:
    return [step for part in parts for step in ([(part,)] if isinstance(part, bytes) else part)]


def _of_contract(text: int) -> Step:
    return do.STRING, text, of.CONTRACTS


def _of_rule(text: int) -> Step:
    return do.STRING, text, of.RULES


WORDS: dict[bytes, int] = {}
"""The literals of all programs, by their place on the shelf."""


def program(steps: Iterable[Step]) -> I8:
    """Return instructions as the machine runs them."""
    found = []
    for step in steps:
        word = step[0]
        if isinstance(word, bytes):
            found.append((do.STRING, WORDS.setdefault(word, len(WORDS)), of.LITERALS, 0))
        else:
            found.append((*step, *[0] * (4 - len(step))))
    return np.array(found, np.int64).reshape(-1, 4)


# ------------------------------------------------------------------------------------------------------- the figures
_SIDE: list[Step] = [(do.OWN_RECORD, of.SIDE_START, of.SIDE_END)]
_SYMBOL: list[Step] = [_of_contract(of.NAME)]
_MARK: list[Step] = [_of_contract(of.MARK_TEXT)]
_RISK = _when((do.UNLESS_ABOVE, of.EQUITY), _quotient(of.REQUIREMENT, of.EQUITY), _word(NULL))
_RATIO = _quotient(of.EQUITY, of.REQUIREMENT)
_DEPOSIT: list[Step] = [
    (do.SCALAR, of.A, of.CLEAR_TOP),
    (do.MULTIPLY, of.B, of.REQUIREMENT, of.A),
    (do.SCALAR, of.A, of.CLEAR_BOTTOM),
    (do.MULTIPLY, of.C, of.EQUITY, of.A),
    (do.SUBTRACT, of.D, of.B, of.C),
    *_when(
        (do.UNLESS_ABOVE, of.D),
        [(do.SCALE, of.D, of.CLEAR_FACTOR, of.CLEAR_POWER), (do.FRACTION, of.D, of.CLEAR_ODD)],
        _word(NOUGHT),
    ),
]
_PUT_FREE: list[Step] = [(do.MULTIPLY, of.B, of.EQUITY, of.ODD_ROW), (do.SUBTRACT, of.C, of.B, of.INITIAL)]
"""C becomes (E − IM)·(what the initial margin is divided by)."""
_AVAILABLE = [*_PUT_FREE, *_when((do.UNLESS_ABOVE, of.C), [(do.FRACTION, of.C)], _word(NOUGHT))]
_TRANSFER: list[Step] = [
    (do.SUBTRACT, of.D, of.WALLET, of.REQUIREMENT),
    (do.MULTIPLY, of.B, of.D, of.ODD_ROW),
    (do.SUBTRACT, of.A, of.B, of.C),
    *_when(
        (do.UNLESS_ABOVE, of.A),
        _when((do.UNLESS_ABOVE, of.C), [(do.FRACTION, of.C)], _word(NOUGHT)),
        _when((do.UNLESS_ABOVE, of.D), _number(of.D), _word(NOUGHT)),
    ),
]
"""max(0, min(W − MM, E − IM)): C stands from before."""
_FIGURES = _joined(
    [(do.PIECE, P_EQUITY), (do.BARE, of.EQUITY), (do.PIECE, P_REQUIREMENT), (do.BARE, of.REQUIREMENT)],
    [(do.PIECE, P_RATIO), *_RATIO, (do.PIECE, P_RISK), *_RISK, (do.PIECE, P_DEPOSIT), *_DEPOSIT],
    [(do.PIECE, P_DUE), *_when((do.UNLESS_FLAG, of.FUNDING), [(do.BARE, of.DUE)])],
    [(do.PIECE, P_AFTER), *_when((do.UNLESS_FLAG, of.FUNDING), [(do.BARE, of.AFTER)])],
)
_SUMS = _joined(
    [(do.PIECE, P_SUMS)], b'"equity":', _number(of.EQUITY), b',"wallet_balance":', _number(of.WALLET),
    b',"unrealized_pnl":', _number(of.PNL), b',"initial_margin":', [(do.FRACTION, of.INITIAL)],
    b',"maintenance_margin":', _number(of.REQUIREMENT), b',"available_margin":', _AVAILABLE,
    b',"margin_ratio":', _RATIO, b',"risk_ratio":', _RISK,
)  # fmt: skip
_FACTS = _joined(
    b'{"symbol":', _SYMBOL, b',"side":"', _SIDE, b'","quantity":', _number(own(of.QUANTITY)),
    b',"entry_price":', _number(own(of.ENTRY)), b',"mark_price":', _MARK,
)  # fmt: skip
_BANKRUPTCY = _when((do.UNLESS_OWN, of.HAS_BANKRUPTCY, -1), [(do.PRICE, own(of.BANKRUPTCY))], _word(NULL))
_LIQUIDATION = _when(
    (do.UNLESS_OWN, of.HAS_LIQUIDATION, -1),
    _joined(
        [(do.PRICE, own(of.LIQUIDATION))],
        b',"distance":',
        [(do.SUBTRACT, of.A, own(of.LIQUIDATION), own(of.MARK_ROW)), (do.QUOTIENT_TEXT, of.A, own(of.MARK_ROW))],
    ),
    _word(b'null,"distance":null'),
)
_CARRIED = _when(
    (do.UNLESS_ABOVE, of.EQUITY),
    [
        (do.MULTIPLY, of.B, of.EQUITY, own(of.COUNTED_LEVERAGE)),
        (do.SIZE_OF, of.C, own(of.QUANTITY)),
        (do.MULTIPLY, of.A, of.B, of.C),
        (do.QUOTIENT_TEXT, of.A, own(of.NOTIONAL)),
    ],
    _word(NOUGHT),
)
"""E·leverage ÷ (mark·contract size), as E·leverage·|q| ÷ notional."""
_POSITION = _joined(
    _FACTS, b',"notional":', _number(own(of.NOTIONAL)), b',"unrealized_pnl":', _number(own(of.PROFIT)),
    b',"initial_margin":', [(do.FRACTION, own(of.INITIAL_PART))],
    b',"maintenance_margin":', _number(own(of.NEEDED)), b',"bracket":', [(do.BARE, own(of.BRACKET_ROW))],
    b',"liquidation_price":', _LIQUIDATION, b',"bankruptcy_price":', _BANKRUPTCY,
    b',"max_position_quantity":', _CARRIED, _when((do.UNLESS_FLAG, of.RECOVERS), _word(b',"recovery":true')),
    b',"adl_quantile":null}',
)  # fmt: skip
_STATUS = _joined(
    [(do.PIECE, P_STATUS)], b'"deposit_to_clear":', _DEPOSIT, _PUT_FREE, b',"max_transfer_out":', _TRANSFER,
    b',"margin_utilization":', _RISK, b',"positions":[', _each(do.IN_RECORD, _POSITION), b"]",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------------ the evidence
_ID: list[Step] = [(do.RECORD, of.ID_START, of.ID_END)]
_MODE: list[Step] = [(do.RECORD, of.MODE_START, of.MODE_END)]
_BALANCE = _when((do.UNLESS_FLAG, of.BALANCE), _joined([(do.NAMED, 1)], b":", _number(of.WALLET)))
_PREVIOUS = _joined(b'],"previous_status":{"', [(do.NAMED, 0)], b'":"', [(do.STRING, 0, of.STATUSES)], b'"}}]')
_LEVERAGE = _when(
    (do.UNLESS_OWN, of.LEVERAGE_END, of.LEVERAGE_START), _joined(b',"leverage":', _number(own(of.NAMED_LEVERAGE)))
)
_HELD = _joined(
    b'{"symbol":', _SYMBOL, b',"side":"', _SIDE, b'","quantity":', _number(own(of.QUANTITY)),
    b',"entry_price":', _number(own(of.ENTRY)),
    _when(
        (do.UNLESS_FLAG, of.CROSS),
        _word(b',"margin_type":"cross"'),
        _joined(b',"margin_type":"isolated","isolated_wallet":', _number(of.WALLET)),
    ),
    _LEVERAGE, b"}",
)  # fmt: skip
_HELD_SORTED = _joined(
    b'{"entry_price":', _number(own(of.ENTRY)),
    _when((do.UNLESS_FLAG, of.CROSS), [], _joined(b',"isolated_wallet":', _number(of.WALLET))),
    _LEVERAGE,
    _when((do.UNLESS_FLAG, of.CROSS), _word(b',"margin_type":"cross"'), _word(b',"margin_type":"isolated"')),
    b',"quantity":', _number(own(of.QUANTITY)), b',"side":"', _SIDE, b'","symbol":', _SYMBOL, b"}",
)  # fmt: skip
_DOCUMENT = _joined(
    [(do.PIECE, P_DOCUMENT)], b'"instruments":{', _each(do.BY_NAME, [_of_contract(of.TERMS_TEXT)]),
    b'},"assets":{', [(do.ALL_ASSETS, 0)], b'},"prices":{', _each(do.BY_NAME, [_of_contract(of.PRICE_TEXT)]),
    b'},"accounts":[{"account_id":"', _ID, b'","margin_mode":"single_asset","position_mode":"', _MODE,
    b'","balances":{', _BALANCE, b'},"positions":[', _each(do.IN_RECORD, _HELD), _PREVIOUS,
    [(do.PIECE, P_ORIGINS)], b"{", _each(do.BY_NAME, [_of_contract(of.ORIGIN_TEXT)]), b"}",
    [(do.PIECE, P_ACCOUNT)], b'"accounts":[{"account_id":"', _ID, b'","balances":{', _BALANCE,
    b'},"margin_mode":"single_asset","position_mode":"', _MODE, b'","positions":[',
    _each(do.IN_RECORD, _HELD_SORTED), _PREVIOUS, b',"assets":{', [(do.ALL_ASSETS, 1)], b"}",
    [(do.PIECE, P_INSTRUMENTS)], b'"instruments":{', _each(do.BY_NAME, [_of_contract(of.TERMS_SORTED)]), b"}",
    [(do.PIECE, P_PRICES)], b'"prices":{', _each(do.BY_NAME, [_of_contract(of.PRICE_SORTED)]), b"}",
    [(do.PIECE, P_SORTED_ORIGINS)], b"{", _each(do.BY_NAME, [_of_contract(of.ORIGIN_SORTED)]), b"}",
)  # fmt: skip
_REST = _joined(
    [(do.PIECE, P_ID)], _ID, [(do.PIECE, P_VERSION), (do.RECORD, of.VERSION_START, of.VERSION_END)],
    [(do.PIECE, P_TIME), (do.RECORD, of.TIME_START, of.TIME_END), (do.PIECE, P_PLAN)],
)  # fmt: skip
SHOWN = program([*_FIGURES, *_SUMS, *_STATUS, (do.PIECE, P_DOCUMENT), *_REST])
"""What account-status needs."""
TOLD = program([*_FIGURES, *_SUMS, *_STATUS, *_DOCUMENT, *_REST])
"""What an event needs as well."""

# ---------------------------------------------------------------------------------------------------------- the plan
_LEFT_RATIO = _when((do.UNLESS_ABOVE, of.LEFT_REQUIREMENT), _quotient(of.LEFT_EQUITY, of.LEFT_REQUIREMENT), _word(NULL))
_LEFT = _joined(b',"maintenance_margin_after":', _number(of.LEFT_REQUIREMENT), b',"margin_ratio_after":', _LEFT_RATIO)
_RESTORES = _when((do.UNLESS_FLAG, of.RESTORES), _word(b"true"), _word(b"false"))
_AMOUNT: list[Step] = [(do.SIZE_OF, of.SPARE, own(of.QUANTITY)), (do.NUMBER_TEXT, of.SPARE)]
_LACKING = _when(
    (do.UNLESS_BELOW_OR_EQUAL, of.EQUITY),
    [(do.SIZE_OF, of.SPARE, of.EQUITY), (do.NUMBER_TEXT, of.SPARE)],
    _word(NOUGHT),
)
_THEN = _joined(b',"maintenance_margin_after":', _number(of.LEFT_REQUIREMENT))
_REDUCTION = _joined(
    [(do.CLOSE,), (do.ACCUMULATE, of.FEES, own(of.FEE))],
    b'{"symbol":', _SYMBOL, b',"side":"', _SIDE, b'","quantity":', _AMOUNT,
    b',"remaining_quantity":"0","mark_price":', _MARK, b',"notional":', _number(own(of.NOTIONAL)),
    b',"fee":', _number(own(of.FEE)), b',"equity_after":', _number(of.LEFT_EQUITY), _THEN, b"}",
)  # fmt: skip
_REDUCTION_SORTED = _joined(
    [(do.CLOSE,)], b'{"equity_after":', _number(of.LEFT_EQUITY), b',"fee":', _number(own(of.FEE)), _THEN,
    b',"mark_price":', _MARK, b',"notional":', _number(own(of.NOTIONAL)), b',"quantity":', _AMOUNT,
    b',"remaining_quantity":"0","side":"', _SIDE, b'","symbol":', _SYMBOL, b"}",
)  # fmt: skip
_FEES = _when(
    (do.UNLESS_ABOVE, of.FEES),
    _joined(
        b'{"asset":', [(do.NAMED, 1)], b',"fee":', _number(of.FEES), b',"to_fund":',
        [(do.MULTIPLY, of.B, of.FEES, of.SHARE), (do.NUMBER_TEXT, of.B)], b"}",
    ),
)  # fmt: skip
_PRICED = _joined(
    b'{"symbol":', _SYMBOL, b',"side":"', _SIDE, b'","quantity":', _number(own(of.QUANTITY)),
    b',"bankruptcy_price":', _BANKRUPTCY, b"}",
)  # fmt: skip
_PRICED_SORTED = _joined(
    b'{"bankruptcy_price":', _BANKRUPTCY, b',"quantity":', _number(own(of.QUANTITY)),
    b',"side":"', _SIDE, b'","symbol":', _SYMBOL, b"}",
)  # fmt: skip
_TAKEOVER_SORTED = _joined(
    b'{"bankruptcy_price":', _BANKRUPTCY, b',"entry_price":', _number(own(of.ENTRY)), b',"mark_price":', _MARK,
    b',"quantity":', _number(own(of.QUANTITY)), b',"side":"', _SIDE, b'","symbol":', _SYMBOL, b"}",
)  # fmt: skip
_TAKEOVER = _joined(_FACTS, b',"bankruptcy_price":', _BANKRUPTCY, b"}")
_BEGIN: list[Step] = [(do.BEGIN,), (do.CONSTANT, of.FEES, 0)]
PLANNED = program(
    _joined(
        [(do.PIECE, P_PLAN)], b'{"rule":"whole","line":', [_of_rule(0)], b',"restores":', _RESTORES,
        b',"cancel_orders":', [_of_rule(1)], b',"exchanges":[],"reductions":[', _BEGIN,
        _each(do.AS_TAKEN, _REDUCTION), b'],"fees":[', _FEES, b'],"equity_after":', _number(of.LEFT_EQUITY), _LEFT,
        b',"positions":[', _each(do.IN_RECORD, _PRICED), b'],"shortfall":', _LACKING,
        b',"afterwards":', [_of_rule(2)], b"}",
        [(do.PIECE, P_SORTED_PLAN)], b'{"afterwards":', [_of_rule(2)], b',"cancel_orders":', [_of_rule(1)],
        b',"equity_after":', _number(of.LEFT_EQUITY), b',"exchanges":[],"fees":[', _FEES,
        b'],"line":', [_of_rule(0)], _LEFT, b',"positions":[', _each(do.IN_RECORD, _PRICED_SORTED),
        b'],"reductions":[', [(do.BEGIN,)], _each(do.AS_TAKEN, _REDUCTION_SORTED), b'],"restores":', _RESTORES,
        b',"rule":"whole","shortfall":', _LACKING, b"}",
        [(do.PIECE, P_TAKEOVER)], b"[", _each(do.IN_RECORD, _TAKEOVER), b"]",
        [(do.PIECE, P_SORTED_TAKEOVER)], b"[", _each(do.IN_RECORD, _TAKEOVER_SORTED), b"]",
        [(do.PIECE, P_END)],
    )
)  # fmt: skip
"""The plan of a scope in liquidation or worse, and what would be taken over."""
