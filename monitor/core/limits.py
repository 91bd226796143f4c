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
        max_inverse_positions: of one account in inverse contracts; their exact sum has the digits of all of them.
        max_balances: of one account; partial messages could otherwise make an account grow for ever.
        max_brackets: of one instrument; the longest published tables have 12.
        max_poll_records: records taken from the log at once; more block the event loop for longer than a heartbeat.
        max_transaction_records: records of one transaction; a larger step becomes several.
        max_turn_scopes: scopes that are judged before the worst of a storm are written; the next turn follows. Only
            turns say that a shard lives: 500 liquidations take 0.7 s, and a heartbeat is due each second.
        max_transaction_ms: time one transaction may take before the rest of the step goes into the next.
        max_window_messages: messages of the global inputs that are kept for shards which are behind.
        max_window_bytes: bytes of these messages; a window of the longest messages would otherwise fill the memory.
        max_prices: elements of one price message; a message of `max_message_bytes` cannot hold more.
        max_settings_bytes: an account's settings as JSON; they stand in its changelog record.
        max_labels_bytes: an account's labels as JSON; they are repeated in each of its events and status records.
        max_levels: levels of one rule; each that is crossed becomes an event.
        max_accounts: of one shard, deleted ones included: their versions are remembered. Known ones are never refused.
        max_scopes: scopes of one account of which anything was ever told: one record remembers all their sequences.
        max_symbols: names of contracts, ever listed or priced; half of them prices may bring in without an instrument.
        max_assets: names of assets, ever stated under `assets`.
        max_funds: names of insurance funds.
        max_names: names of scopes, assets and bracket multipliers, brought by accounts into one shard so far.
    """

    max_message_bytes: int = field(default=524_288, metadata={"at_least": 1024})
    max_id_bytes: int = field(default=256, metadata=AT_LEAST_ONE)
    max_digits: int = field(default=64, metadata={"at_least": 1, "at_most": 64})
    max_positions: int = field(default=512, metadata={"at_least": 1, "at_most": 512})
    max_inverse_positions: int = field(default=512, metadata={"at_least": 1, "at_most": 512})
    max_balances: int = field(default=512, metadata=AT_LEAST_ONE)
    max_brackets: int = field(default=16, metadata={"at_least": 1, "at_most": 16})
    max_poll_records: int = field(default=2_000, metadata=AT_LEAST_ONE)
    max_transaction_records: int = field(default=20_000, metadata={"at_least": 16})
    max_turn_scopes: int = field(default=500, metadata=AT_LEAST_ONE)
    max_transaction_ms: int = field(default=1_000, metadata={"at_least": 10})
    max_window_messages: int = field(default=20_000, metadata={"at_least": 100})
    max_window_bytes: int = field(default=67_108_864, metadata={"at_least": 1_048_576})
    max_prices: int = field(default=16_384, metadata=AT_LEAST_ONE)
    max_settings_bytes: int = field(default=65_536, metadata={"at_least": 1024})
    max_labels_bytes: int = field(default=4_096, metadata=AT_LEAST_ONE)
    max_levels: int = field(default=64, metadata=AT_LEAST_ONE)
    max_accounts: int = field(default=2_000_000, metadata=AT_LEAST_ONE)
    max_scopes: int = field(default=2_048, metadata=AT_LEAST_ONE)
    max_symbols: int = field(default=20_000, metadata={"at_least": 2})
    max_assets: int = field(default=4_096, metadata=AT_LEAST_ONE)
    max_funds: int = field(default=1_024, metadata=AT_LEAST_ONE)
    max_names: int = field(default=200_000, metadata=AT_LEAST_ONE)
