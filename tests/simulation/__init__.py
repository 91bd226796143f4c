"""The seeded simulation: the whole application on the embedded log, in virtual time, in a story told by one seed.

`python -m tests.simulation --help` says how to run it; docs/reliability.md what it does and what it has found.
"""
