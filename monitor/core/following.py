"""Following another engine: facts, memory and terms taken over as its owner commits them, judging and telling nothing.

An engine that was followed to the same place as a restored one goes on exactly as that does. Which records have come,
and how far the market may go, is the application's business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from monitor.core.engine import MarginEngine
from monitor.core.inputs import AssetTerms, Input, InstrumentTerms
from monitor.core.restoring import Restoring
from monitor.core.told import NOT_SHOWN, unpack_memory

Records = Mapping[str, bytes]


class Follower:
    """Keep an engine that nobody judges with as another engine's records have it."""

    def __init__(self, engine: MarginEngine) -> None:
        self._engine = engine
        self._restoring: Restoring | None = None

    def can_fill(self, account_id: str, facts: Records) -> bool:
        """Return whether an account may be taken over with others at once: where it was never seen."""
        engine = self._engine
        at_once = engine.store.uses_numba and not engine.rules.are_for_everybody
        return at_once and account_id in facts and engine.book.number_of(account_id) is None

    def fill(self, account_ids: Collection[str], facts: Records, memory: Records, rules: Records) -> list[str]:
        """Take over accounts that may be taken over at once, as a restore does; return those `renew` has to take yet.

        Raises ValueError for bytes this version cannot read.
        """
        engine = self._engine
        for account_id in account_ids:
            engine.teller.forget(account_id)
        engine.store.set_portfolio(engine.board.portfolio)
        if self._restoring is None:
            self._restoring = engine.restoring()
        told = {account_id: memory[account_id] for account_id in account_ids if account_id in memory}
        odd = {name for name in account_ids if name in rules or name in engine.rules.memories}
        left = self._restoring.run({account_id: facts[account_id] for account_id in account_ids}, told, odd)
        return [engine.book.id_of(number) for number in left]

    def renew(self, account_ids: Collection[str], facts: Records, memory: Records, rules: Records) -> None:
        """Take over the present records of some accounts, whatever was known of them before.

        Ends of scopes are noted as a restore notes them: of everything shown that does not exist by these facts.
        Raises ValueError for bytes this version cannot read.
        """
        engine = self._engine
        shown: dict[str, dict[str, int]] = {}
        for account_id in account_ids:
            engine.teller.forget(account_id)
            packed = memory.get(account_id)
            if packed is not None:
                shown[account_id] = engine.teller.remember(account_id, unpack_memory(packed))
            engine.rules.renew(account_id, rules.get(account_id))
            if account_id in facts:
                engine.book.keep_record(account_id, facts[account_id])
        known = {account_id: engine.book.number_of(account_id) for account_id in account_ids}
        numbers = {account_id: number for account_id, number in known.items() if number is not None}
        self._place(numbers, shown)

    def _place(self, numbers: Mapping[str, int], shown: Mapping[str, Mapping[str, int]]) -> None:
        engine = self._engine
        for account_id, number in numbers.items():
            for scope in engine.store.scopes_of(number):
                engine.store.shown[scope] = NOT_SHOWN
            for name, rank in shown.get(account_id, {}).items():
                engine.teller.note_end(account_id, name, rank)
        engine.place([(number, engine.book.account(number)) for number in numbers.values()])
        for account_id, number in numbers.items():
            live = {engine.store.name_of(scope) for scope in engine.store.scopes_of(number)}
            for name, rank in shown.get(account_id, {}).items():
                if name not in live:  # placing notes the end of what it removes as never shown
                    engine.teller.note_end(account_id, name, rank)

    def absorb(self, inputs: Sequence[Input], now_ms: int) -> None:
        """Apply what the owner has judged, judging nobody; terms count for the rules of their holders too."""
        self._engine.absorb(inputs, now_ms)
        symbols = [item.symbol for item in inputs if isinstance(item, InstrumentTerms)]
        assets = [item.asset for item in inputs if isinstance(item, AssetTerms)]
        if symbols or assets:
            self._restoring = None  # it knows the terms as they were
            self._engine.rules.put_again(symbols, assets)
