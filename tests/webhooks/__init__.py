"""Webhooks: what targets are told, through faults of theirs and deaths of the sender."""
