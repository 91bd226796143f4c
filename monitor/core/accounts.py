"""Account facts: what an account holds, and how an account event changes that.

Facts and their rules of consistency live here; prices, margin and verdicts do not, nor does the wire format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar


class MarginMode(StrEnum):
    """Name how an account pools its collateral."""

    SINGLE_ASSET = "single_asset"
    MULTI_ASSET = "multi_asset"
    PORTFOLIO = "portfolio"


class PositionMode(StrEnum):
    """Name whether a symbol has one net position or a long and a short one."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class Side(StrEnum):
    """Name the leg of a symbol a position stands for."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


class MarginType(StrEnum):
    """Name whether a position shares the cross wallet or has its own."""

    CROSS = "cross"
    ISOLATED = "isolated"


class BadFacts(ValueError):
    """Facts that contradict themselves, or are more than is kept; `path` names the field inside the account."""

    def __init__(self, path: str, why: str, code: str = "contradiction") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path, self.why, self.code = path, why, code


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Stands for a field that a partial message does not name: it stays as it was."""

EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})


def _nothing() -> Mapping[Any, Any]:
    return EMPTY


PositionKey = tuple[str, Side]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Position:
    """Hold one position; `quantity` is signed, short negative, in contracts."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    margin_type: MarginType = MarginType.CROSS
    isolated_wallet: Decimal | None = None
    leverage: Decimal | None = None

    @property
    def key(self) -> PositionKey:
        """What names the position inside its account."""
        return self.symbol, self.side


class PositionChange(NamedTuple):
    """State what a message says of one position; an absent field stays as it was."""

    symbol: str
    side: Side
    quantity: Decimal | Absent = ABSENT
    entry_price: Decimal | Absent = ABSENT
    margin_type: MarginType | Absent = ABSENT
    isolated_wallet: Decimal | Absent = ABSENT
    leverage: Decimal | Absent | None = ABSENT


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold what an account or its operator has set; `raw` is the object as it was sent."""

    raw: Mapping[str, Any] = field(default_factory=_nothing)
    bracket_multiplier: Mapping[str, Decimal] = field(default_factory=_nothing)
    leverage: Mapping[str, Decimal] = field(default_factory=_nothing)

    def overlaid(self, given: Settings) -> Settings:
        """Return these settings with every key that `given` names as it says there."""
        named = given.raw
        return Settings(
            raw={**self.raw, **named},
            bracket_multiplier=given.bracket_multiplier if "bracket_multiplier" in named else self.bracket_multiplier,
            leverage=given.leverage if "leverage" in named else self.leverage,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Hold the facts of one account. Mappings are never changed in place."""

    account_id: str
    margin_mode: MarginMode = MarginMode.SINGLE_ASSET
    position_mode: PositionMode = PositionMode.ONE_WAY
    balances: Mapping[str, Decimal] = field(default_factory=_nothing)
    positions: Mapping[PositionKey, Position] = field(default_factory=_nothing)
    open_order_initial_margin: Mapping[str, Decimal] = field(default_factory=_nothing)
    net_transfers: Mapping[str, Decimal] = field(default_factory=_nothing)
    settings: Settings = field(default_factory=Settings)
    version: int = 0
    epoch: int = 0
    event_time_ms: int = 0
    complete: bool = False
    """A snapshot has been seen: until then the account is `unknown` (`no_snapshot`)."""
    suspect: bool = False
    """A message about the account was rejected since its last snapshot."""
    deleted: bool = False
    """The account is gone; only its version is remembered, so that a late message does not bring it back."""
    ineligible: tuple[str, ...] = ()
    """Why an account in portfolio mode is margined as multi_asset, as decided at its last event."""


class AccountEvent(NamedTuple):
    """State what one account message says; an absent part stays as it was (`None` here)."""

    account_id: str
    version: int
    event_time_ms: int
    epoch: int = 0
    snapshot: bool = False
    deleted: bool = False
    margin_mode: MarginMode | None = None
    position_mode: PositionMode | None = None
    balances: Mapping[str, Decimal] | None = None
    positions: tuple[PositionChange, ...] | None = None
    open_order_initial_margin: Mapping[str, Decimal] | None = None
    net_transfers: Mapping[str, Decimal] | None = None
    settings: Settings | None = None


def is_news(event: AccountEvent, known: Account | None) -> bool:
    """Return whether an event is newer than what is known: a version above, or a snapshot of a higher epoch."""
    if known is None:
        return True
    if event.epoch > known.epoch and event.snapshot:
        return True
    return event.epoch == known.epoch and event.version > known.version


def after(event: AccountEvent, known: Account | None, max_positions: int = 512) -> Account:
    """Return the facts after an event. Raises `BadFacts` where they would contradict themselves."""
    if event.deleted:
        check_event(event)
        return Account(
            event.account_id,
            version=event.version,
            epoch=event.epoch,
            event_time_ms=event.event_time_ms,
            deleted=True,
        )
    base = Account(event.account_id) if known is None or known.deleted or event.snapshot else known
    account = replace(
        base,
        margin_mode=event.margin_mode or base.margin_mode,
        position_mode=event.position_mode or base.position_mode,
        balances=_overlaid(base.balances, event.balances),
        positions=_positions_after(event, base.positions),
        open_order_initial_margin=_overlaid(base.open_order_initial_margin, event.open_order_initial_margin),
        net_transfers=_overlaid(base.net_transfers, event.net_transfers),
        settings=base.settings if event.settings is None else base.settings.overlaid(event.settings),
        version=event.version,
        epoch=event.epoch,
        event_time_ms=event.event_time_ms,
        complete=base.complete or event.snapshot,
        suspect=base.suspect and not event.snapshot,
    )
    if len(account.positions) > max_positions:
        raise BadFacts("positions", f"more than {max_positions} positions", "limit_positions")
    _check_sides(account)
    return account


def _overlaid(base: Mapping[str, Decimal], given: Mapping[str, Decimal] | None) -> Mapping[str, Decimal]:
    return {**base, **given} if given else base


def check_event(event: AccountEvent) -> None:
    """Raise `BadFacts` where a message contradicts itself, whatever is known of the account.

    It is asked before versions are compared: a bad message is refused also when it is late.
    """
    if event.snapshot and not event.deleted:
        after(event, None)
        return
    named: set[PositionKey] = set()
    for index, change in enumerate(event.positions or ()):
        path = f"positions[{index}]"
        if (change.symbol, change.side) in named:
            raise BadFacts(path, f"{change.symbol} {change.side} is named twice")
        named.add((change.symbol, change.side))
        _check_change(change, path)


def _check_change(change: PositionChange, path: str) -> None:
    quantity, entry_price, leverage = change.quantity, change.entry_price, change.leverage
    if not isinstance(quantity, Absent) and (
        (change.side is Side.LONG and quantity < 0) or (change.side is Side.SHORT and quantity > 0)
    ):
        raise BadFacts(f"{path}.quantity", f"its sign contradicts the side {change.side}")
    closes = not isinstance(quantity, Absent) and not quantity
    if not closes and not isinstance(entry_price, Absent) and entry_price <= 0:
        raise BadFacts(f"{path}.entry_price", "must be above 0")
    if leverage is not None and not isinstance(leverage, Absent) and leverage <= 0:
        raise BadFacts(f"{path}.leverage", "must be above 0")


def _positions_after(event: AccountEvent, base: Mapping[PositionKey, Position]) -> Mapping[PositionKey, Position]:
    if not event.positions:
        return base
    positions = dict(base)
    named: set[PositionKey] = set()
    for index, change in enumerate(event.positions):
        path = f"positions[{index}]"
        key = (change.symbol, change.side)
        if key in named:
            raise BadFacts(path, f"{change.symbol} {change.side} is named twice")
        named.add(key)
        _check_change(change, path)
        merged = _merged(change, positions.get(key), path)
        if merged is None:
            positions.pop(key, None)
        else:
            positions[key] = merged
    return positions


def _merged(change: PositionChange, known: Position | None, path: str) -> Position | None:
    """Return the position after a change, None when it is closed."""
    quantity = _kept(change.quantity, known.quantity if known else None)
    if quantity is None:
        raise BadFacts(f"{path}.quantity", "is required for a position that is not known")
    if not quantity:
        return None
    entry_price = _kept(change.entry_price, known.entry_price if known else None)
    if entry_price is None:
        raise BadFacts(f"{path}.entry_price", "is required for a position with a quantity")
    margin_type = _kept(change.margin_type, known.margin_type if known else MarginType.CROSS)
    isolated = margin_type is MarginType.ISOLATED
    wallet = _kept(change.isolated_wallet, known.isolated_wallet if known else None)
    if isolated and wallet is None:
        raise BadFacts(f"{path}.isolated_wallet", "is required for an isolated position")
    return Position(
        symbol=change.symbol,
        side=change.side,
        quantity=quantity,
        entry_price=entry_price,
        margin_type=margin_type,
        isolated_wallet=wallet if isolated else None,
        leverage=_kept(change.leverage, known.leverage if known else None),
    )


def _kept(given: T | Absent, known: T) -> T:
    return known if isinstance(given, Absent) else given


def _check_sides(account: Account) -> None:
    hedge = account.position_mode is PositionMode.HEDGE
    for symbol, side in account.positions:
        if hedge is (side is Side.BOTH):
            mode = account.position_mode
            raise BadFacts("positions", f"{symbol} has side {side}, which an account in {mode} mode cannot hold")
