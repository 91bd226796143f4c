"""What a step of the engine has brought about: per account, what to tell, what to show and what to remember.

Only the result lives here; records and topics are made from it by the application.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from monitor.core.events import Event
from monitor.core.inputs import Origin
from monitor.core.quality.pegs import PegChange


class Route(StrEnum):
    """Name the two internal topics on which shards ask something of each other."""

    FUND = "fund"
    """To the shard that keeps an insurance fund, by the fund's name."""
    ADL = "adl"
    """To the shard of an account, by the account's id."""


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what one shard asks of another: `key` says whose partition it goes to."""

    route: Route
    key: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class AccountOutcome:
    """Collect what a step did to one account.

    `statuses` maps a scope to its account-status body, None where the scope is gone. `facts`, `memory` and `rules` are
    the packed records to keep, None where they did not change; so is `claims`, empty where none is left. `requests` to
    other shards are written together with all this.
    """

    account_id: str
    events: list[Event] = field(default_factory=list)
    statuses: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    facts: bytes | None = None
    memory: bytes | None = None
    rules: bytes | None = None
    claims: bytes | None = None
    requests: list[Request] = field(default_factory=list)

    @property
    def severity(self) -> int:
        """The worst rank among the events: it orders accounts in a storm."""
        return max((event.severity for event in self.events), default=0)

    @property
    def size(self) -> int:
        """How many records this becomes."""
        kept = (self.facts is not None) + (self.memory is not None) + (self.rules is not None)
        return kept + (self.claims is not None) + len(self.events) + len(self.statuses) + len(self.requests)

    def join(self, later: AccountOutcome) -> None:
        """Add what came later: its events follow, its records replace."""
        self.events += later.events
        self.statuses |= later.statuses
        self.facts = self.facts if later.facts is None else later.facts
        self.memory = self.memory if later.memory is None else later.memory
        self.rules = self.rules if later.rules is None else later.rules
        self.claims = self.claims if later.claims is None else later.claims
        self.requests += later.requests


@dataclass(slots=True)
class FundOutcome:
    """Collect what a step did to the insurance funds this shard keeps: all of it is written together.

    `claims` maps a claim's id to its plain form to keep, None where it is over; `windows` names the funds whose window
    changed; `promises` maps a symbol and side to what its holders have promised; `requests` go to the shards of
    accounts; `decisions` counts what became of claims, `late` the figures of funds that were no news.
    """

    claims: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    windows: set[str] = field(default_factory=set)
    promises: dict[str, list[list[Any]] | None] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    decisions: Counter[str] = field(default_factory=Counter)
    late: int = 0

    @property
    def size(self) -> int:
        """How many records this becomes."""
        return len(self.claims) + len(self.windows) + len(self.promises) + len(self.requests)

    def join(self, later: FundOutcome) -> None:
        """Add what came later: its requests follow, its records replace."""
        self.claims |= later.claims
        self.windows |= later.windows
        self.promises |= later.promises
        self.requests += later.requests
        self.decisions += later.decisions
        self.late += later.late


@dataclass(frozen=True, slots=True)
class Refusal:
    """Tell that a decoded account message contradicts what is known or exceeds a limit: it must be dead-lettered."""

    origin: Origin
    path: str
    why: str
    code: str = "contradiction"


@dataclass(slots=True)
class Outcome:
    """Collect what a step did."""

    accounts: dict[str, AccountOutcome] = field(default_factory=dict)
    funds: FundOutcome = field(default_factory=FundOutcome)
    refusals: list[Refusal] = field(default_factory=list)
    duplicates: int = 0
    account_events: int = 0
    prices_applied: list[int] = field(default_factory=list)
    """Of each price message, how many of its prices counted; the others were late."""
    late_prices: int = 0
    pegs: list[PegChange] = field(default_factory=list)
    samples: dict[str, bytes] = field(default_factory=dict)
    """Samples of marks to keep for the whole shard, by their place in the ring."""
    scopes_judged: int = 0
    goes_on: bool = False
    """Whether more of the same input is to come: what is told here is a part of it."""

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
        others = len(self.refusals) + len(self.samples) + self.funds.size
        return others + sum(account.size for account in self.accounts.values())

    def join(self, later: Outcome) -> None:
        """Add what later messages brought about."""
        for account_id, account in later.accounts.items():
            mine = self.accounts.setdefault(account_id, account)
            if mine is not account:
                mine.join(account)
        self.funds.join(later.funds)
        self.refusals += later.refusals
        self.pegs += later.pegs
        self.samples |= later.samples
        self.duplicates += later.duplicates
        self.late_prices += later.late_prices
        self.account_events += later.account_events
        self.prices_applied += later.prices_applied
        self.scopes_judged += later.scopes_judged
