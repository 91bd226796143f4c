"""An example of a client of `liqmon gateway`: reconnects, resumes, and would say so if an event were missing.

    python subscriber.py ws://127.0.0.1:8710/v1 TOKEN [MIN_SEVERITY]

It prints each event once, over reconnections and restarts of the gateway. Needs `pip install websockets`.
"""

import asyncio
import json
import sys

import websockets


async def follow(url, token, wish):
    """Print what is told, for ever; `resume` and `chains` are all a client must remember."""
    resume, chains = None, {}
    while True:
        try:
            headers = {"Authorization": f"Bearer {token}"}
            async with websockets.connect(url, additional_headers=headers, max_size=8 << 20) as connection:
                await connection.send(json.dumps({**wish, **({"resume": resume} if resume else {})}))
                while True:  # the gateway promises a sign of life every few seconds
                    said = json.loads(await asyncio.wait_for(connection.recv(), 20))
                    hear(said, chains)
                    resume = said.get("token", resume)
        except (OSError, TimeoutError, websockets.WebSocketException) as fault:
            print(f"reconnecting: {fault}", file=sys.stderr, flush=True)
            await asyncio.sleep(1)


def hear(said, chains):
    """Take one message; `chains` holds the last sequence of each scope."""
    if said["type"] == "snapshot_begin":
        chains.clear()
    for entry in said.get("entries", ()):
        chains[entry["account_id"], entry["scope"]] = entry["sequence"]
    if said["type"] in ("event", "passed"):
        event = said.get("event", said)
        if "sequence" in event:
            scope, last = (event["account_id"], event["scope"]), event["sequence"] - 1
            if chains.get(scope, last) != last:
                print(f"GAP in {scope}: {chains[scope]} is followed by {event['sequence']}", flush=True)
            chains[scope] = event["sequence"]
    if said["type"] in ("event", "expired", "error", "closing"):
        print(json.dumps(said.get("event", said)), flush=True)


if __name__ == "__main__":
    severity = sys.argv[3] if len(sys.argv) > 3 else "healthy"
    subscription = {"type": "subscribe", "subscription": "all", "min_severity": severity}
    asyncio.run(follow(sys.argv[1], sys.argv[2], subscription))
