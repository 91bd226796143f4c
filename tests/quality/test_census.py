"""How many scopes stand on prices in doubt, and why: the words of the metrics are those of their statuses."""

from __future__ import annotations

from collections.abc import Mapping

from tests.app.lab import new_world, virtual


@virtual
async def test_scopes_are_counted_by_why_their_price_is_doubted() -> None:
    """Old, quarantined and merely doubtful prices, and collateral off its peg, are each counted by their own word."""
    settings = {"prices.max_age_ms": 10_000, "quality.display": ["index_divergence"], "references.USDE.rate": "1"}
    world = await new_world(partitions=1, quality__enabled=True, **settings)
    for number, symbol in enumerate(("OLDUSDT", "QUARUSDT", "FARUSDT", "CALMUSDT")):
        world.instrument(symbol)
        for account in range(number + 1):
            world.account(f"{symbol}{account}", 200, positions={symbol: (1, 100)}, snapshot=True)
    more = {"margin_mode": "multi_asset", "balances": {"USDE": "500"}, "snapshot": True}
    for account in range(5):
        world.account(f"collateral{account}", positions={"CALMUSDT": (1, 100)}, **more)
    for name, index in (("USDT", "1"), ("USDE", "0.6")):
        world.put("assets", name, {"asset": name, "index_price": index, "event_time_ms": world.now_ms()})
    world.price(OLDUSDT=100)
    last: dict[str, int] = {}
    one = world.start()

    def keep(_: int, by_status: Mapping[str, int], unknown: Mapping[str, int], degraded: Mapping[str, int]) -> None:
        last.clear()
        last.update(degraded)

    one.notes.scopes = keep  # type: ignore[method-assign]
    for second in range(25):
        world.price(QUARUSDT=100 if second < 22 else 30, CALMUSDT=100 + second % 3)
        far = {"symbol": "FARUSDT", "mark_price": "100", "index_price": "90", "event_time_ms": world.now_ms()}
        world.put("mark_prices", "FARUSDT", far, 0)
        await world.pass_time(1)
    await world.until_quiet()
    await world.pass_time(2)
    assert last == {
        "stale_price": 1,
        "quarantined_price": 2,
        "doubtful_price": 3,
        "quarantined_asset": 5,
        "stale_asset": 0,
    }
