"""Random lives of a small market: inputs that reach every corner of the engine, made from what the twin knows.

Every input is drawn from one number, so that a failing life shrinks; nothing is judged here.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from random import Random
from typing import Any

from monitor.core.accounts import (
    ABSENT,
    AccountEvent,
    MarginMode,
    MarginType,
    PositionChange,
    PositionMode,
    Settings,
    Side,
)
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import (
    AccountMessage,
    AssetTerms,
    Clock,
    Input,
    InstrumentTerms,
    Origin,
    Prices,
    RejectedMessage,
)
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, MarginTier, chain_deductions
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders
from tests.engine.twin import Twin

D = Decimal
LINEAR, INVERSE = ("AUSDT", "BUSDT", "C:USDT", "DUSDC"), ("XUSD", "YUSD")
SYMBOLS = (*LINEAR, *INVERSE)
ASSETS = ("USDT", "USDC", "X", "BNB", "USD")
IDS = tuple(f"account|{number}" for number in range(6))
START_MS = 1_700_000_000_000
_ROUND = Context(prec=60, rounding=ROUND_HALF_EVEN)

KINDS = {
    "tick": 16, "settle": 10, "aim": 24, "partial": 20, "snapshot": 6, "mode": 4, "again": 2, "delete": 1, "bad": 1,
    "rejected": 1, "terms": 4, "asset": 4, "clock": 8, "pause": 3,
}  # fmt: skip
"""What may happen, and how often."""
OF_ACCOUNTS = ("aim", "partial", "snapshot", "mode", "again", "delete", "bad", "rejected")


def round_number(random: Random, *choices: str) -> Decimal:
    """Pick one of a few amounts."""
    return D(random.choice(choices))


class Lives:
    """Draw the inputs of one life."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.now_ms = START_MS
        self._offset = 0
        self._versions = dict.fromkeys(IDS, 0)
        self._sent: dict[str, AccountEvent] = {}

    def beginning(self, number: int) -> list[Input]:
        """Return what makes a market: terms, collateral, prices and a few accounts."""
        random = Random(number)
        inputs: list[Input] = [self._terms(random, symbol) for symbol in SYMBOLS if random.random() < 0.95]
        inputs += [self._asset(random, name) for name in ASSETS[:4] if random.random() < 0.9]
        updates = tuple(self._update(random, symbol) for symbol in SYMBOLS if random.random() < 0.97)
        inputs.append(Prices(updates, self._origin("mark-prices"), self.now_ms))
        return [*inputs, *(self._snapshot(random, who) for who in IDS if random.random() < 0.9)]

    def draw(self, kind: str, number: int) -> Input:
        """Return the next input of a kind; the clock moves on a little."""
        random = Random(number)
        self.now_ms += random.choice((0, 1, 50, 300, 1200))
        who = random.choice(IDS)
        if kind in ("clock", "pause"):
            self.now_ms += random.choice((10_001, 10_000, 30_000, 60_001, 61_500)) if kind == "pause" else 0
            return Clock(self.now_ms)
        made: Input
        match kind:
            case "tick" | "settle":
                made = self._tick(random, calm=kind == "settle")
            case "aim":
                made = self._aim(random)
            case "terms":
                made = self._terms(random, random.choice(SYMBOLS))
            case "asset":
                made = self._asset(random, random.choice(ASSETS))
            case "rejected":
                made = RejectedMessage(random.choice((*IDS, "nobody")), self._origin("account-events"))
            case _:
                made = self._account_message(random, kind, who)
        return made

    def _origin(self, topic: str) -> Origin:
        self._offset += 1
        return Origin(topic, 0, self._offset)

    # ------------------------------------------------------------------------------------------------- the market
    def _tick(self, random: Random, *, calm: bool) -> Prices:
        symbols = random.sample(SYMBOLS, random.choice((1, 1, 1, 2, 3, len(SYMBOLS))))
        updates = tuple(self._update(random, symbol, calm=calm) for symbol in symbols)
        origin, lag = self._origin("mark-prices"), random.choice((0, 0, 0, 0, 20, 11_000))
        if random.random() < 0.05:
            origin = origin._replace(offset=origin.offset - 2)
        return Prices(updates, origin, self.now_ms - lag)

    def _update(self, random: Random, symbol: str, *, calm: bool = False) -> PriceUpdate:
        last = self.twin.quotes.get(symbol)
        mark = D(100) if last is None else D(last.mark.numerator) / D(last.mark.denominator)
        if random.random() < 0.2:
            mark = round_number(random, "100", "90", "80", "125", "50", "101.5")
        elif not calm:
            mark = (mark * round_number(random, *JUMPS)).quantize(D("0.0001")) or D("0.0001")
        time_ms = self.now_ms - random.choice((0, 0, 0, 0, 0, 0, 10, 5_000))
        index = (mark * round_number(random, "1", "0.99", "1.02")).normalize() if random.random() < 0.6 else None
        return PriceUpdate(symbol, min(mark, D(100_000)), index and D(f"{index:f}"), None, None, time_ms)

    def _terms(self, random: Random, symbol: str) -> InstrumentTerms:
        inverse = symbol in INVERSE
        terms = Instrument(
            symbol,
            Contract.INVERSE if inverse else Contract.LINEAR,
            "X" if inverse else symbol[-4:] if random.random() < 0.9 else random.choice(("USDT", "USDC", "USD")),
            random.choice(COIN_TABLES if inverse else TABLES),
            round_number(random, "1", "1", "0.1", "10"),
            round_number(random, "0", "0", "0.0005", "0.01"),
            D("0.01"),
            base_asset=random.choice((None, "X", "BNB")),
            maintenance_basis=random.choice((*[MaintenanceBasis.MARK] * 3, MaintenanceBasis.ENTRY)),
        )
        gone = random.random() < 0.15 and symbol in self.twin.instruments
        return InstrumentTerms(symbol, None if gone else terms, self._origin("instruments"))

    def _asset(self, random: Random, name: str) -> AssetTerms:
        follows = random.choice(SYMBOLS) if random.random() < 0.3 else None
        fixed = (
            round_number(random, "1", "0.97")
            if name in ("USDT", "USDC", "USD")
            else round_number(random, "100", "37.5", "3")
        )
        terms = Asset(
            name,
            None if follows and random.random() < 0.5 else fixed,
            follows,
            random.choice((None, D("0.05"), D("0.333"))),
            random.choice((None, D("0.02"), D("0.1"))),
            random.choice((None, D("0.9999"), D("0.9"), D(0))),
            margin_available=random.random() < 0.85,
        )
        gone = random.random() < 0.2 and name in self.twin.assets
        return AssetTerms(
            name, None if gone else terms, self._origin("assets"), self.now_ms - random.choice((0, 0, 0, 9_000))
        )

    # ----------------------------------------------------------------------------------------------- the accounts
    def _account_message(self, random: Random, kind: str, who: str) -> AccountMessage:
        if kind == "snapshot":
            return self._snapshot(random, who)
        if kind == "again":
            sent = self._sent.get(who)
            return self._snapshot(random, who) if sent is None else AccountMessage(sent, self._origin("account-events"))
        if kind == "mode":
            parts: dict[str, Any] = {"margin_mode": random.choice(tuple(MarginMode)), "snapshot": random.random() < 0.3}
            if random.random() < 0.3:
                parts["position_mode"] = random.choice(tuple(PositionMode))
        elif kind == "delete":
            parts = {"deleted": True, "snapshot": random.random() < 0.3}
        else:
            parts = self._parts(random, who) if kind == "partial" else {"positions": self._contradiction(random)}
        return self._message(random, who, **parts)

    def _message(self, random: Random, who: str, **parts: Any) -> AccountMessage:
        epoch, version = divmod(self._versions[who], 1_000_000)
        version += random.choice((1, 1, 1, 5))
        if random.random() < 0.06:
            version -= random.randrange(10)
        if parts.get("snapshot") and random.random() < 0.1:
            epoch, version = epoch + 1, random.randrange(3)
        self._versions[who] = max(self._versions[who], epoch * 1_000_000 + version)
        if random.random() < 0.01:
            epoch += 1
        event = AccountEvent(who, max(version, 0), self.now_ms, epoch=epoch, **parts)
        self._sent[who] = event
        return AccountMessage(event, self._origin("account-events"))

    def _snapshot(self, random: Random, who: str) -> AccountMessage:
        hedge = random.random() < 0.4
        sides = (Side.LONG, Side.SHORT) if hedge else (Side.BOTH,)
        keys = [(symbol, side) for symbol in SYMBOLS for side in sides]
        chosen = random.sample(keys, random.choice((0, 1, 1, 2, 3)))
        return self._message(
            random,
            who,
            snapshot=True,
            margin_mode=random.choices(tuple(MarginMode), (4, 3, 4))[0],
            position_mode=PositionMode.HEDGE if hedge else PositionMode.ONE_WAY,
            balances=self._balances(random),
            positions=tuple(self._position(random, *key) for key in chosen),
            settings=self._settings(random) if random.random() < 0.5 else None,
        )

    def _balances(self, random: Random) -> dict[str, Decimal]:
        some = random.sample(ASSETS, random.choice((0, 1, 1, 2)))
        return {name: round_number(random, *WALLETS) / (100 if name in ("X", "BNB") else 1) for name in some}

    def _settings(self, random: Random) -> Settings:
        by = {random.choice(SYMBOLS): round_number(random, "4", "0.5", "2")}
        raw: dict[str, Any] = {"bracket_multiplier": {symbol: str(times) for symbol, times in by.items()}}
        if random.random() < 0.5:
            raw = {"labels": {"desk": random.choice("ab")}} | (raw if random.random() < 0.5 else {})
        if random.random() < 0.6:
            raw["vip_level"] = random.randrange(4)
        return Settings(raw, by if "bracket_multiplier" in raw else {})

    def _position(self, random: Random, symbol: str, side: Side) -> PositionChange:
        isolated = random.random() < 0.35
        return PositionChange(
            symbol,
            side,
            self._quantity(random, side),
            round_number(random, *ENTRIES),
            MarginType.ISOLATED if isolated else MarginType.CROSS,
            round_number(random, *WALLETS) / (100 if symbol in INVERSE else 1) if isolated else ABSENT,
            random.choice((ABSENT, D(20), D(3), None)),
        )

    @staticmethod
    def _quantity(random: Random, side: Side) -> Decimal:
        quantity = round_number(random, "1", "2", "10", "0.5", "3.25", "25")
        return -quantity if side is Side.SHORT or (side is Side.BOTH and random.random() < 0.5) else quantity

    def _parts(self, random: Random, who: str) -> dict[str, Any]:
        """Draw a partial message, mostly about positions that exist."""
        account = self.twin.accounts.get(who)
        held = [] if account is None else [(symbol, Side(side)) for symbol, side in account.positions]
        hedge = account is not None and account.hedge
        parts: dict[str, Any] = {}
        if random.random() < 0.4:
            parts["balances"] = self._balances(random)
        if held and random.random() < 0.6:
            parts["positions"] = (self._change(random, *random.choice(held)),)
        elif random.random() < 0.6:
            side = random.choice((Side.LONG, Side.SHORT)) if hedge else Side.BOTH
            parts["positions"] = (self._position(random, random.choice(SYMBOLS), side),)
        if random.random() < 0.1:
            parts["settings"] = self._settings(random)
        return parts

    def _change(self, random: Random, symbol: str, side: Side) -> PositionChange:
        wallet = round_number(random, *WALLETS)
        return random.choice(
            (
                PositionChange(symbol, side, D(0)),
                PositionChange(symbol, side, self._quantity(random, side)),
                PositionChange(symbol, side, entry_price=round_number(random, *ENTRIES)),
                PositionChange(symbol, side, margin_type=MarginType.CROSS),
                PositionChange(symbol, side, margin_type=MarginType.ISOLATED, isolated_wallet=wallet),
                PositionChange(symbol, side, isolated_wallet=wallet),
            )
        )

    @staticmethod
    def _contradiction(random: Random) -> tuple[PositionChange, ...]:
        good = PositionChange("AUSDT", Side.BOTH, D(1), D(100))
        return random.choice(
            (
                (good, good),
                (PositionChange("AUSDT", Side.LONG, D(-1), D(100)),),
                (PositionChange("BUSDT", Side.BOTH, D(1), D(0)),),
                (PositionChange("nothing", Side.BOTH, entry_price=D(5)),),
                (PositionChange("AUSDT", Side.BOTH, D(1), D(100), MarginType.ISOLATED),),
                (good, PositionChange("BUSDT", Side.SHORT, D(-1), D(100))),
            )
        )

    def _is_within_reach(self, who: str, scope: str) -> bool:
        account = self.twin.accounts[who]
        known = self.twin.verdicts[who, scope].figures.equity is not None
        return known and scope in self.twin.scopes_of(who, account)

    def _aim(self, random: Random) -> Input:
        """Put a scope exactly on a line, or a hair beside it, by its wallet."""
        scopes = sorted(key for key in self.twin.verdicts if self._is_within_reach(*key))
        if not scopes:
            return Clock(self.now_ms)
        who, scope = random.choice(scopes)
        figures, ladder = self.twin.verdicts[who, scope].figures, self.twin.ladder_of(scope)
        k = random.choice([k for _, k in ladder.thresholds] + [Fraction(0), Fraction(2)])
        line = k * random.choice((1, 1, 1 + ladder.hysteresis)) * figures.requirement
        if not figures.requirement:
            line = -Fraction(ladder.debt_floor) * random.choice((1, Fraction(1, 100)))
        short = line - figures.equity + Fraction(random.choice(("0", "0", "-1e-20", "1e-20", "-0.01", "-0.3", "1")))
        account = self.twin.accounts[who]
        if scope.startswith("isolated:"):
            symbol, _, side = scope.removeprefix("isolated:").rpartition(":")
            wallet = decimal(account.positions[symbol, side].isolated_wallet + short)
            change = PositionChange(symbol, Side(side), isolated_wallet=wallet)
            return self._message(random, who, positions=(change,))
        asset = scope.removeprefix("cross:") if account.mode == "single_asset" else "USD"
        return self._message(random, who, balances={asset: decimal(account.balances.get(asset, Fraction(0)) + short)})


