"""The judge: what stands in the topics, read once more, against what every subscriber was told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def judge_topics(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the topics themselves: an event twice, a chain with a gap."""
    counts = Counter(event["event_id"] for event in events)
    wrong = [f"{name} stands {count} times in the topics" for name, count in counts.items() if count > 1]
    chains: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        if "sequence" in event:
            chains[event["account_id"], event["scope"]].append(event["sequence"])
    for (account, scope), numbers in chains.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            wrong.append(f"the chain of {account} {scope} is {sorted(numbers)}")
    return wrong


def judge_subscriber(who: str, due: Iterable[str], told: Iterable[str]) -> list[str]:
    """Return which events a subscriber was not told of, was told of more than once, or that are nobody's."""
    counts, wanted = Counter(told), set(due)
    wrong = [f"{who} was told {name} {count} times" for name, count in counts.items() if count > 1]
    wrong += [f"{who} was never told {name}" for name in sorted(wanted - counts.keys())]
    wrong += [f"{who} was told {name}, which stands in no topic" for name in sorted(counts.keys() - wanted)]
    return wrong


def judge_journal(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the journal of a websocket client should not hold: a second beginning, a chain out of order."""
    begins = sum(line["type"] == "snapshot_begin" for line in lines)
    wrong = [f"the gateway's client was sent to a beginning {begins} times"] if begins != 1 else []
    wrong += [f"the gateway's client was told {line['said']}" for line in lines if line["type"] in ("expired", "error")]
    last: dict[tuple[str, str], int] = {}
    for event in (line["said"] for line in lines if line["type"] == "event"):
        if "sequence" in event:
            scope, number = (event["account_id"], event["scope"]), event["sequence"]
            if number != last.get(scope, 0) + 1:
                wrong.append(f"the gateway's client was told {scope} {number} after {last.get(scope, 0)}")
            last[scope] = number
    return wrong
