"""Webhooks: which alarms go to which HTTP target, when and how often, decided without a socket and without a clock."""
