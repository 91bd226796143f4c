"""The judge: holds what the attacked instance wrote against what was sent to it and against its twin.

It knows the messages and the contract, nothing of how the program decides.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.app.ports import Record
from tests.hostile.arena import Corner, Sent

CODES = frozenset(
    {
        *("empty", "too_large", "malformed_json", "duplicate_key", "wrong_type", "unknown_field", "missing_field"),
        *("bad_value", "bad_amount", "out_of_range", "bad_id", "too_many", "bad_brackets", "contradiction"),
        *("wrong_key", "wrong_partition", "time_ahead", "limit_accounts", "limit_positions", "limit_balances"),
        *("limit_settings", "limit_scopes", "limit_names", "limit_symbols", "limit_assets", "limit_funds"),
    }
)
LARGEST_VALUE, LARGEST_KEY = 524_288, 65_536
TOLD = (
    "event_id", "event_type", "sequence", "episode", "previous_status", "status", "raw_status", "direction", "degraded",
    "equity", "maintenance_margin", "margin_ratio", "risk_ratio", "threshold", "deposit_to_clear", "account_version",
    "unknown_because",
)  # fmt: skip
MOST_COMPLAINTS = 20

Place = tuple[str, int, int]


class Judge:
    """Collect complaints."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.refused: Counter[str] = Counter()
        self.events = 0
        self.witness_events = 0

    def complain(self, text: str) -> None:
        """Keep a complaint, as long as anybody would read it."""
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(text)

    # -------------------------------------------------------------------------------------------- dead letters
    def dead_letters(self, sent: Mapping[Place, tuple[Sent, int]], records: Iterable[Record]) -> None:
        """Require that each message has as many dead letters as it must, each with its reason and origin."""
        found: Counter[Place] = Counter()
        for record in records:
            headers = {name: text.decode() for name, text in record.headers}
            place = (
                headers["original-topic"],
                int(headers["original-partition"]),
                int(headers["original-offset"]),
            )
            found[place] += 1
            self.refused[headers["error-code"]] += 1
            if place not in sent:
                self.complain(f"a dead letter of a message that was not sent: {headers}")
                continue
            self._dead_letter(sent[place][0], record, headers)
        for place, (message, expected) in sent.items():
            if found[place] != expected:
                why = "refused" if found[place] > expected else "accepted"
                self.complain(
                    f"{why}: {found[place]} dead letters instead of {expected}: {message.topic} key {message.key!r:.80}"
                    f" value {message.value!r:.600}"
                )

    def _dead_letter(self, message: Sent, record: Record, headers: Mapping[str, str]) -> None:
        value = None if message.value is None else message.value[:LARGEST_VALUE]
        if message.key is None and value is None:
            value = b""
        key = None if message.key is None else message.key[:LARGEST_KEY]
        faults = {
            "value": record.value != value,
            "key": record.key != key,
            "code": headers["error-code"] not in CODES,
            "message": not headers["error-message"],
            "timestamp": headers["original-timestamp-ms"] != str(message.timestamp_ms),
            "size": len(message.value or b"") > LARGEST_VALUE
            and headers.get("original-size") != str(len(message.value or b"")),
        }
        if any(faults.values()):
            self.complain(f"a dead letter with another {[name for name, bad in faults.items() if bad]}: {headers}")

    # ---------------------------------------------------------------------------------------------- the twin
    def same_events(self, mine: list[Record], twins: list[Record]) -> None:
        """Require that both told the same of every scope."""
        attacked, clean = _chains(mine), _chains(twins)
        self.events += sum(map(len, attacked.values()))
        self.witness_events += sum(len(told) for (account, _), told in attacked.items() if account[:1] == "w")
        for scope in attacked.keys() | clean.keys():
            if attacked.get(scope) != clean.get(scope):
                self.complain(f"{scope}: told {attacked.get(scope)} and without the attack {clean.get(scope)}"[:2000])

    def same_state(self, mine: Corner, twin: Corner) -> None:
        """Require that both keep the same facts, remember the same, and show the same statuses."""
        for shard, engine in mine.engines.items():
            clean = twin.engines[shard]
            for account_id in {*engine.book.ids(), *clean.book.ids()}:
                kept, wanted = (_facts(one.book.find(account_id)) for one in (engine, clean))
                if kept != wanted:
                    self.complain(f"{account_id!r}: facts {kept} and without the attack {wanted}"[:2000])
            if engine.teller.memory != clean.teller.memory:
                self.complain(f"shard {shard} remembers something else than without the attack")
            if engine.board.instruments != clean.board.instruments or engine.board.assets != clean.board.assets:
                self.complain(f"shard {shard} knows other terms than without the attack")
        shown, wanted_shown = _shown(mine), _shown(twin)
        for key in shown.keys() | wanted_shown.keys():
            if shown.get(key) != wanted_shown.get(key):
                self.complain(f"{key!r} shows {shown.get(key)} and without the attack {wanted_shown.get(key)}")


def _facts(account: Any) -> Any:
    """Return facts as they compare: a rejected message has marked the account suspect, and nothing else."""
    return None if account is None else (str(account).replace("suspect=True", "suspect=False"))


def _chains(records: Iterable[Record]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    chains: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for record in records:
        body = json.loads(record.value or b"{}")
        if "sequence" in body:
            chains[body["account_id"], body["scope"]].append(tuple(str(body.get(name)) for name in TOLD))
    for told in chains.values():
        told.sort(key=lambda event: int(event[TOLD.index("sequence")]))
    return dict(chains)


def _shown(corner: Corner) -> dict[bytes | None, tuple[Any, ...]]:
    latest = {record.key: record.value for record in corner.world.kept("account_status")}
    bodies = {key: json.loads(value) for key, value in latest.items() if value is not None}
    wanted = ("status", "raw_status", "sequence", "episode")
    return {key: tuple(body[name] for name in wanted) for key, body in bodies.items()}
