"""What a step of the engine has brought about: per account, what to tell, what to show and what to remember.

Only the result lives here; records and topics are made from it by the application.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monitor.core.events import Event
from monitor.core.inputs import Origin


@dataclass(slots=True)
class AccountOutcome:
    """Collect what a step did to one account.

    `statuses` maps a scope to its account-status body, None where the scope is gone. `facts`, `memory` and `rules` are
    the packed records to keep, None where they did not change.
    """

    account_id: str
    events: list[Event] = field(default_factory=list)
    statuses: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    facts: bytes | None = None
    memory: bytes | None = None
    rules: bytes | None = None

    @property
    def severity(self) -> int:
        """The worst rank among the events: it orders accounts in a storm."""
        return max((event.severity for event in self.events), default=0)

    @property
    def size(self) -> int:
        """How many records this becomes."""
        kept = (self.facts, self.memory, self.rules)
        return len(self.events) + len(self.statuses) + sum(record is not None for record in kept)

    def join(self, later: AccountOutcome) -> None:
        """Add what came later: its events follow, its records replace."""
        self.events += later.events
        self.statuses |= later.statuses
        self.facts = self.facts if later.facts is None else later.facts
        self.memory = self.memory if later.memory is None else later.memory
        self.rules = self.rules if later.rules is None else later.rules


@dataclass(frozen=True, slots=True)
class Refusal:
    """Tell that a decoded account message contradicts what is known: it must be dead-lettered."""

    origin: Origin
    path: str
    why: str


@dataclass(slots=True)
class Outcome:
    """Collect what a step did."""

    accounts: dict[str, AccountOutcome] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    duplicates: int = 0
    account_events: int = 0
    prices_applied: list[int] = field(default_factory=list)
    """Of each price message, how many of its prices counted; the others were late."""
    late_prices: int = 0
    windows: dict[str, bytes] = field(default_factory=dict)
    """Samples of marks to keep for the whole shard, by their place in the ring."""
    scopes_judged: int = 0

    def of(self, account_id: str) -> AccountOutcome:
        """Return the part of one account, made on first use."""
        found = self.accounts.get(account_id)
        if found is None:
            found = self.accounts[account_id] = AccountOutcome(account_id)
        return found

    def worst_first(self) -> list[AccountOutcome]:
        """Return the accounts, those with the worst events first."""
        return sorted(self.accounts.values(), key=lambda account: -account.severity)

    @property
    def size(self) -> int:
        """How many records this becomes."""
        return len(self.refusals) + len(self.windows) + sum(account.size for account in self.accounts.values())

    def join(self, later: Outcome) -> None:
        """Add what later messages brought about."""
        for account_id, account in later.accounts.items():
            mine = self.accounts.setdefault(account_id, account)
            if mine is not account:
                mine.join(account)
        self.refusals += later.refusals
        self.windows |= later.windows
        self.duplicates += later.duplicates
        self.late_prices += later.late_prices
        self.account_events += later.account_events
        self.prices_applied += later.prices_applied
        self.scopes_judged += later.scopes_judged
