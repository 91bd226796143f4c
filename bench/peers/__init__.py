"""The peers: what else one could do this work with, each on a stated slice of the population.

A peer is a class of `peer.Peer`. Stream engines are programs of their own, with a broker in between: `bench.streams`.
"""
