"""Memory: what a population needs, by figures that were measured (docs/performance.md), beside what there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.app.doctor.findings import Finding, failure, good, warning

ABOUT = "memory"

# A million accounts with five million positions: 172 MB before anybody is known, 1,358 in the end, 1,828 on the way.
_EMPTY_BYTES = 172_000_000
_ACCOUNT_BYTES = 490
_POSITION_BYTES = 140
_ON_THE_WAY = 1.35
_SCOPE_IN_GATEWAY_BYTES = 1_538


@dataclass(frozen=True, slots=True)
class Population:
    """Hold how many accounts, scopes and positions there are; an estimate where not all of it was read."""

    accounts: int
    scopes: int
    positions: int
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class MemorySeen:
    """Hold the bytes a process may have in all (`limit_bytes`: of the machine, or its control group), and has left."""

    limit_bytes: int
    free_bytes: int
    is_limited: bool = False


def daemon_bytes(population: Population) -> int:
    """Return the most one `liqmon run` takes that has all shards, while it restores them."""
    resident = _EMPTY_BYTES + _ACCOUNT_BYTES * population.accounts + _POSITION_BYTES * population.positions
    return round(resident * _ON_THE_WAY)


def gateway_bytes(population: Population, backlog_bytes: int) -> int:
    """Return what one `liqmon gateway` takes, beside what waits for its clients."""
    return _EMPTY_BYTES + _SCOPE_IN_GATEWAY_BYTES * population.scopes + backlog_bytes


def judge_memory(process: str, needed: int, population: Population, seen: MemorySeen) -> Iterator[Finding]:
    """Yield whether what a process needs for the population is there."""
    about = "about " if population.is_estimate else ""
    who = f"{about}{population.accounts:,} accounts, {population.positions:,} positions"
    said = f"{process}: up to {_megabytes(needed)} for {who}"
    whose = "this control group" if seen.is_limited else "this machine"
    if needed > seen.limit_bytes:
        do = f"give it {_megabytes(needed)}, or share the shards among machines"
        yield failure(ABOUT, f"{said}; {whose} has {_megabytes(seen.limit_bytes)}", do)
    elif needed > seen.free_bytes:
        do = "nothing where it already runs here; else make room, or share the shards among machines"
        yield warning(ABOUT, f"{said}; of {_megabytes(seen.limit_bytes)}, {_megabytes(seen.free_bytes)} are left", do)
    else:
        yield good(ABOUT, f"{said}; {_megabytes(seen.free_bytes)} are free")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
