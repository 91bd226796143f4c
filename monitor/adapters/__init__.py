"""Adapters, one outside thing each; none imports another."""
