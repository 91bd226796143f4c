"""The judge of simulations: every rule of the topics' contract, at every quiet moment and over the whole history.

The judge of the laboratory speaks first (chains, transactions, dead letters); here is what only a whole story shows.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from monitor.app.ports import TopicPartition
from monitor.core.ladder import MarginStatus
from monitor.core.partitioning import partition_of
from tests.app.fund_judge import FundJudge
from tests.app.judge import RANKS, Judge
from tests.app.oracle import Oracle, Scope
from tests.simulation.draws import HIGHEST_FUND
from tests.simulation.evidence import EvidenceJudge
from tests.simulation.story import Story


class SimulationJudge(Judge):
    """Collect complaints about a story."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._told: dict[Scope, list[dict[str, Any]]] = defaultdict(list)
        self._read = 0
        oracle = Oracle(story.world)
        early = self._at_marks(oracle, story)
        super().__init__(story.world, oracle)
        self.complaints += early

    def complain(self) -> list[str]:
        """Return every complaint."""
        world = self._world
        self._chains_of_history()
        self._transactions()
        self._causes()
        self._dead_letters()
        self._shown()
        self._held()
        self._doubts()
        self._watches()
        self.complaints += EvidenceJudge(self._story.seed, self.oracle, self._told).complaints()
        self.complaints += [f"the position of {where} was not committed" for where in world.behind()]
        if not self._story.draws.ages:
            self._is(not self._story.told_by_restart, f"a restart alone told {self._story.told_by_restart} events")
        if self._story.draws.funds:
            self._funds()
        return self.complaints

    # ------------------------------------------------------------------------------------------------ quiet moments
    def _at_marks(self, oracle: Oracle, story: Story) -> list[str]:
        """Compare what was told with the oracle at every quiet moment; return the complaints."""
        found: list[str] = []
        self.complaints, self._world, self._topics = found, story.world, story.world.topics
        self._shards = story.world.settings.topics.partitions
        for number, mark in enumerate(story.marks):
            if mark.exact:
                self._adopt(oracle)
            fresh = self._read_events(mark.at)
            oracle.replay(mark.at, step_by_step=mark.exact)
            if mark.exact and not self._unjudged(story.marks[number - 1].at, mark.at):
                self._exact(oracle, fresh)
            if not story.draws.ages or mark is story.marks[-1]:
                self._standing(oracle)
        self._read_events(len(story.world.history))
        return found

    def _read_events(self, upto: int) -> dict[Scope, list[str]]:
        """Read what was told up to a place in the history; return the new statuses of each scope."""
        names = {self._topics.margin_calls, self._topics.liquidations, self._topics.adl_events}
        fresh: dict[Scope, list[str]] = defaultdict(list)
        for records in self._world.history[self._read : upto]:
            bodies = [json.loads(r.value or b"") for r in records if r.topic in names]
            for body in sorted((b for b in bodies if "sequence" in b), key=lambda body: body["sequence"]):
                self._told[body["account_id"], body["scope"]].append(body)
                fresh[body["account_id"], body["scope"]].append(body["status"])
        self._read = upto
        return fresh

    def _now(self, key: Scope) -> str:
        return self._told[key][-1]["status"] if self._told.get(key) else "healthy"

    def _adopt(self, oracle: Oracle) -> None:
        """Let the oracle go on from what was told: between the lines of a hysteresis the past decides."""
        for key in {*oracle.status, *oracle.chains, *self._told}:
            oracle.chains[key] = [event["status"] for event in self._told.get(key, ())]
            known = [status for status in oracle.chains[key] if status != "unknown"]
            oracle.last[key] = MarginStatus(known[-1] if known else "healthy")

    def _unjudged(self, start: int, end: int) -> bool:
        quality = [r for records in self._world.history[start:end] for r in records]
        return any(r.topic == self._topics.data_quality and b"prices_unjudged" in (r.value or b"") for r in quality)

    def _exact(self, oracle: Oracle, fresh: dict[Scope, list[str]]) -> None:
        for key in sorted({*self._told, *oracle.chains}):
            told = [event["status"] for event in self._told.get(key, ())]
            wanted = oracle.chains.get(key, [])
            self._is(told == wanted, f"{key}: in a market phase {fresh.get(key, [])} was told, in all {wanted}")

    def _standing(self, oracle: Oracle) -> None:
        for key in sorted({*self._told, *oracle.status}):
            now, right = self._now(key), oracle.status.get(key)
            if right is None and _may_exist(key, oracle):
                self._is(now in ("unknown", "healthy"), f"{key} stands at {now}, nobody can say whether it exists")
            elif right is None:
                self._is(now == "healthy", f"{key} has ceased to exist and stands at {now}")
            elif right is MarginStatus.UNKNOWN:
                self._is(now in ("unknown", "healthy"), f"{key} stands at {now}, it is unknown")
            else:
                least, most = oracle.allowed[key]
                fits = now != "unknown" and least.rank <= RANKS[now] <= most.rank
                self._is(fits, f"{key} stands at {now}, the inputs make it {least} to {most}")

    # ----------------------------------------------------------------------------------------------- whole history
    def _chains_of_history(self) -> None:
        """Check the chains by the rules alone; where they end was checked at the quiet moments."""
        wanted, self.oracle.chains = self.oracle.chains, {}  # type: ignore[assignment]
        status, self.oracle.status = self.oracle.status, dict.fromkeys(self._told, MarginStatus.UNKNOWN)
        before = len(self.complaints)
        self._chains(exact=False)
        ends = [text for text in self.complaints[before:] if " stands at " not in text]
        self.complaints[before:] = ends
        self.oracle.chains, self.oracle.status = wanted, status

    def _causes(self) -> None:
        """No event comes of a message whose position an earlier transaction has already used up."""
        events = {self._topics.margin_calls, self._topics.liquidations, self._topics.adl_events}
        judged: dict[int, dict[TopicPartition, int]] = defaultdict(dict)
        for records in self._world.history:
            for record in records:
                if record.topic in events:
                    body = json.loads(record.value or b"")
                    cause = body["cause"] if "sequence" in body else {}
                    where = TopicPartition(cause.get("topic", ""), cause.get("partition", 0))
                    done = judged[record.partition].get(where, 0)
                    self._is(cause.get("offset", done) >= done, f"an event of {cause} after the position {done}")
            for record in records:
                if record.topic == self._topics.state and record.key == b"__meta__":
                    body = json.loads(record.value or b"")["inputs"]
                    now = {TopicPartition(t, int(p)): offset for t, at in body.items() for p, offset in at.items()}
                    self._forward(record.partition, judged[record.partition], now)
                    judged[record.partition] = now

    def _forward(self, shard: int, before: dict[TopicPartition, int], now: dict[TopicPartition, int]) -> None:
        for where, offset in now.items():
            self._is(offset >= before.get(where, 0), f"shard {shard} went back on {where} to {offset}")

    def _shown(self) -> None:
        """What account-status holds in the end is what was told, about the accounts as they are."""
        latest = {record.key: record for record in self._world.written("account_status")}
        shown: set[Scope] = set()
        for key, record in latest.items():
            account_id, _, scope = (key or b"").decode().rpartition("|")
            right = partition_of(account_id.encode(), self._shards)
            self._is(record.partition == right, f"status of {account_id} in partition {record.partition}")
            if record.value is not None:
                shown.add((account_id, scope))
                self._shown_well((account_id, scope), json.loads(record.value))
        for missing in {*self.oracle.status} ^ shown:
            fits = _may_exist(missing, self.oracle) and (missing in shown or self._now(missing) == "healthy")
            self._is(fits, f"{missing} is {'shown' if missing in shown else 'not shown'}")

    def _shown_well(self, key: Scope, body: dict[str, Any]) -> None:
        if key not in self.oracle.status:
            return
        account, right = self.oracle.accounts[key[0]], self.oracle.status[key]
        wanted = {
            "status": "unknown" if right is MarginStatus.UNKNOWN else self._now(key),
            "sequence": len(self._told.get(key, ())),
            "episode": self._told[key][-1]["episode"] if self._told.get(key) else 0,
            "account_version": account.version,
            "suspect": account.suspect,
        }
        found = {name: body.get(name) for name in wanted}
        self._is(found == wanted, f"{key} is shown as {found}, it is {wanted}")

    def _watches(self) -> None:
        """One `adl_watch` for each episode that came so far, in its partition, and none for any other."""
        bodies = [json.loads(record.value or b"") for record in self._world.written("adl_events")]
        found = Counter(
            (b["account_id"], b["scope"], b["episode"]) for b in bodies if b.get("event_type") == "adl_watch"
        )
        wanted: set[tuple[str, str, int]] = set()
        for key, events in self._told.items():
            line = self._world.settings.ladder.cross.adl_watch.rank
            wanted |= {(*key, e["episode"]) for e in events if e["status"] != "unknown" and RANKS[e["status"]] >= line}
        self._is(
            found == Counter(wanted), f"adl_watch: {found - Counter(wanted)} too many, {wanted - found.keys()} missing"
        )

    def _funds(self) -> None:
        try:
            FundJudge(self._world).check(HIGHEST_FUND)
        except AssertionError as error:
            self.complaints += [f"funds: {line}" for line in str(error).splitlines()]


def judge(story: Story) -> Sequence[str]:
    """Return every complaint about a story, empty when there is none."""
    return SimulationJudge(story).complain()


def _may_exist(key: Scope, oracle: Oracle) -> bool:
    """Return whether a pool that was there may be there still, as nobody knows what a position settles in."""
    account, scope = key
    pools = [one for owner, one in oracle.status if owner == account and one.startswith("cross:")]
    return scope.startswith("cross:") and any(oracle.status[account, one] is MarginStatus.UNKNOWN for one in pools)
