"""The application: shards, inputs and outputs over ports; asyncio, but no product."""
