"""The claimant of a shard: asks insurance funds for what its bankrupt scopes lack, and releases them when that is over.

Which claims are open is remembered here, per account; what a fund answers is the business of the shard that keeps it.

A suspect scope claims too, marked as suspect: money it may need is not promised to another, but nobody is deleveraged
for what a doubted account says. Claims are made when `bankrupt` is told, and once: a debt without positions claims
nothing, even where positions follow. `unknown` neither claims nor releases.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from monitor.core.accounts import Account
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.fund.claims import BankruptScope, Release, claim_form, claim_id
from monitor.core.fund.events import orphan_candidate
from monitor.core.fund.shortfall import Share, shares_of
from monitor.core.ladder import MarginStatus
from monitor.core.outcome import Outcome, Request, Route
from monitor.core.scopes import members
from monitor.core.verdict import Verdict


class OwnClaim(NamedTuple):
    """Name a claim this shard has made; `account_version` is that of the facts it was made from."""

    claim_id: str
    fund: str
    account_version: int


class Claimant:
    """Make and release the claims of one shard's accounts."""

    def __init__(self, board: MarketBoard, book: AccountBook) -> None:
        self._board = board
        self._book = book
        self.open: dict[str, dict[str, tuple[OwnClaim, ...]]] = {}

    def restore(self, records: Mapping[str, bytes]) -> None:
        """Take over the open claims of accounts. Raises ValueError for bytes this version cannot read."""
        for account_id, packed in records.items():
            scopes = json.loads(packed)
            self.open[account_id] = {scope: tuple(OwnClaim(*each) for each in own) for scope, own in scopes.items()}

    def told(self, account: Account, verdict: Verdict, event: Mapping[str, Any], outcome: Outcome) -> None:
        """Follow what was just told of a scope: claim what a bankrupt one lacks, release one that is so no more."""
        scope = verdict.assessment.scope
        if verdict.status is MarginStatus.BANKRUPT:
            if not self.has_claimed(account.account_id, scope) and verdict.assessment.legs:
                bankrupt = bankrupt_by(event, account.account_id, scope, account.version, suspect=account.suspect)
                self.claim(bankrupt, shares_of(verdict.assessment, self._board), outcome)
        elif verdict.status is not MarginStatus.UNKNOWN:
            self.release(account, scope, outcome)

    def has_claimed(self, account_id: str, scope: str) -> bool:
        """Return whether a scope has open claims."""
        return scope in self.open.get(account_id, {})

    def release(self, account: Account, scope: str, outcome: Outcome) -> None:
        """Release the claims of a scope that is bankrupt no more, or no more at all."""
        own = self.open.get(account.account_id, {}).pop(scope, ())
        for claim in own:
            same = claim.account_version == account.version
            message = Release(claim.claim_id, claim.fund, None if same else account.event_time_ms)
            outcome.of(account.account_id).requests.append(Request(Route.FUND, claim.fund, message.body()))
        if own:
            self._remember(account.account_id, outcome)

    def release_emptied(self, account_ids: Iterable[str], outcome: Outcome) -> None:
        """Release the claims of scopes that have lost their positions: what remains is a debt, not a takeover."""
        for account_id in [one for one in account_ids if one in self.open]:
            account = self._book.find(account_id)
            for scope in list(self.open[account_id]):
                missing: list[str] = []  # a position without terms may be of any scope
                if account is not None and not members(account, scope, self._board, missing) and not missing:
                    self.release(account, scope, outcome)

    def claim(self, bankrupt: BankruptScope, shares: Iterable[Share], outcome: Outcome) -> None:
        """Ask the funds for the shares of a scope that has no open claims; tell of those for which no fund is known."""
        mine = outcome.of(bankrupt.account_id)
        own: list[OwnClaim] = []
        for share in shares:
            if share.figure is None:
                mine.events.append(orphan_candidate(bankrupt, share))
                continue
            name = share.figure.fund
            number = claim_id(bankrupt.account_id, bankrupt.scope, bankrupt.sequence, name)
            body = claim_form(number, share.amount, bankrupt, share.figure, share.positions)
            mine.requests.append(Request(Route.FUND, name, body))
            own.append(OwnClaim(number, name, bankrupt.account_version))
        if own:
            self.open.setdefault(bankrupt.account_id, {})[bankrupt.scope] = tuple(own)
            self._remember(bankrupt.account_id, outcome)

    def _remember(self, account_id: str, outcome: Outcome) -> None:
        scopes = self.open.get(account_id, {})
        if not scopes:
            self.open.pop(account_id, None)
        packed = json.dumps(scopes, separators=(",", ":"), ensure_ascii=False).encode() if scopes else b""
        outcome.of(account_id).claims = packed


def bankrupt_by(
    event: Mapping[str, Any], account_id: str, scope: str, account_version: int, *, suspect: bool
) -> BankruptScope:
    """Return the bankruptcy that an event tells of; the event may know no more than its figures and ids."""
    return BankruptScope(
        account_id=account_id,
        scope=scope,
        sequence=event["sequence"],
        episode=event["episode"],
        event_id=event["event_id"],
        account_version=account_version,
        suspect=suspect,
        equity=event["equity"],
        cause=event["cause"],
        decided_at_ms=event["decided_at_ms"],
    )
