"""Restoring at size: how long a shard takes to come back from a snapshot, and from its changelog alone."""
