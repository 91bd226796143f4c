"""polars: positions in a frame, prices gathered, brackets by an as-of join, summed by account."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from bench.loading import BANKRUPT, LINES
from bench.peers.peer import Figures, Missing, Slice
from bench.venue import F8


class Polars:
    """Compute with polars, on as many threads as it takes."""

    name: ClassVar[str] = "polars with brackets"
    goal: ClassVar[float | None] = 20.0
    most: ClassVar[int] = 1_000_000

    def __init__(self, given: Slice) -> None:
        try:
            self._polars: Any = import_module("polars")
        except ImportError as error:
            raise Missing("polars is not installed") from error
        frame, tables = self._polars.DataFrame, given.tables
        listed = np.isfinite(tables.floors)
        symbol = np.nonzero(listed)[0].astype(np.uint32)
        self._accounts = frame({"account": np.arange(given.accounts, dtype=np.uint32), "base": given.bases})
        self._positions = frame(
            {
                "account": given.owners.astype(np.uint32),
                "symbol": given.symbols.astype(np.uint32),
                "amount": given.amounts,
                "rate": tables.rates[given.symbols, 0],
                "second": tables.floors[given.symbols, 1],
            }
        )
        rows = {name: getattr(tables, name)[listed] for name in ("floors", "rates", "deductions")}
        self._brackets = frame({"symbol": symbol, **rows}).sort("floors")
        self._last: Any = None

    def tick(self, prices: F8) -> object:
        """Compute every account: positions above their first bracket alone are joined with the others."""
        polars = self._polars
        column, marks = polars.col, polars.Series("price", prices)
        notional = column("value").abs()
        valued = (
            self._positions.lazy()
            .with_columns(
                value=column("amount") * polars.lit(marks).gather(column("symbol")),
            )
            .with_columns(notional=notional)
        )
        small = valued.filter(column("notional") < column("second")).select(
            "account", "value", needed=column("notional") * column("rate")
        )
        large = (
            valued.filter(column("notional") >= column("second"))
            .sort("notional")
            .join_asof(
                self._brackets.lazy(), left_on="notional", right_on="floors", by="symbol", check_sortedness=False
            )
            .select("account", "value", needed=column("notional") * column("rates") - column("deductions"))
        )
        sums = polars.concat([small, large]).group_by("account").agg(column("value").sum(), column("needed").sum())
        joined = self._accounts.lazy().join(sums, on="account", how="left", maintain_order="left")
        equity, needed = column("base") + column("value").fill_null(0.0), column("needed").fill_null(0.0)
        figures = joined.select(equity=equity, requirement=needed)
        rank = sum((column("equity") < line * column("requirement")).cast(polars.Int64) for line in LINES)
        is_bankrupt = (column("equity") <= 0.0) & (column("requirement") > 0.0)
        self._last = figures.with_columns(rank=polars.when(is_bankrupt).then(BANKRUPT).otherwise(rank)).collect()
        return self._last

    def figures(self) -> Figures:
        """Return what the last tick computed."""
        return Figures(*(self._last[name].to_numpy() for name in ("equity", "requirement", "rank")))
