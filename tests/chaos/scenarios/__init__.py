"""Scenarios of a chaos run: what happens to brokers, topics and groups that random faults seldom bring about.

Each is one command with a seed: `python -m tests.chaos --scenario NAME`; `--list` names them all.
"""
