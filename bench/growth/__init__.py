"""How cost grows: ticks by accounts, positions, contracts, portfolios, pace, shards and instances; memory; churn.

`python -m bench.growth` (or `make bench-growth`) prints a table for each axis and draws it on logarithmic scales. The
daemon is compared with nobody here but itself: what is equal has to be equal first, what is timed is timed in turns.
"""