def decimal(number: Fraction) -> Decimal:
    """Return a number as an amount: exact where 24 places will do."""
    return _ROUND.quantize(_ROUND.divide(D(number.numerator), D(number.denominator)), D("1e-24"))


JUMPS = ("0.9", "0.97", "0.99", "0.995", "0.999", "1", "1.001", "1.005", "1.01", "1.03", "1.1", "0.6", "1.7")
WALLETS = ("0", "5", "10", "10.0", "12.5", "20", "40", "100", "250", "1000", "-1", "-0.5", "-40")
ENTRIES = ("100", "95", "110", "80", "101.25")
TABLES = (
    chain_deductions([(D(0), D("0.05"), None, D(50))]),
    chain_deductions(
        [(D(0), D("0.02"), None, D(20)), (D(200), D("0.05"), None, D(10)), (D(1000), D("0.5"), None, None)]
    ),
    (MarginTier(D(0), D("0.01"), D(0)), MarginTier(D(100), D("0.02"), D("0.9")), MarginTier(D(500), D("0.1"), D(40))),
    (MarginTier(D(0), D(0), D(0)), MarginTier(D(150), D("0.1"), D(5))),
)
COIN_TABLES = (
    chain_deductions([(D(0), D("0.05"), None, D(50))]),
    chain_deductions([(D(0), D("0.02"), None, D(20)), (D("0.05"), D("0.05"), None, D(5))]),
)
LADDERS = (
    Ladders.same(Ladder.build()),
    Ladders.same(Ladder.build({MarginStatus.WATCH: None, MarginStatus.TAKEOVER: None}, Fraction(0), inclusive=True)),
    Ladders(
        Ladder.build(
            hysteresis=Fraction(1, 20), inclusive=True, debt_floor=Fraction(0), adl_watch=MarginStatus.WARNING
        ),
        Ladder.build({MarginStatus.MARGIN_CALL: None, MarginStatus.LIQUIDATION: Fraction(11, 10)}, Fraction(1, 50)),
        Ladder.build(),
    ),
    Ladders.same(
        Ladder.build(
            dict.fromkeys(
                (
                    MarginStatus.WATCH,
                    MarginStatus.WARNING,
                    MarginStatus.MARGIN_CALL,
                    MarginStatus.CRITICAL,
                    MarginStatus.TAKEOVER,
                )
            ),
            debt_floor=Fraction(30),
            adl_watch=MarginStatus.BANKRUPT,
        )
    ),
)
FRESHNESS = (
    FreshnessSettings(),
    FreshnessSettings(stale_band=D("0.02"), assets_max_age_ms=10_000),
    FreshnessSettings(max_age_ms=0, unknown_after_ms=0),
    FreshnessSettings(unknown_after_ms=0, assets_max_age_ms=20_000),
    FreshnessSettings(max_age_ms=0, stale_band=D("0.1"), assets_max_age_ms=1_000),
)
USD_ASSETS = (("USD",), ("USD", "USDT"), ())
