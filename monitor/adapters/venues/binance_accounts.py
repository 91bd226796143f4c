"""Private streams and account snapshots in the format of Binance's family. Source: mechanics §3.1, the venues' pages.

Wallets here are cross wallets (`cw`, `crossWalletBalance`); an isolated position has its own (`iw`), which is
`isolatedMargin` without the position's profit where a venue does not state it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from monitor.adapters.venues.binance_rest import Wallets, check_key, keyed, signed
from monitor.adapters.venues.values import amount_at, decoded, rows_of, table, text_at, time_at, truth_at
from monitor.app.venue_feed.account_facts import (
    AccountChange,
    AccountReading,
    AccountSignal,
    AccountSnapshot,
    Key,
    Position,
    StreamOver,
)
from monitor.app.venue_feed.ports import AccountAccess, ApiKey, Request, RestFault
from monitor.app.venue_feed.readings import Answer, BadFrame, Nothing

_SIDES = {"BOTH": "both", "LONG": "long", "SHORT": "short"}
_ROUNDING = Decimal("0.00001")
_NO_SUCH_KEY = -1125
_LIQUIDATION, _DELEVERAGING = "autoclose-", "adl_autoclose"
_TRANSFERS = frozenset(
    {
        "DEPOSIT",
        "WITHDRAW",
        "WITHDRAW_REJECT",
        "ADMIN_DEPOSIT",
        "ADMIN_WITHDRAW",
        "ASSET_TRANSFER",
        "COIN_SWAP_DEPOSIT",
        "COIN_SWAP_WITHDRAW",
    }
)
"""Reasons for which money comes into an account or leaves it."""
_TELLS_NOTHING = frozenset({"TRADE_LITE", "STRATEGY_UPDATE", "GRID_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT"})


@dataclass(frozen=True, slots=True)
class BinanceAccounts:
    """Read accounts of one venue of the family. `prefix` begins its paths; `has_modes`: assets can be pooled there.

    `wallets`: the paths for accounts that are read by a wallet instead of a key; none where there are no such accounts.
    """

    prefix: str
    account_path: str
    positions_path: str
    has_modes: bool = True
    keep_seconds: float = 1800.0
    wallets: Wallets = field(default_factory=dict)

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """Nothing but pings."""
        return None

    def check(self, access: AccountAccess) -> None:
        """Ask for a key."""
        if access.key is None:
            raise ValueError("key_file and secret_file are needed: accounts of this venue are read with a key")
        check_key(access.key, self.wallets)

    def open_stream(self, access: AccountAccess) -> Request | None:
        """Return the request for a listen key; the venue gives the one that lives, where there is one."""
        return keyed(self._listen_path, _key_of(access), "POST", self.wallets)

    def keep_stream(self, access: AccountAccess) -> tuple[Request, float] | None:
        """Return the request that gives the listen key another hour, made every half of one."""
        return keyed(self._listen_path, _key_of(access), "PUT", self.wallets), self.keep_seconds

    def knows_no_key(self, fault: RestFault) -> bool:
        """Return whether the venue says that there is no such listen key."""
        return fault.code == _NO_SUCH_KEY

    def stream_key(self, answer: bytes) -> str:
        """Return the listen key. Raises `BadFrame`."""
        return text_at(table(decoded(answer)), "listenKey")

    def address(self, base: str, stream_key: str) -> str:
        """Return the address of the private stream, which holds the key."""
        return f"{base.rstrip('/')}/ws/{stream_key}"

    def subscriptions(self, access: AccountAccess) -> Sequence[tuple[str, bytes]]:  # noqa: ARG002 - the key says it all
        """Return nothing: the address is the subscription."""
        return ()

    def read(self, frame: bytes, received_ms: int) -> AccountReading | Answer | Nothing:  # noqa: ARG002 - times are stated
        """Return what a frame says. Raises `BadFrame`."""
        body = table(decoded(frame))
        kind = body.get("e")
        if kind == "ACCOUNT_UPDATE":
            return _update(body)
        if kind == "ACCOUNT_CONFIG_UPDATE":
            return _configured(body)
        if kind == "MARGIN_CALL":
            called = [text_at(table(one, "p"), "s") for one in rows_of(body.get("p"), "p")]
            return AccountSignal("margin_call", ", ".join(called))
        if kind == "ORDER_TRADE_UPDATE":
            return _order(table(body.get("o"), "o"))
        if kind == "listenKeyExpired":
            return StreamOver()
        if kind in _TELLS_NOTHING:
            return Nothing(str(kind))
        raise BadFrame(f"is an event of kind {str(kind)[:40]!r}, which is not known")

    def snapshot_requests(self, access: AccountAccess, now_ms: int) -> Sequence[Request]:
        """Return what to ask: wallets, positions, the position mode, and whether assets are pooled."""
        key = _key_of(access)
        paths = [self.account_path, self.positions_path, f"{self.prefix}/v1/positionSide/dual"]
        if self.has_modes:
            paths.append(f"{self.prefix}/v1/multiAssetsMargin")
        return [signed(path, key, now_ms, self.wallets) for path in paths]

    def read_snapshot(self, answers: Sequence[bytes], asked_ms: int) -> AccountSnapshot:
        """Return what the answers say together. Raises `BadFrame`, also where wallets and positions do not add up."""
        account, rows = table(decoded(answers[0]), "account"), rows_of(decoded(answers[1]), "positions")
        assets = [table(row, "assets") for row in rows_of(account.get("assets"), "assets")]
        stated = [table(row, "positions") for row in rows]
        positions = [_stated_position(row) for row in stated]
        _check_sum(assets, positions)
        times: dict[Key, int] = {("balance", text_at(row, "asset")): _changed_at(row) for row in assets}
        times.update({one.key: _changed_at(row) for one, row in zip(positions, stated, strict=True)})
        is_hedged = truth_at(table(decoded(answers[2])), "dualSidePosition")
        is_pooled = self.has_modes and truth_at(table(decoded(answers[3])), "multiAssetsMargin")
        return AccountSnapshot(
            event_time_ms=max([asked_ms, *times.values()]),
            asked_ms=asked_ms,
            balances={text_at(row, "asset"): amount_at(row, "crossWalletBalance") for row in assets},
            positions=tuple(one for one in positions if not one.is_closed),
            margin_mode="multi_asset" if is_pooled else "single_asset",
            position_mode="hedge" if is_hedged else "one_way",
            leverage={text_at(row, "symbol"): amount_at(row, "leverage") for row in stated if row.get("leverage")},
            times=times,
        )

    @property
    def _listen_path(self) -> str:
        return f"{self.prefix}/v1/listenKey"


def _key_of(access: AccountAccess) -> ApiKey:
    assert access.key is not None, "checked before the account is followed"
    return access.key


def _update(body: Mapping[str, Any]) -> AccountChange:
    """Return an `ACCOUNT_UPDATE`: what it lists holds, together; what it does not list is as it was."""
    event_time_ms = time_at(body, "E")
    inner = table(body.get("a"), "a")
    wallets = [table(row, "B") for row in inner.get("B") or ()]
    positions = [table(row, "P") for row in inner.get("P") or ()]
    return AccountChange(
        at_ms=time_at(body, "T") if body.get("T") else event_time_ms,
        event_time_ms=event_time_ms,
        balances={text_at(row, "a"): amount_at(row, "cw") for row in wallets},
        positions=tuple(_streamed_position(row) for row in positions),
        mode_changed=inner.get("m") == "MARGIN_TYPE_CHANGE" and not positions,
        transferred={text_at(row, "a"): amount_at(row, "bc") for row in wallets if row.get("bc")}
        if inner.get("m") in _TRANSFERS
        else {},
    )


def _streamed_position(row: Mapping[str, Any]) -> Position:
    is_isolated = _is_isolated(row.get("mt"))
    return Position(
        symbol=text_at(row, "s"),
        side=_side(row.get("ps")),
        quantity=amount_at(row, "pa"),
        entry_price=amount_at(row, "ep"),
        is_isolated=is_isolated,
        wallet=amount_at(row, "iw") if is_isolated else None,
    )


def _stated_position(row: Mapping[str, Any]) -> Position:
    stated = row.get("marginType")
    is_isolated = truth_at(row, "isolated") if stated is None else _is_isolated(stated)
    return Position(
        symbol=text_at(row, "symbol"),
        side=_side(row.get("positionSide")),
        quantity=amount_at(row, "positionAmt"),
        entry_price=amount_at(row, "entryPrice"),
        is_isolated=is_isolated,
        wallet=_wallet(row) if is_isolated else None,
    )


def _wallet(row: Mapping[str, Any]) -> str:
    if row.get("isolatedWallet") is not None:
        return amount_at(row, "isolatedWallet")
    profit = "unRealizedProfit" if "unRealizedProfit" in row else "unrealizedProfit"
    return f"{Decimal(amount_at(row, 'isolatedMargin')) - Decimal(amount_at(row, profit)):f}"


def _check_sum(assets: Sequence[Mapping[str, Any]], positions: Sequence[Position]) -> None:
    """Refuse answers of different moments: what wallets hold outside the cross wallets is what positions hold."""
    apart = sum(
        (Decimal(amount_at(row, "walletBalance")) - Decimal(amount_at(row, "crossWalletBalance")) for row in assets),
        Decimal(0),
    )
    held = sum((Decimal(one.wallet) for one in positions if one.wallet is not None), Decimal(0))
    if abs(apart - held) > _ROUNDING:
        raise BadFrame("wallets and isolated positions are of different moments: they do not add up")


def _changed_at(row: Mapping[str, Any]) -> int:
    return time_at(row, "updateTime") if row.get("updateTime") else 0


def _side(stated: object) -> str:
    if stated not in _SIDES:
        raise BadFrame(f"position side {str(stated)[:40]!r} is not known")
    return _SIDES[str(stated)]


def _is_isolated(stated: object) -> bool:
    """Return which of the two margin types is meant, of which there are three spellings."""
    text = str(stated).lower()
    if not text.startswith(("isolated", "cross")):
        raise BadFrame(f"margin type {text[:40]!r} is not known")
    return text.startswith("isolated")


def _configured(body: Mapping[str, Any]) -> AccountChange:
    """Return an `ACCOUNT_CONFIG_UPDATE`: the leverage of a symbol, or modes, which a snapshot then tells."""
    event_time_ms = time_at(body, "E")
    at_ms = time_at(body, "T") if body.get("T") else event_time_ms
    if (leverage := body.get("ac")) is not None:
        row = table(leverage, "ac")
        return AccountChange(at_ms, event_time_ms, leverage={text_at(row, "s"): amount_at(row, "l")})
    return AccountChange(at_ms, event_time_ms, mode_changed=True)


def _order(order: Mapping[str, Any]) -> AccountSignal | Nothing:
    """Return a signal where an order is the venue's own: a liquidation, or a deleveraging."""
    name, symbol = str(order.get("c", "")), str(order.get("s", ""))[:40]
    kind: Literal["liquidation", "deleveraging"]
    if name.startswith(_DELEVERAGING) or order.get("X") == "NEW_ADL":
        kind = "deleveraging"
    elif (
        name.startswith(_LIQUIDATION)
        or order.get("x") == "CALCULATED"
        or order.get("X") == "NEW_INSURANCE"
        or order.get("o") == "LIQUIDATION"
    ):
        kind = "liquidation"
    else:
        return Nothing("order")
    return AccountSignal(kind, f"{symbol} {str(order.get('S', ''))[:8]} {str(order.get('X', ''))[:20]}".strip())
