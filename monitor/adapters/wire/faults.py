"""Faults of the wire: the closed list of reasons a message is refused for, and the refusal that names the place.

What makes a message bad is decided beside this module; what becomes of it (a dead letter, exit 2) elsewhere.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum

from monitor.app import codec

LONGEST_MESSAGE = 300
LONGEST_NAME = 80
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Code(StrEnum):
    """Name why a message is refused; the text is the header `error-code` of its dead letter.

    ================== ==============================================================================================
    code               the message …
    ================== ==============================================================================================
    `empty`            has no value, no bytes, or is an empty array: it states nothing
    `too_large`        is longer than `limits.max_message_bytes`
    `malformed_json`   is not one JSON value in UTF-8: syntax, lone surrogates, NaN, nesting without end
    `duplicate_key`    states a key of one object twice
    `wrong_type`       has a value of another type: a float or a boolean for an amount, null, an array for an object
    `unknown_field`    has a field that this message does not have
    `missing_field`    lacks a field that it needs
    `bad_value`        has a word that is not one of those allowed there
    `bad_amount`       has an amount that is not a plain decimal, too long, or outside 1e-30 … 1e30
    `out_of_range`     has a number that may not have this value: a price not above 0, a time below 0, a rate above 1
    `bad_id`           has a name that is empty, too long, has control characters, or a `|` in a symbol or asset
    `too_many`         has more positions, brackets, balances, prices, levels or symbols than the limits allow
    `bad_brackets`     has a bracket table that contradicts itself
    `bad_ladder`       has thresholds that contradict themselves
    `contradiction`    states facts that cannot be true together, or not after what is known
    `wrong_key`        stands under a key that is not its account, symbol, asset or fund
    `wrong_partition`  stands in another partition than its key belongs to
    `time_ahead`       is further ahead of our clock than `prices.max_ahead_ms`
    `limit_…`          would make what is kept grow beyond a limit (see `core/limits.py`): `limit_accounts`,
                       `limit_positions`, `limit_balances`, `limit_settings`, `limit_scopes`, `limit_names` of accounts,
                       `limit_symbols`, `limit_assets`, `limit_funds` of the other inputs
    `gap`              and those after it were gone from the log before they were read; its value is not known
    ================== ==============================================================================================
    """

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    MALFORMED_JSON = "malformed_json"
    DUPLICATE_KEY = "duplicate_key"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    BAD_AMOUNT = "bad_amount"
    OUT_OF_RANGE = "out_of_range"
    BAD_ID = "bad_id"
    TOO_MANY = "too_many"
    BAD_BRACKETS = "bad_brackets"
    BAD_LADDER = "bad_ladder"
    CONTRADICTION = "contradiction"
    WRONG_KEY = "wrong_key"
    WRONG_PARTITION = "wrong_partition"
    TIME_AHEAD = "time_ahead"
    GAP = "gap"
    LIMIT_ACCOUNTS = "limit_accounts"
    LIMIT_POSITIONS = "limit_positions"
    LIMIT_BALANCES = "limit_balances"
    LIMIT_SETTINGS = "limit_settings"
    LIMIT_SCOPES = "limit_scopes"
    LIMIT_NAMES = "limit_names"
    LIMIT_SYMBOLS = "limit_symbols"
    LIMIT_ASSETS = "limit_assets"
    LIMIT_FUNDS = "limit_funds"


class BadMessage(codec.BadMessage):
    """A message that is refused as a whole.

    `inside` is the place relative to what was being read (`positions[0].quantity`, empty for all of it), `path` the
    same from the root of the message (`$.positions[0].quantity`).
    """

    code: Code

    def __init__(self, code: Code, inside: str, message: str) -> None:
        self.code = code
        self.inside = inside
        self.message = shortened(message, LONGEST_MESSAGE)
        super().__init__(f"{self.path}: {self.message}")

    @property
    def path(self) -> str:
        """The place from the root of the message."""
        return joined("$", self.inside)

    def under(self, outer: str) -> BadMessage:
        """Return the same refusal seen from outside: `outer` names what held the place."""
        return BadMessage(self.code, joined(outer, self.inside), self.message)


def joined(outer: str, inner: str) -> str:
    """Return the path of `inner` inside `outer`."""
    if not outer or not inner or inner.startswith("["):
        return outer + inner
    return f"{outer}.{inner}"


def segment(name: str) -> str:
    """Return how a key of an object stands in a path: bare where it is a plain word, else in brackets and quotes."""
    short = shortened(name, LONGEST_NAME)
    return short if _PLAIN_NAME.fullmatch(short) else f"[{json.dumps(short, ensure_ascii=False)}]"


def shortened(text: str, longest: int) -> str:
    """Return a text cut to `longest` characters, the cut shown."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
