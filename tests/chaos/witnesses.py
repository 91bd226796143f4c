"""The witnesses of a chaos run: accounts that never change, in contracts that never change.

Their chains follow from the price messages alone, so that every message that was left out, judged twice or joined with
the next one shows: each event must stand there, and be told of just the message that brought it about.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.chaos.chains import Chains
from tests.chaos.facts import Account, Facts
from tests.chaos.oracle import Edges, Oracle
from tests.chaos.people import WITNESS
from tests.chaos.verdict import CHAIN, LOSS, Verdict

F = Fraction


def judge_witnesses(chains: Chains, facts: Facts, unjudged: bool, verdict: Verdict) -> None:
    """Compare the chain of every witness with the one that follows from the prices."""
    if unjudged:
        verdict.notes.append("price messages were reported as unjudged: the chains of witnesses are not compared")
        return
    for name, past in facts.past.items():
        if name.startswith(WITNESS):
            for scope, wanted in _chains_of(past[0], facts).items():
                told = [(event["status"], event["cause"].get("offset")) for event in chains.get((name, scope), ())]
                verdict.figures["events of witnesses"] += len(wanted)
                if told != wanted:
                    place = next((n for n, pair in enumerate(zip(told, wanted, strict=False)) if pair[0] != pair[1]),
                                 min(len(told), len(wanted)))  # fmt: skip
                    kind = LOSS if len(told) < len(wanted) else CHAIN
                    differs = f"told {told[place : place + 3]}, due {wanted[place : place + 3]}"
                    verdict.complain(kind, f"{name} {scope} from event {place + 1} on: {differs}")


def _chains_of(account: Account, facts: Facts) -> dict[str, list[tuple[str, int]]]:
    """Return the events due to a witness, by scope: status and offset of the message that brings it about."""
    found: dict[str, list[tuple[str, int]]] = {}
    stands: dict[str, str] = {}
    for offset, scopes in _judged(account, facts):
        for scope, edges in scopes.items():
            last = stands.get(scope, "healthy")
            now = edges.after(last)
            found.setdefault(scope, [])
            if now != last:
                found[scope].append((now, offset))
                stands[scope] = now
    return found


def _judged(account: Account, facts: Facts) -> Iterator[tuple[int, dict[str, Edges]]]:
    """Yield the scopes of an account after each message that has moved one of its prices."""
    held = {symbol for symbol, _ in account.positions}
    prices: dict[str, Any] = {}
    document = {"instruments": facts.terms, "assets": {}}
    for offset, symbols in facts.ticks:
        moved = held.intersection(symbols)
        if moved:
            prices |= {symbol: facts.at[symbol, offset] for symbol in moved}
            yield offset, Oracle({**document, "prices": prices}).scopes(account)
