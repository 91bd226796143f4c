"""DuckDB: positions, prices and brackets as tables in memory, one statement a tick."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar, Final

import numpy as np

from bench.loading import BANKRUPT, LINES
from bench.peers.peer import Figures, Missing, Slice
from bench.venue import F8

_RANK: Final = " + ".join(f"(equity < {line!r} * requirement)::INT" for line in LINES)
_TICK: Final = f"""
    CREATE OR REPLACE TABLE figures AS
    WITH valued AS (
        SELECT account, symbol, amount * price AS value FROM positions JOIN prices USING (symbol)
    ), required AS (
        SELECT account, sum(value) AS value, sum(abs(value) * rate - deduction) AS needed
        FROM valued JOIN brackets USING (symbol)
        WHERE abs(value) >= floor AND abs(value) < ceiling
        GROUP BY account
    ), summed AS (
        SELECT account, base + coalesce(value, 0) AS equity, coalesce(needed, 0) AS requirement
        FROM accounts LEFT JOIN required USING (account)
    )
    SELECT *, CASE WHEN equity <= 0 AND requirement > 0 THEN {BANKRUPT} ELSE {_RANK} END AS rank FROM summed
"""  # noqa: S608 - made of numbers of ours


class DuckDb:
    """Compute with DuckDB, on as many threads as it takes."""

    name: ClassVar[str] = "DuckDB with brackets"
    goal: ClassVar[float | None] = None
    most: ClassVar[int] = 1_000_000

    def __init__(self, given: Slice) -> None:
        try:
            duckdb: Any = import_module("duckdb")
        except ImportError as error:
            raise Missing("duckdb is not installed") from error
        self._connection: Any = duckdb.connect()
        tables = given.tables
        listed = np.isfinite(tables.floors)
        ceilings = np.concatenate([tables.floors[:, 1:], np.full((len(tables.floors), 1), np.inf)], axis=1)
        self._take("accounts", account=np.arange(given.accounts, dtype=np.int32), base=given.bases)
        self._take(
            "positions",
            account=given.owners.astype(np.int32),
            symbol=given.symbols.astype(np.int32),
            amount=given.amounts,
        )
        self._take(
            "brackets",
            symbol=np.nonzero(listed)[0].astype(np.int32),
            floor=tables.floors[listed],
            ceiling=ceilings[listed],
            rate=tables.rates[listed],
            deduction=tables.deductions[listed],
        )

    def _take(self, name: str, **columns: Any) -> None:
        self._connection.register("given", columns)
        statement = f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given"  # noqa: S608 - names of ours
        self._connection.execute(statement)
        self._connection.unregister("given")

    def tick(self, prices: F8) -> object:
        """Compute every account."""
        self._take("prices", symbol=np.arange(len(prices), dtype=np.int32), price=prices)
        return self._connection.execute(_TICK)

    def figures(self) -> Figures:
        """Return what the last tick computed."""
        columns = self._connection.execute(
            "SELECT equity, requirement, rank FROM figures ORDER BY account"
        ).fetchnumpy()
        return Figures(*(np.asarray(columns[name]) for name in ("equity", "requirement", "rank")))
