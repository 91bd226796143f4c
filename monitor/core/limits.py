"""Limits of what is taken in and kept: every size that input could make grow has a number here.

Only the numbers and their reasons live here; each is checked where the data enter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

AT_LEAST_ONE = {"at_least": 1}


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the limits.

    Attributes:
        max_message_bytes: a longer message is dead-lettered; half of Kafka's default of 1 MiB, so that what is derived
            from a message (its changelog record, its dead letter) fits into one record as well.
        max_id_bytes: account ids, symbols, assets; UTF-8 bytes, room for any venue's and for a prefix.
        max_digits: significant digits of an amount; 64 hold any 1e-30 … 1e30 a venue publishes.
        max_positions: of one account; venues allow a few hundred.
        max_balances: of one account; partial messages could otherwise make an account grow for ever.
        max_brackets: of one instrument; the longest published tables have 12.
        max_poll_records: records taken from the log at once; more block the event loop for longer than a heartbeat.
        max_transaction_records: records of one transaction; a larger step becomes several.
        max_transaction_ms: time one transaction may take before the rest of the step goes into the next.
        max_window_messages: messages of the global inputs that are kept for shards which are behind.
    """

    max_message_bytes: int = field(default=524_288, metadata={"at_least": 1024})
    max_id_bytes: int = field(default=256, metadata=AT_LEAST_ONE)
    max_digits: int = field(default=64, metadata={"at_least": 1, "at_most": 64})
    max_positions: int = field(default=512, metadata={"at_least": 1, "at_most": 512})
    max_balances: int = field(default=512, metadata=AT_LEAST_ONE)
    max_brackets: int = field(default=16, metadata={"at_least": 1, "at_most": 16})
    max_poll_records: int = field(default=2_000, metadata=AT_LEAST_ONE)
    max_transaction_records: int = field(default=20_000, metadata={"at_least": 16})
    max_transaction_ms: int = field(default=1_000, metadata={"at_least": 10})
    max_window_messages: int = field(default=20_000, metadata={"at_least": 100})
