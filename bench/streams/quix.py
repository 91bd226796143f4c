"""The program that is measured as quixstreams: accounts in its state, all of them judged when a price array comes.

State belongs to the key of the record at hand, and nobody else's can be read. Two ways lead to every account: all of a
partition share one key, so that a price array reaches them as one record (`together`); or each has a key of its own, as
the documentation would have it, and a price array becomes a record for each (`apart`).

Figures are kept beside the state, as the daemon keeps its own: each price array makes them anew.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

from bench.streams.records import (
    ACCOUNT,
    AFTER_NUMBER,
    PRICES,
    TERMS,
    Terms,
    account_of,
    done_record,
    figures_records,
    prices_of,
    terms_of,
)

COMMIT_EVERY: Final = 1_000
"""Records after which accounts go from the transaction into RocksDB while they are loaded; later the clock decides."""
POLL_SECONDS: Final = 0.05
_STATE: Final = "account"


@cache
def layout(positions: int) -> Callable[[bytes], tuple[Any, ...]]:
    """Return what takes the state of an account apart: its base, then contract and amount of every position."""
    return struct.Struct(">d" + "Hd" * positions).unpack


def compute(state: bytes, marks: Sequence[float], terms: Terms) -> tuple[float, float, int]:
    """Return equity, requirement and rank of an account."""
    brackets = terms.brackets
    equity, *positions = layout((len(state) - 8) // 10)(state)
    requirement = 0.0
    for symbol, amount in zip(positions[::2], positions[1::2], strict=True):
        value = amount * marks[symbol]
        equity += value
        notional = abs(value)
        for ceiling, rate, deduction in brackets[symbol]:
            if notional < ceiling:
                requirement += notional * rate - deduction
                break
    if equity <= 0.0 < requirement:
        return equity, requirement, terms.bankrupt
    rank = 0
    for line in terms.lines:
        if equity >= line * requirement:
            break
        rank += 1
    return equity, requirement, rank


class Together:
    """Judge accounts that share a key: one record reaches all."""

    def __init__(self) -> None:
        self._terms = Terms([], [], 0)
        self._figures: dict[int, tuple[float, float, int]] = {}
        self._accounts = 0

    def take(self, record: bytes, state: Any) -> list[bytes]:
        """Take a record; return what is to be said of it."""
        kind = record[:1]
        if kind == ACCOUNT:
            state.set_bytes(account_of(record), record[AFTER_NUMBER:])
            self._accounts = max(self._accounts, account_of(record) + 1)
            return []
        if kind == TERMS:
            self._terms = terms_of(record)
            return []
        if kind != PRICES:
            return figures_records(self._figures)
        tick, marks = prices_of(record)
        terms, figures, state_of = self._terms, self._figures, state.get_bytes
        for account in range(self._accounts):
            figures[account] = compute(state_of(account), marks, terms)
        return [done_record(tick, self._accounts)]


class Apart:
    """Judge accounts that have a key each: a price array is spread over a topic between, one record an account."""

    def __init__(self) -> None:
        self._terms = Terms([], [], 0)
        self._figures: dict[int, tuple[float, float, int]] = {}
        self._accounts: list[bytes] = []
        self._tick = 0
        self._left = 0
        self._marks: list[float] = []

    def spread(self, record: bytes) -> list[bytes]:
        """Return what goes to the topic between: each record as it is, or one for each account."""
        if record[:1] == ACCOUNT:
            self._accounts.append(record[1:AFTER_NUMBER])
        if record[:1] != PRICES:
            return [record]
        self._tick, self._marks = prices_of(record)
        self._left = len(self._accounts)
        return [PRICES + account for account in self._accounts]

    def take(self, record: bytes, state: Any) -> list[bytes]:
        """Take a record of the topic between; return what is to be said of it."""
        kind = record[:1]
        if kind == ACCOUNT:
            state.set_bytes(_STATE, record[AFTER_NUMBER:])
            return []
        if kind == TERMS:
            self._terms = terms_of(record)
            return []
        if kind != PRICES:
            return figures_records(self._figures)
        self._figures[account_of(record)] = compute(state.get_bytes(_STATE), self._marks, self._terms)
        self._left -= 1
        return [] if self._left else [done_record(self._tick, len(self._accounts))]


def main() -> None:
    """Run until killed."""
    options = argparse.ArgumentParser(prog="python -m bench.streams.quix", description=__doc__)
    options.add_argument("way", choices=("together", "apart"))
    options.add_argument("bootstrap")
    options.add_argument("source")
    options.add_argument("target")
    options.add_argument("folder", help="of the state")
    chosen = options.parse_args()
    application: Any = import_module("quixstreams").Application(
        chosen.bootstrap,
        consumer_group=chosen.source,
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY if chosen.way == "together" else 0,
        consumer_poll_timeout=POLL_SECONDS,
        state_dir=chosen.folder,
        loglevel="WARNING",
    )

    def topic(name: str) -> Any:
        kinds = ("key_serializer", "key_deserializer", "value_serializer", "value_deserializer")
        return application.topic(name, **dict.fromkeys(kinds, "bytes"))

    records = application.dataframe(topic(chosen.source))
    judge: Together | Apart = Together()
    if chosen.way == "apart":
        judge = Apart()
        between = topic(f"{chosen.source}-accounts")
        records.apply(judge.spread, expand=True).to_topic(between, key=lambda record: record[1:AFTER_NUMBER])
        records = application.dataframe(between)
    records.apply(judge.take, stateful=True, expand=True).to_topic(topic(chosen.target))
    application.run()


if __name__ == "__main__":
    main()
