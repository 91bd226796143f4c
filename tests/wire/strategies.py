"""Random terms and facts, as hypothesis strategies."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionMode, Side
from monitor.core.amounts import exactly
from monitor.core.facts import settings_of
from monitor.core.instruments import (
    Asset,
    Contract,
    Instrument,
    InstrumentStatus,
    MaintenanceBasis,
    chain_deductions,
)
from tests.wire.samples import SETTINGS

AMOUNTS = st.decimals(-(10**12), 10**12, places=9) | st.integers(-(10**30), 10**30).map(Decimal)
POSITIVE = st.decimals("1e-12", 10**12, places=12).filter(bool)
RATES = st.decimals(0, 1, places=6)
NAMES = st.sampled_from(["USDT", "BTC", "xyz:A", "1INCH", "é", 'q"t', "a.b", "[0]"]) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="|"), min_size=1, max_size=12
)


@st.composite
def instruments(draw: st.DrawFn) -> Instrument[Decimal]:
    """Draw terms that `check_instrument` accepts as a published case, some deductions given, the others chained."""
    floors = [Decimal(0), *sorted(draw(st.sets(POSITIVE, max_size=6)))]
    rows = [(floor, draw(RATES), draw(st.none() | AMOUNTS), draw(st.none() | POSITIVE)) for floor in floors]
    return Instrument(
        symbol=draw(NAMES),
        contract=draw(st.sampled_from(Contract)),
        settle_asset=draw(NAMES),
        tiers=chain_deductions(rows),
        contract_size=draw(POSITIVE),
        closing_fee_rate=draw(RATES),
        liquidation_fee_rate=draw(RATES),
        base_asset=draw(st.none() | NAMES),
        tick_size=draw(st.none() | POSITIVE),
        maintenance_basis=draw(st.sampled_from(MaintenanceBasis)),
        status=draw(st.sampled_from(InstrumentStatus)),
        sector=draw(st.none() | NAMES),
    )


def assets() -> st.SearchStrategy[Asset[Decimal]]:
    """Draw terms of an asset that `check_asset` accepts."""
    return st.builds(
        Asset,
        asset=NAMES,
        index_price=POSITIVE,
        index_symbol=st.none() | NAMES,
        bid_buffer=st.none() | RATES,
        ask_buffer=st.none() | RATES,
        collateral_ratio=st.none() | RATES,
        margin_available=st.booleans(),
    )


@st.composite
def positions(draw: st.DrawFn, hedge: bool) -> Position:
    """Draw a live position of an account in one position mode."""
    side = draw(st.sampled_from([Side.LONG, Side.SHORT] if hedge else [Side.BOTH]))
    size = draw(POSITIVE)
    short = side is Side.SHORT or (side is Side.BOTH and draw(st.booleans()))
    isolated = draw(st.booleans())
    return Position(
        symbol=draw(NAMES),
        side=side,
        quantity=-size if short else size,
        entry_price=draw(POSITIVE),
        margin_type=MarginType.ISOLATED if isolated else MarginType.CROSS,
        isolated_wallet=draw(AMOUNTS) if isolated else None,
        leverage=draw(st.none() | POSITIVE),
    )


@st.composite
@exactly
def accounts(draw: st.DrawFn) -> Account:
    """Draw consistent facts as a snapshot leaves them."""
    hedge = draw(st.booleans())
    held = draw(st.lists(positions(hedge), max_size=5, unique_by=lambda position: position.key))
    return Account(
        account_id=draw(NAMES) + draw(st.sampled_from(["", "|", "|x"])),
        margin_mode=draw(st.sampled_from(MarginMode)),
        position_mode=PositionMode.HEDGE if hedge else PositionMode.ONE_WAY,
        balances=draw(st.dictionaries(NAMES, AMOUNTS, max_size=4)),
        positions={position.key: position for position in held},
        open_order_initial_margin=draw(st.dictionaries(NAMES.map("cross:{}".format), AMOUNTS, max_size=2)),
        net_transfers=draw(st.dictionaries(NAMES, AMOUNTS, max_size=2)),
        settings=settings_of(draw(st.sampled_from([{}, SETTINGS, {"labels": ["a"]}]))),
        complete=True,
    )
