"""The market board of a shard: the latest price of every symbol, the accepted terms, and how old each price is.

Which of two prices counts, and which prices are too old to be believed, is decided here; what they do to an account is
not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal

from monitor.core.freshness import Age, AgeChange, FreshnessSettings, age_of
from monitor.core.funds import FundShelf
from monitor.core.instruments import Asset, Instrument, usd_asset, with_index
from monitor.core.market import Funding, FundingBasis
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.prices import PriceUpdate, TakenPrices
from monitor.core.quality.judging import Quality
from monitor.core.quality.pegs import NO_PEGS, Peg, Pegs
from monitor.core.quality.quarantine import Quarantine
from monitor.core.quotes import Quote

WINDOW_MS = 28_800_000


class MarketBoard:
    """Hold the market as one shard has judged it; answers `monitor.core.market.Market`.

    `previous` holds the quote each symbol had before its present one; `funds` the insurance funds; `quarantine` what
    is known of later prices that are not believed.
    """

    def __init__(
        self,
        settings: FreshnessSettings,
        usd_assets: Collection[str] = ("USD",),
        portfolio: PortfolioTerms | None = None,
        funding_basis: FundingBasis = FundingBasis.MARK,
        fund_window_ms: int = WINDOW_MS,
        pegs: Pegs = NO_PEGS,
    ) -> None:
        self.funds = FundShelf(fund_window_ms)
        self.previous: dict[str, Quote] = {}
        self.settings = settings
        self.funding_basis = funding_basis
        self.usd_assets = frozenset(usd_assets)
        self.instruments: dict[str, Instrument[Decimal]] = {}
        self.assets: dict[str, Asset[Decimal]] = {}
        self.quotes: dict[str, Quote] = {}
        self.quarantine = Quarantine()
        self._asset_times: dict[str, int] = {}
        self._followers: dict[str, set[str]] = {}
        self._symbol_ages: dict[str, Age] = {}
        self._asset_ages: dict[str, Age] = {}
        self._portfolio = portfolio
        self._pegs = pegs
        self._off: set[str] = set()
        self._resolved: PortfolioTerms | None = None
        self.serials = (0, 0)
        """How often terms, and how often prices or their ages, have changed: whoever keeps copies looks here."""

    @property
    def portfolio(self) -> PortfolioTerms | None:
        """What portfolio accounts are margined by, resolved over the contracts known; the same until terms change."""
        if self._resolved is None and self._portfolio is not None:
            self._resolved = self._portfolio.resolved(self.instruments)
        return self._resolved

    def instrument(self, symbol: str) -> Instrument[Decimal] | None:
        """Return the terms of a contract."""
        return self.instruments.get(symbol)

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark price that counts now."""
        quote = self.quotes.get(symbol)
        return None if quote is None else quote.mark_price

    def asset(self, name: str) -> Asset[Decimal] | None:
        """Return the terms of an asset with its index price filled in; its reference where its peg does not hold."""
        terms = self._stated_asset(name)
        return terms if name not in self._pegs.names else self._pegs.believed(name, terms, self.quotes)

    def peg(self, name: str) -> Peg | None:
        """Return an asset's index beside its reference; None where it has none, or either is not known."""
        return self._pegs.peg(name, self._stated_asset(name), self.quotes) if name in self._pegs.names else None

    def _stated_asset(self, name: str) -> Asset[Decimal] | None:
        terms = self.assets.get(name)
        if terms is None:
            return usd_asset(name) if name in self.usd_assets else None
        if terms.index_symbol is None:
            return terms
        quote = self.quotes.get(terms.index_symbol)
        if quote is None or quote.index_price is None:
            return terms if terms.index_price is not None else None
        return with_index(terms, quote.index_price)

    def funding(self, symbol: str) -> Funding | None:
        """Return what is known of the next funding of a contract."""
        quote = self.quotes.get(symbol)
        if quote is None or quote.funding_rate is None:
            return None
        price = quote.mark_price if self.funding_basis is FundingBasis.MARK else quote.index_price
        return Funding(quote.funding_rate, quote.next_funding_time_ms, price)

    def take(self, update: PriceUpdate, partition: int, offset: int, timestamp_ms: int) -> bool:
        """Take a price over if it counts: the highest (event_time_ms, partition, offset) does. Return whether so."""
        return bool(self.take_all((update,), partition, offset, timestamp_ms).marks)

    def take_all(
        self,
        updates: Iterable[PriceUpdate],
        partition: int,
        offset: int,
        timestamp_ms: int,
        qualities: Sequence[Quality | None] = (),
    ) -> TakenPrices:
        """Take over those prices of a message that count, and return them; in order, as each may name any symbol.

        With verdicts on its prices, those that are not believed are quarantined; others whose delay is over are taken.
        """
        if not qualities:
            return self._take_over(updates, partition, offset, timestamp_ms)
        judged, quarantine, quotes = list(zip(updates, qualities, strict=True)), self.quarantine, self.quotes
        suspects = [update.symbol for update, quality in judged if quality is not None and quality.reasons]
        words = {symbol: quarantine.word(symbol) for symbol in (*quarantine.doubted, *quarantine.shaky, *suspects)}
        before: dict[str, Decimal | None] = {}
        marks: dict[str, Decimal] = {}
        for one in quarantine.overdue(timestamp_ms):
            found = self._take_over((one.update,), one.partition, one.offset, one.timestamp_ms)
            before, marks = found.before | before, marks | found.marks
            quarantine.believe(one.update.symbol, one.place, one.quality)
        believed = [update for update, quality in judged if quality is None or quality.is_believed]
        taken = self._take_over(believed, partition, offset, timestamp_ms)
        late = taken.late + quarantine.sort_in(judged, quotes, partition, offset, timestamp_ms)
        marks |= taken.marks
        turned = tuple(
            symbol
            for symbol, word in words.items()
            if quarantine.word(symbol) != word or (symbol in marks and symbol in quarantine.doubted)
        )
        self._note(prices=len(turned))
        return TakenPrices(marks, taken.before | before, late, turned)

    def _take_over(self, updates: Iterable[PriceUpdate], partition: int, offset: int, timestamp_ms: int) -> TakenPrices:
        quotes, previous, late = self.quotes, self.previous, 0
        before: dict[str, Decimal | None] = {}
        marks: dict[str, Decimal] = {}
        for update in updates:
            symbol, mark, index, rate, next_ms, event_ms = update
            last = quotes.get(symbol)
            if last is None:
                before[symbol] = None
            elif (event_ms, partition, offset) <= (last.event_time_ms, last.partition, last.offset):
                late += 1
                continue
            else:
                before[symbol], previous[symbol] = last.mark_price, last
                index = last.index_price if index is None else index
                rate = last.funding_rate if rate is None else rate
                next_ms = next_ms or last.next_funding_time_ms
            quotes[symbol] = Quote(mark, index, rate, next_ms, event_ms, partition, offset, timestamp_ms)
            marks[symbol] = mark
        self._note(prices=len(marks))
        return TakenPrices(marks, before, late)

    def set_instrument(self, symbol: str, terms: Instrument[Decimal] | None) -> None:
        """Put accepted terms in force, or forget a contract."""
        self._resolved = None
        self._note(terms=1)
        if terms is None:
            self.instruments.pop(symbol, None)
        else:
            self.instruments[symbol] = terms

    def set_asset(self, name: str, terms: Asset[Decimal] | None, timestamp_ms: int) -> None:
        """Put the terms of an asset in force, or forget it."""
        self._note(terms=1)
        old = self.assets.pop(name, None)
        if old is not None and old.index_symbol is not None:
            followers = self._followers[old.index_symbol]
            followers.discard(name)
            if not followers:
                del self._followers[old.index_symbol]
        self._asset_times.pop(name, None)
        self._asset_ages.pop(name, None)
        if terms is None:
            return
        self._asset_times[name] = timestamp_ms
        self.assets[name] = terms
        if terms.index_symbol is not None:
            self._followers.setdefault(terms.index_symbol, set()).add(name)

    def asset_terms(self) -> dict[str, tuple[Asset[Decimal], int]]:
        """Return the terms of every asset and the log's time of their message."""
        return {name: (terms, self._asset_times[name]) for name, terms in self.assets.items()}

    def followers(self, symbols: Iterable[str]) -> list[str]:
        """Return the assets whose index is the index price of one of these symbols."""
        return sorted({name for symbol in symbols for name in self._followers.get(symbol, ())})

    def symbol_age(self, symbol: str) -> Age:
        """Return the age of a mark as of the last `refresh`; what is doubted for another reason counts as old."""
        if symbol in self.quarantine.doubted:
            return Age.STALE
        age = self._symbol_ages.get(symbol, Age.FRESH)
        return Age.AGED if age is Age.FRESH and symbol in self.quarantine.shaky else age

    def asset_age(self, name: str) -> Age:
        """Return the age of a collateral price as of the last `refresh`."""
        may_be = name in self._pegs.names or self.quarantine.doubted
        return Age.STALE if may_be and self._is_quarantined(name) else self._asset_ages.get(name, Age.FRESH)

    def _is_quarantined(self, name: str) -> bool:
        if (peg := self.peg(name)) is not None and not peg.holds:
            return True
        terms = self.assets.get(name)
        return terms is not None and terms.index_symbol in self.quarantine.doubted

    def doubt(self, name: str, *, is_asset: bool = False) -> str:
        """Return what is wrong with a price that is not fresh, in the word of a status."""
        if is_asset:
            return "quarantined_asset" if self._is_quarantined(name) else "stale_asset"
        return self.quarantine.word(name) or "stale_price"

    def moved_assets(self, symbols: Collection[str], names: Iterable[str] = ()) -> tuple[list[str], dict[str, Peg]]:
        """Return which assets are worth something else now that symbols, and the assets named, have been stated anew.

        With them the pegs that hold no longer, or hold again.
        """
        followers = {*names, *self.followers(symbols)}
        if not self._pegs.names:
            return sorted(followers), {}
        held = {*self._pegs.of(symbols), *followers}
        pegs = {name: peg for name in sorted(held) if (peg := self.peg(name)) is not None}
        was, off = self._off, {name for name, peg in pegs.items() if not peg.holds}
        self._off = (was - held) | off
        changed = {name: peg for name, peg in pegs.items() if peg.holds is (name in was)}
        return sorted(followers | off | changed.keys()), changed

    def aged_symbols(self) -> list[str]:
        """Return the symbols whose mark is aged or stale."""
        return [*{**self._symbol_ages, **dict.fromkeys(self.quarantine.symbols())}]

    def aged_assets(self) -> list[str]:
        """Return the assets whose price is aged or stale."""
        return [*{**self._asset_ages, **dict.fromkeys([*self.followers(self.quarantine.doubted), *self._off])}]

    def refresh(self, now_ms: int) -> list[AgeChange]:
        """Count ages anew and return every price whose age has passed a line since the last time."""
        changes = list(self._renewed(now_ms))
        self._note(prices=len(changes))
        for change in changes:
            ages = self._asset_ages if change.is_asset else self._symbol_ages
            if change.age is Age.FRESH:
                del ages[change.name]
            else:
                ages[change.name] = change.age
        return changes

    def freshen(self, symbols: Collection[str]) -> list[str]:
        """Count symbols that have just been priced as fresh, and what follows them; return whose mark was not."""
        self._note(prices=len(symbols))
        for symbol in self._followers.keys() & symbols:
            if self.quotes[symbol].index_price is not None:
                for name in self._followers[symbol]:
                    self._asset_ages.pop(name, None)
        return [symbol for symbol in symbols if self._symbol_ages.pop(symbol, None) is not None]

    def _note(self, terms: int = 0, prices: int = 0) -> None:
        self.serials = self.serials[0] + terms, self.serials[1] + prices

    def _renewed(self, now_ms: int) -> Iterator[AgeChange]:
        limit, unknown_after = self.settings.max_age_ms, self.settings.unknown_after_ms
        if limit or unknown_after:
            for symbol, quote in self.quotes.items():
                age = age_of(now_ms - quote.timestamp_ms, limit, unknown_after)
                if age is not self._symbol_ages.get(symbol, Age.FRESH):
                    yield AgeChange(symbol, is_asset=False, age=age)
        if self.settings.assets_max_age_ms:
            for name in self.assets:
                since = self._asset_time(name)
                age_ms = 0 if since is None else now_ms - since
                age = age_of(age_ms, self.settings.assets_max_age_ms, unknown_after)
                if age is not self._asset_ages.get(name, Age.FRESH):
                    yield AgeChange(name, is_asset=True, age=age)

    def _asset_time(self, name: str) -> int | None:
        symbol = self.assets[name].index_symbol
        quote = self.quotes.get(symbol) if symbol is not None else None
        if quote is not None and quote.index_price is not None:
            return quote.timestamp_ms
        return self._asset_times.get(name)

    def band(self, last: Decimal) -> tuple[Decimal, Decimal]:
        """Return the ends a stale price is believed to lie between: last·(1 ± band)."""
        return last * (1 - self.settings.stale_band), last * (1 + self.settings.stale_band)
