"""Reduce a recording of Binance bookTicker frames to the small series the demo plays.

    python tools/reduce_recording.py RECORDING_FOLDER monitor/cli/demo/recording.csv.gz

Each frame file holds lines `receive_time_ns {"stream": …, "data": …}`. Every 250 ms the mid of the latest best bid and
ask of each symbol is written; rows begin once all four symbols are known.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

FILES = {
    "BTCUSDT": "usdm_btcusdt_20240808.gz",
    "ETHUSDT": "usdm_ethusdt_20240808.gz",
    "BTCUSD_PERP": "cm_btcusd_perp_20240808.gz",
    "ETHUSD_PERP": "cm_ethusd_perp_20240808.gz",
}
STEP_MS = 250


def quotes(folder: Path) -> Iterator[tuple[int, str, Decimal]]:
    """Yield (receive time in ms, symbol, mid) of every bookTicker frame, file by file."""
    for symbol, name in FILES.items():
        with gzip.open(folder / name, "rt") as lines:
            for line in lines:
                received_ns, frame = line.split(" ", 1)
                data = json.loads(frame).get("data", {})
                if data.get("e") == "bookTicker":
                    yield int(received_ns) // 1_000_000, symbol, (Decimal(data["b"]) + Decimal(data["a"])) / 2


def main(folder: Path, target: Path) -> None:
    """Write the reduced series."""
    latest: dict[str, Decimal] = {}
    rows: list[str] = []
    due_ms = None
    for time_ms, symbol, mid in sorted(quotes(folder)):
        if due_ms is None:
            due_ms = time_ms // STEP_MS * STEP_MS + STEP_MS
        while time_ms >= due_ms:
            if len(latest) == len(FILES):
                rows.append(",".join([str(due_ms), *(f"{latest[name].normalize():f}" for name in FILES)]))
            due_ms += STEP_MS
        latest[symbol] = mid
    text = "\n".join([",".join(["time_ms", *FILES]), *rows]) + "\n"
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed:
        packed.write(text.encode())
    target.write_bytes(buffer.getvalue())
    print(f"{len(rows)} rows, {len(buffer.getvalue())} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
