"""A streaming liquidation monitor: layers core, app, adapters and cli, imported in that direction only."""
