"""The judge of funds: reads claims, releases and ADL events from the topics alone, and says what is wrong with them.

It knows the protocol from the outside: every claim once, decided once, told once, and never more covered than there is.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from monitor.core.partitioning import partition_of
from monitor.core.verify import first_difference
from tests.app.lab import World


class FundJudge:
    """Collect complaints about the claims and the ADL events of a world."""

    def __init__(self, world: World) -> None:
        self._shards = world.settings.topics.partitions
        self._world = world
        messages = [json.loads(record.value or b"") for record in world.written("fund")]
        self.claims = [message for message in messages if message["kind"] == "claim"]
        self.releases = [message for message in messages if message["kind"] == "release"]
        self.events = [json.loads(record.value or b"") for record in world.written("adl_events")]
        self.complaints: list[str] = []

    def told(self, event_type: str) -> list[dict[str, Any]]:
        """Return the events of one type."""
        return [event for event in self.events if event["event_type"] == event_type]

    def check(self, highest_balance: int) -> None:
        """Raise `AssertionError` with every complaint; no fund ever held more than `highest_balance`."""
        self._once("claim", [claim["claim_id"] for claim in self.claims])
        self._once("release", [release["claim_id"] for release in self.releases])
        self._once("event", [event["event_id"] for event in self.events])
        self._claims_and_bankruptcies()
        self._places()
        self._decisions(Decimal(highest_balance))
        for event in self.events:
            if event["event_type"] in ("adl_candidate", "adl_triggered", "adl_selected"):
                difference = first_difference(event, None)
                self._is(difference is None, f"{event['event_type']} of {event['account_id']}: {difference}")
        assert not self.complaints, "\n".join(self.complaints[:20])

    def _is(self, holds: object, complaint: str) -> None:
        if not holds:
            self.complaints.append(complaint)

    def _once(self, what: str, numbers: list[str]) -> None:
        for number, count in Counter(numbers).items():
            self._is(count == 1, f"{what} {number} was written {count} times")

    def _claims_and_bankruptcies(self) -> None:
        """Every `bankrupt` event with positions has its claim or its candidate.

        Not where a scope comes out of `unknown` with the claims of the bankruptcy it went in with still open: it has
        asked for that money, and asking again would take it twice.
        """
        asked = {claim["bankrupt"]["event_id"] for claim in self.claims}
        asked |= {event["bankrupt_event_id"] for event in self.told("adl_candidate")}
        bankrupt = {event["event_id"] for event in self.told("bankrupt") if not event.get("debt")}
        goes_on, may_go_on = self._going_on()
        fits = asked - may_go_on == bankrupt - goes_on - may_go_on and asked <= bankrupt
        self._is(fits, f"bankrupt {sorted(bankrupt - goes_on)}, asked for {sorted(asked)}")

    def _going_on(self) -> tuple[set[str], set[str]]:
        """Return the `bankrupt` events that only go on with one before, and those that may.

        The latter stand in one transaction with the end of the claims, which does not say what came first.
        """
        written = self._numbered("fund")
        ended = {body["claim_id"]: number for number, body in written if body["kind"] == "release"}
        chains: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        for topic in ("margin_calls", "liquidations", "adl_events"):
            for number, body in self._numbered(topic):
                if "sequence" in body:
                    chains[body["account_id"], body["scope"]].append((number, body))
        found: tuple[set[str], set[str]] = set(), set()
        for key, chain in chains.items():
            begun: int | None = None
            for number, event in sorted(chain, key=lambda one: one[1]["sequence"]):
                if event["status"] not in ("bankrupt", "unknown"):
                    begun = None
                elif event["status"] == "bankrupt" and begun is None:
                    begun = event["sequence"]
                elif event["status"] == "bankrupt":
                    own = [c for c in self.claims if (c["bankrupt"]["account_id"], c["bankrupt"]["scope"]) == key]
                    own = [c for c in own if begun <= c["bankrupt"]["sequence"] < event["sequence"]]
                    ends = [ended.get(claim["claim_id"], number + 1) for claim in own]
                    if any(end >= number for end in ends):
                        found[max(ends) == number].add(event["event_id"])
        return found

    def _numbered(self, topic: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the bodies written to a topic, with the numbers of their transactions."""
        name, history = getattr(self._world.topics, topic), enumerate(self._world.history)
        return [(n, json.loads(r.value or b"")) for n, records in history for r in records if r.topic == name]

    def _places(self) -> None:
        for record in self._world.written("fund"):
            self._is(record.partition == partition_of(record.key or b"", self._shards), f"{record.key!r} elsewhere")
        for record in self._world.written("adl_events"):
            owner = json.loads(record.value or b"")["account_id"].encode()
            fits = record.key == owner and record.partition == partition_of(owner, self._shards)
            self._is(fits, f"an event of {owner!r} stands under {record.key!r}")

    def _decisions(self, highest: Decimal) -> None:
        """No claim has two ends, and what is covered at one time is never more than a fund ever held."""
        triggered = {event["claim_id"] for event in self.told("adl_triggered")}
        candidates = {event["claim_id"] for event in self.told("adl_candidate") if event["because"] != "settling"}
        self._is(not triggered & candidates, f"both {triggered & candidates}")
        ends = {release["claim_id"] for release in self.releases}
        open_now = [c for c in self.claims if c["claim_id"] not in triggered | candidates | ends]
        total = sum(Decimal(claim["amount"]) for claim in open_now)
        self._is(total <= highest, f"{total} covered of {highest}")
        chosen = {
            p["event_id"] for e in self.told("adl_triggered") for q in e["positions"] for p in q["counterparties"]
        }
        selected = {event["event_id"] for event in self.told("adl_selected")}
        self._is(chosen == selected, f"chosen {sorted(chosen)}, told {sorted(selected)}")
