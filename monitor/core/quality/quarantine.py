"""The quarantine of a board: which prices are known but not believed, and the verdict on each that is.

Of a symbol the highest quarantined price that lies above the believed one is kept, so that the order in which
partitions are read changes nothing. Which price counts is the board's to say, verdicts are made by the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from monitor.core.prices import PriceUpdate
from monitor.core.quality.judging import Quality
from monitor.core.quotes import Place, Quote


class Doubted(NamedTuple):
    """Hold a price that is quarantined, and where it came from."""

    update: PriceUpdate
    partition: int
    offset: int
    timestamp_ms: int
    quality: Quality

    @property
    def place(self) -> Place:
        """Where it stands among the prices of its symbol."""
        return self.update.event_time_ms, self.partition, self.offset


class Quarantine:
    """Hold the quarantined prices of a board, and the verdicts on those that count."""

    def __init__(self) -> None:
        self.doubted: dict[str, Doubted] = {}
        self.qualities: dict[str, Quality] = {}
        self.shaky: set[str] = set()
        """The symbols whose price counts, and makes what stands on it degraded."""

    def symbols(self) -> set[str]:
        """Return the symbols about whose price there is a doubt."""
        return self.doubted.keys() | self.shaky

    def word(self, symbol: str) -> str | None:
        """Return what the doubt about a symbol's price is called, None where there is none."""
        if symbol in self.doubted:
            return "quarantined_price"
        return "doubtful_price" if symbol in self.shaky else None

    def overdue(self, timestamp_ms: int) -> Iterator[Doubted]:
        """Take out the prices whose delay is over by a time of the log; they are believed now."""
        for symbol, one in list(self.doubted.items()):
            until_ms = one.quality.until_ms
            if until_ms is not None and until_ms <= timestamp_ms:
                del self.doubted[symbol]
                yield one._replace(quality=one.quality._replace(is_believed=True, released_ms=timestamp_ms))

    def believe(self, symbol: str, place: Place, quality: Quality | None) -> None:
        """Note the verdict on a price that counts now; a quarantined one below it is of no interest any more."""
        doubted = self.doubted.get(symbol)
        if doubted is not None and doubted.place <= place:
            del self.doubted[symbol]
        if quality is None:
            self.qualities.pop(symbol, None)
        else:
            self.qualities[symbol] = quality
        if quality is not None and quality.is_shaky:
            self.shaky.add(symbol)
        else:
            self.shaky.discard(symbol)

    def sort_in(
        self,
        judged: Iterable[tuple[PriceUpdate, Quality | None]],
        quotes: Mapping[str, Quote],
        partition: int,
        offset: int,
        timestamp_ms: int,
    ) -> int:
        """Quarantine what is not believed of a message, and note the verdicts on what counts and is in `quotes` now.

        Return how many prices that are not believed were late: one that counts, or is quarantined already, is higher.
        """
        late = 0
        for update, quality in judged:
            quote = quotes.get(update.symbol)
            if quality is None or quality.is_believed:
                if quote is not None and quote.mark_price is update.mark_price:
                    self.believe(update.symbol, quote.place, quality)
                continue
            price = Doubted(update, partition, offset, timestamp_ms, quality)
            kept = self.doubted.get(update.symbol)
            higher = [one.place for one in (quote, kept) if one is not None and one.place >= price.place]
            if higher:
                late += 1
            else:
                self.doubted[update.symbol] = price
        return late
