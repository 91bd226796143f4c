"""Print each event of `liqmon gateway` once, over reconnections and restarts, and say so where one is missing."""

# python subscriber.py ws://127.0.0.1:8710/v1 TOKEN '{"min_severity": "warning", "symbols": ["BTCUSDT"]}'
import asyncio
import json
import sys

import websockets


async def follow(url, token, filters):
    resume, chains = None, {}  # all there is to remember: how far we are, and the last sequence of each scope
    while True:
        try:
            async with websockets.connect(url, additional_headers={"Authorization": token}, max_size=8 << 20) as gateway:
                wish = {"type": "subscribe", "subscription": "all", "resume": resume, **filters}
                await gateway.send(json.dumps(wish))
                async for text in gateway:
                    hear(said := json.loads(text), chains)
                    resume = said.get("token", resume)
        except (OSError, TimeoutError, websockets.WebSocketException) as fault:
            print(f"reconnecting: {fault}", file=sys.stderr)
        await asyncio.sleep(1)


def hear(said, chains):
    if said["type"] == "snapshot_begin":
        chains.clear()
    chains |= {(entry["account_id"], entry["scope"]): entry["sequence"] for entry in said.get("entries", ())}
    event = said.get("event", said)
    if said["type"] in ("event", "passed") and "sequence" in event:
        scope, number = (event["account_id"], event["scope"]), event["sequence"]
        if chains.get(scope, number - 1) != number - 1:
            print(f"GAP in {scope}: {chains[scope]} is followed by {number}", flush=True)
        chains[scope] = number
    if said["type"] in ("event", "expired", "error", "closing"):
        print(json.dumps(event), flush=True)


asyncio.run(follow(sys.argv[1], f"Bearer {sys.argv[2]}", json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}))
