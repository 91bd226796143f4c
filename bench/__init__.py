"""The bench: what the daemon's kernels cost, measured beside everything else one could use.

`python -m bench` (or `make bench`) draws a population, checks that everybody computes the same, then times them in
turns. Nothing in here is part of the product, and nothing of the product knows of it.
"""
