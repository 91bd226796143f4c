"""What the gateway's board costs: `python -m tests.gateway.memory --accounts 1000000`.

Statuses of the size the daemon writes are read as the gateway reads them from account-status; printed are the memory
and the time for each, and how long the gateway stands still when a desk begins a snapshot of all of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from pathlib import Path

from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.observing import SilentGatewayObserver
from monitor.app.gateway.places import Places
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.ports import Record

PARTITIONS = 8
_TOGETHER = 1_000


def main() -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.memory", description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--positions", type=int, default=1, help="of each account")
    args = parser.parse_args()
    settings = GatewaySettings(max_scopes=args.accounts)
    hub = Hub(
        Places(("m", "l", "a"), "s", PARTITIONS),
        settings,
        SubscriberCodec(settings.max_names),
        SilentGatewayObserver(),
        lambda: 0,
    )
    gc.collect()
    before = _resident_bytes()
    size, seconds = 0, 0.0
    for first in range(0, args.accounts, _TOGETHER):
        records = [_status(n, args.positions) for n in range(first, min(first + _TOGETHER, args.accounts))]
        size += sum(len(record.value or b"") for record in records)
        begun = time.process_time()
        for record in records:
            item = hub.read(record)
            assert item is not None
            hub.load_status(item)
        seconds += time.process_time() - begun
    del records, record, item
    taken = _resident_bytes() - before
    gc.collect()
    gc.freeze()  # as the gateway does once it has loaded
    begun = time.perf_counter()
    everything = hub.board.cut(None)
    still_ms = (time.perf_counter() - begun) * 1000
    seen = sum(1 for _ in everything)
    lines = (
        f"{args.accounts:,} scopes of {size / args.accounts:,.0f} bytes as published",
        f"memory: {taken / 2**20:,.0f} MiB, {taken / args.accounts:,.0f} bytes a scope",
        f"reading: {seconds:.1f} s of processor time, {seconds / args.accounts * 1e6:.1f} µs a scope",
        f"a desk's snapshot begins: {still_ms:.1f} ms for {seen:,} accounts",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _status(number: int, positions: int) -> Record:
    """Return a status with the fields and digits the daemon writes."""
    figure = f"{number % 100_000}.{number % 997:03d}"
    position = {
        "symbol": "BTCUSDT",
        "side": "both",
        "quantity": "0.5",
        "entry_price": "60000",
        "mark_price": "58417.3",
        "notional": figure,
        "unrealized_pnl": f"-{figure}",
        "initial_margin": figure,
        "maintenance_margin": figure,
        "bracket": 0,
        "liquidation_price": f"5{figure}4823115577889447236180904522613",
        "distance": "-0.0434826633165829145728643216",
        "bankruptcy_price": f"5{figure}",
        "max_position_quantity": "0.3423231611115577889447236180904522613",
        "adl_quantile": 3,
    }
    body = {
        "scope": "cross:USDT",
        "margin_mode": "single_asset",
        "equity": figure,
        "wallet_balance": figure,
        "unrealized_pnl": f"-{figure}",
        "initial_margin": figure,
        "maintenance_margin": figure,
        "available_margin": figure,
        "margin_ratio": "1.484189753041653228973282245033344974693",
        "risk_ratio": "0.6737682954289574420175636117991443368611",
        "status": "healthy",
        "degraded": [],
        "unknown_because": [],
        "deposit_to_clear": "0",
        "max_transfer_out": "0",
        "margin_utilization": "0.6737682954289574420175636117991443368611",
        "positions": [position] * positions,
        "account_id": f"account-{number}",
        "sequence": 0,
        "episode": 0,
        "raw_status": "healthy",
        "suspect": False,
        "account_version": 1,
        "event_time_ms": 1_700_000_000_000,
    }
    key = f"account-{number}|cross:USDT".encode()
    return Record(
        "s", number % PARTITIONS, number // PARTITIONS, 0, key, json.dumps(body, separators=(",", ":")).encode()
    )


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
