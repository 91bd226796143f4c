"""Resharding: where each line of a changelog belongs once the accounts are spread over another number of shards.

Only the mapping lives here; reading, writing and what must hold before are the other rooms' business.
"""

from __future__ import annotations

from collections.abc import Collection

from monitor.app.changelog import (
    FACTS,
    FUND_CLAIM,
    FUND_WINDOW,
    INSTRUMENT,
    MEMORY,
    OWN_CLAIMS,
    PRICE,
    PROMISES,
    RULES,
    SAMPLES,
)
from monitor.app.codec import Codec
from monitor.core.partitioning import partition_of

OF_ACCOUNTS = (FACTS, MEMORY, RULES, OWN_CLAIMS)
"""Lines that go where their account goes."""
GLOBAL_SHARD = 0


def homes_of(kind: bytes, name: str, value: bytes, shards: int, codec: Codec) -> Collection[int]:
    """Return the shards a line of a kind, named so, belongs to among `shards`.

    Samples of the market go everywhere. Promises of counterparties go nowhere: they live for a minute, and name no fund
    by which their new keeper could be told.
    """
    if kind in OF_ACCOUNTS or kind == FUND_WINDOW:
        return (partition_of(name.encode(), shards),)
    if kind in (INSTRUMENT, PRICE):
        return (GLOBAL_SHARD,)
    if kind == FUND_CLAIM:
        return (partition_of(codec.decode(value)["claim"]["fund"].encode(), shards),)
    if kind == SAMPLES:
        return range(shards)
    if kind == PROMISES:
        return ()
    raise ValueError(f"nobody has said where lines of the kind {kind!r} belong")


def home_of_status(key: bytes, shards: int) -> int:
    """Return the shard of an `account-status` key, `account_id|scope`: that of the account."""
    return partition_of(key.rpartition(b"|")[0], shards)
