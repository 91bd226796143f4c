"""The oracle: whether a message is one the contract allows, and what is kept of accounts; written from the contract.

It says which messages must become dead letters and which must not. What verdicts they lead to is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from json import JSONEncoder
from typing import Any

from monitor.core.partitioning import partition_of
from tests.hostile.strictness import Bad, Pairs, amount, count, flag, name, parsed, positive, sign, text_of

Check = Callable[[Any], Any]
WIDE = Context(prec=2_000)
dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
SIDES = ("both", "long", "short")
MODES = ("single_asset", "multi_asset", "portfolio")


@dataclass(frozen=True)
class Bounds:
    """The limits the attacked instance is configured with."""

    accounts: int
    symbols: int
    assets: int
    funds: int
    message_bytes: int = 524_288
    positions: int = 512
    balances: int = 512
    settings_bytes: int = 65_536
    labels_bytes: int = 4_096
    levels: int = 64
    prices: int = 16_384
    ahead_ms: int = 5_000


@dataclass
class Facts:
    """What is kept of one account, as far as later messages can contradict it."""

    epoch: int = 0
    version: int = -1
    deleted: bool = False
    mode: str = "one_way"
    positions: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    amounts: dict[str, set[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def one_of(*words: str) -> Check:
    """Require one of some words."""

    def check(given: Any) -> str:
        if type(given) is not str or given not in words:
            raise Bad("no such word")
        return given

    return check


def listed(check: Check, most: int | None = None) -> Check:
    """Require an array of things."""

    def check_all(given: Any) -> list[Any]:
        if type(given) is not list or (most is not None and len(given) > most):
            raise Bad("no array, or too long")
        return [check(one) for one in given]

    return check_all


def mapped(check_name: Check, check: Check, most: int | None = None) -> Check:
    """Require an object of things by name."""

    def check_all(given: Any) -> dict[str, Any]:
        if type(given) is not Pairs or (most is not None and len(given) > most):
            raise Bad("no object, or too many")
        return {check_name(key): check(value) for key, value in given.items()}

    return check_all


def shaped(given: Any, required: Mapping[str, Check], optional: Mapping[str, Check]) -> dict[str, Any]:
    """Require an object with these fields and no others; return what the checks made of them."""
    if type(given) is not Pairs:
        raise Bad("no object")
    checks = {**required, **optional}
    if not required.keys() <= given.keys() <= checks.keys():
        raise Bad("fields")
    return {key: checks[key](value) for key, value in given.items()}


def either(*checks: Check) -> Check:
    """Require what one of some checks accepts."""

    def check(given: Any) -> Any:
        for each in checks:
            try:
                return each(given)
            except Bad:
                continue
        raise Bad("none of them")

    return check


def bounded(low: str, high: str) -> Check:
    """Require an amount between two."""

    def check(given: Any) -> str:
        text = amount(given)
        if not Decimal(low) <= Decimal(text) <= Decimal(high):
            raise Bad("out of bounds")
        return text

    return check


def whole_text(given: Any) -> str:
    """Require any text."""
    if type(given) is not str:
        raise Bad("no text")
    return given


def small(most: int) -> Check:
    """Require a count up to a number."""

    def check(given: Any) -> int:
        if count(given) > most:
            raise Bad("too large")
        return int(given)

    return check


def scope(given: Any) -> str:
    """Require the name of a scope."""
    if type(given) is not str:
        raise Bad("no scope")
    if given == "portfolio":
        return given
    kind, _, rest = given.partition(":")
    if kind == "cross" and rest:
        name(rest)
        return given
    symbol, _, side = rest.rpartition(":")
    if kind != "isolated" or side not in SIDES:
        raise Bad("no scope")
    name(symbol)
    return given


RATE = bounded("0", "1")
PRICE = {"symbol": name, "mark_price": positive, "event_time_ms": count}
PRICE_MORE = {"index_price": positive, "funding_rate": amount, "next_funding_time_ms": count}
BRACKET = {"floor": amount, "rate": RATE}
BRACKET_MORE = {"deduction": amount, "max_leverage": positive}
INSTRUMENT = {"symbol": name, "contract": one_of("linear", "inverse"), "settle_asset": name}
ASSET = {"asset": name, "event_time_ms": count}
ASSET_MORE = {
    "index_price": positive,
    "index_symbol": name,
    "bid_buffer": RATE,
    "ask_buffer": bounded("0", "1e30"),
    "collateral_ratio": RATE,
    "margin_available": flag,
}
POSITION_MORE = {
    "side": one_of(*SIDES),
    "quantity": amount,
    "entry_price": amount,
    "margin_type": one_of("cross", "isolated"),
    "isolated_wallet": amount,
    "leverage": positive,
}


class Oracle:
    """Say of each message, in the order they are sent, how many dead letters it must lead to."""

    def __init__(self, bounds: Bounds, shards: int, now_ms: Callable[[], int]) -> None:
        self.bounds = bounds
        self.shards = shards
        self.now_ms = now_ms
        self.symbols: set[str] = set()
        self.assets: set[str] = set()
        self.funds: set[str] = set()
        self.accounts: dict[str, Facts] = {}
        self.counts = [0] * shards
        self.good: list[Any] = []
        levels = listed(positive, bounds.levels)
        self._settings = {
            "vip_level": count,
            "portfolio_enabled": flag,
            "assessment_passed": flag,
            "volume_30d": bounded("0", "1e30"),
            "adl_exempt": flag,
            "adl_quantile": mapped(name, small(4)),
            "bracket_multiplier": mapped(name, positive),
            "leverage": mapped(name, positive),
            "drawdown_profile": one_of("conservative", "moderate", "aggressive"),
            "drawdown_stops": some(levels),
            "reference_equity": positive,
            "account_limit": positive,
            "concentration_limit": either(positive, mapped(name, positive)),
            "distance_limit": positive,
            "funding_limit": flag,
            "correlation_spike": either(amount, lambda given: shaped(given, {"levels": some(levels)}, WINDOW)),
            "hedge_decorrelation": either(amount, lambda given: shaped(given, {"levels": some(levels)}, WINDOW)),
            "labels": either(mapped(whole_text, whole_text), listed(whole_text)),
        }

    # ------------------------------------------------------------------------------------------- global inputs
    def prices(self, value: bytes | None) -> int:
        """Return how many elements of a price message must be refused; `good` are those that must not."""
        self.good = []
        try:
            node = self._parsed(value)
        except Bad:
            return 1
        if type(node) is not list:
            return int(not self._takes_price(node))
        if not node or len(node) > self.bounds.prices:
            return 1
        self.good = [element for element in node if self._takes_price(element)]
        refused = len(node) - len(self.good)
        most = max(0, min(100, 4_194_304 // max(len(value or b""), 1) - 1))
        return min(refused, most + 1)

    def _takes_price(self, node: Any) -> bool:
        try:
            price = shaped(node, PRICE, PRICE_MORE)
        except Bad:
            return False
        if price["event_time_ms"] > self.now_ms() + self.bounds.ahead_ms:
            return False
        if price["symbol"] not in self.symbols and len(self.symbols) >= self.bounds.symbols // 2:
            return False
        self.symbols.add(price["symbol"])
        return True

    def instrument(self, key: bytes | None, value: bytes | None) -> int:
        """Return 1 where an instrument must be refused."""
        return self._refused(lambda: self._instrument(key, value))

    def _instrument(self, key: bytes | None, value: bytes | None) -> None:
        node = None if value is None else self._parsed(value)
        if node is None:
            name(_text(key))
            return
        more = {
            "brackets": listed(lambda given: shaped(given, BRACKET, BRACKET_MORE), 16),
            "base_asset": name,
            "contract_size": positive,
            "tick_size": positive,
            "maintenance_basis": one_of("mark", "entry"),
            "closing_fee_rate": RATE,
            "liquidation_fee_rate": RATE,
            "status": one_of("trading", "pre_settle", "settling", "closed"),
            "sector": name,
            "confirm": flag,
        }
        found = shaped(node, INSTRUMENT, more)
        _table(found.get("brackets"))
        _same_key(found["symbol"], key)
        _let_in(found["symbol"], self.symbols, self.bounds.symbols)

    def asset(self, key: bytes | None, value: bytes | None) -> int:
        """Return 1 where an asset must be refused."""
        return self._refused(lambda: self._asset(key, value))

    def _asset(self, key: bytes | None, value: bytes | None) -> None:
        node = None if value is None else self._parsed(value)
        if node is None:
            name(_text(key))
            return
        found = shaped(node, ASSET, ASSET_MORE)
        if "index_price" not in found and "index_symbol" not in found:
            raise Bad("no index")
        _same_key(found["asset"], key)
        _let_in(found["asset"], self.assets, self.bounds.assets)

    def fund(self, key: bytes | None, value: bytes | None) -> int:
        """Return 1 where a fund must be refused."""
        return self._refused(lambda: self._fund(key, value))

    def _fund(self, key: bytes | None, value: bytes | None) -> None:
        node = None if value is None else self._parsed(value)
        if node is None:
            name(_text(key))
            return
        required = {"fund": name, "asset": name, "balance": amount, "event_time_ms": count}
        found = shaped(node, required, {"symbols": listed(name, self.bounds.symbols)})
        _same_key(found["fund"], key)
        if found["event_time_ms"] > self.now_ms() + self.bounds.ahead_ms:
            raise Bad("time ahead")
        _let_in(found["fund"], self.funds, self.bounds.funds)

    def _parsed(self, value: bytes | None) -> Any:
        if not value or len(value) > self.bounds.message_bytes:
            raise Bad("size")
        return parsed(value)

    @staticmethod
    def _refused(check: Callable[[], None]) -> int:
        try:
            check()
        except Bad:
            return 1
        return 0

    # ------------------------------------------------------------------------------------------------ accounts
    def account(self, key: bytes | None, value: bytes | None, partition: int) -> int:
        """Return 1 where an account message must be refused; what is accepted is kept."""
        return self._refused(lambda: self._account(key, value, partition))

    def _account(self, key: bytes | None, value: bytes | None, partition: int) -> None:
        bounds = self.bounds
        amounts = mapped(name, amount, bounds.balances)
        position = lambda given: shaped(given, {"symbol": name}, POSITION_MORE)  # noqa: E731
        optional = {
            "epoch": count,
            "snapshot": flag,
            "deleted": flag,
            "margin_mode": one_of(*MODES),
            "position_mode": one_of("one_way", "hedge"),
            "settings": lambda given: shaped(given, {}, self._settings),
            "balances": amounts,
            "positions": listed(position, bounds.positions),
            "open_order_initial_margin": mapped(scope, amount, bounds.balances + bounds.positions),
            "net_transfers": amounts,
        }
        node = self._parsed(value)
        event = shaped(node, {"account_id": text_of, "version": count, "event_time_ms": count}, optional)
        _same_key(event["account_id"], key)
        known = self.accounts.get(event["account_id"])
        if partition_of(event["account_id"].encode(), self.shards) != partition:
            raise Bad("partition")
        _check_positions(event.get("positions", []))
        snapshot, epoch = event.get("snapshot", False), event.get("epoch", 0)
        fresh = Facts()
        if snapshot and not event.get("deleted"):
            self._after(event, fresh)
        if known is not None and not (
            (epoch > known.epoch and snapshot) or (epoch == known.epoch and event["version"] > known.version)
        ):
            return
        if known is None and self.counts[partition] >= bounds.accounts:
            raise Bad("accounts")
        base = Facts() if known is None or known.deleted or snapshot else known
        after = Facts(deleted=True) if event.get("deleted") else self._after(event, base, node)
        after.epoch, after.version = epoch, event["version"]
        self.counts[partition] += known is None
        self.accounts[event["account_id"]] = after

    def _after(self, event: dict[str, Any], base: Facts, node: Any = None) -> Facts:
        mode = event.get("position_mode", base.mode)
        positions = dict(base.positions)
        for change in event.get("positions", []):
            _merge(change, positions)
        if any((side == "both") is (mode == "hedge") for _, side in positions):
            raise Bad("sides")
        amounts = {part: set(names) for part, names in base.amounts.items()}
        for part in ("balances", "net_transfers", "open_order_initial_margin"):
            most = self.bounds.balances + (self.bounds.positions if part == "open_order_initial_margin" else 0)
            before = amounts.setdefault(part, set())
            grown = before | event.get(part, {}).keys()
            if len(grown) > most and len(grown) > len(before):
                raise Bad("amounts")
            amounts[part] = grown
        settings = dict(base.settings)
        if node is not None and "settings" in event:
            settings |= node["settings"]
            if (
                _bytes(settings) > self.bounds.settings_bytes
                or _bytes(settings.get("labels", {})) > self.bounds.labels_bytes
            ):
                raise Bad("settings")
        if len(positions) > self.bounds.positions:
            raise Bad("positions")
        return Facts(mode=mode, positions=positions, amounts=amounts, settings=settings)


WINDOW = {"window_ms": count}


def some(check: Check) -> Check:
    """Require an array that is not empty."""

    def check_some(given: Any) -> Any:
        if not given:
            raise Bad("empty")
        return check(given)

    return check_some


def _check_positions(changes: list[dict[str, Any]]) -> None:
    """Refuse what a message says against itself, whatever is known."""
    named = [(change["symbol"], change.get("side", "both")) for change in changes]
    if len(set(named)) != len(named):
        raise Bad("named twice")
    for change in changes:
        side, quantity = change.get("side", "both"), change.get("quantity")
        if quantity is not None and (side, sign(quantity)) in {("long", -1), ("short", 1)}:
            raise Bad("sign against side")
        closes = quantity is not None and sign(quantity) == 0
        if not closes and "entry_price" in change and sign(change["entry_price"]) <= 0:
            raise Bad("entry price")


def _merge(change: dict[str, Any], positions: dict[tuple[str, str], dict[str, str]]) -> None:
    key = (change["symbol"], change.get("side", "both"))
    merged = {**positions.get(key, {}), **change}
    if "quantity" not in merged:
        raise Bad("no quantity")
    if sign(merged["quantity"]) == 0:
        positions.pop(key, None)
        return
    if "entry_price" not in merged:
        raise Bad("no entry price")
    if merged.get("margin_type", "cross") == "isolated":
        if "isolated_wallet" not in merged:
            raise Bad("no wallet")
    else:
        merged.pop("isolated_wallet", None)
    positions[key] = merged


def _table(brackets: list[dict[str, str]] | None) -> None:
    """Refuse a bracket table with falling floors or a requirement below 0 at a floor."""
    if not brackets:
        raise Bad("no brackets")
    before = rate_before = deduction = Decimal(0)
    for number, bracket in enumerate(brackets):
        floor, rate = Decimal(bracket["floor"]), Decimal(bracket["rate"])
        if (floor != 0) if number == 0 else (floor <= before):
            raise Bad("floors")
        stated = bracket.get("deduction")
        chained = exact_sum(deduction, exact_times(floor, exact_sum(rate, -rate_before))) if number else Decimal(0)
        deduction = chained if stated is None else Decimal(stated)
        if exact_sum(exact_times(floor, rate), -deduction) < 0:
            raise Bad("requirement")
        before, rate_before = floor, rate


def exact_times(one: Decimal, other: Decimal) -> Decimal:
    """Return a product, unrounded."""
    return WIDE.multiply(one, other)


def exact_sum(one: Decimal, other: Decimal) -> Decimal:
    """Return a sum, unrounded."""
    return WIDE.add(one, other)


def _text(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        raise Bad("key") from None


def _same_key(stated: str, key: bytes | None) -> None:
    if key != stated.encode():
        raise Bad("key")


def _let_in(stated: str, names: set[str], most: int) -> None:
    if stated not in names and len(names) >= most:
        raise Bad("one name too many")
    names.add(stated)


def _bytes(part: Any) -> int:
    return len(dumps(part).encode())
