"""The peers: what else one could do this work with, each on a stated slice of the population.

A peer is a class of `peer.Peer`; `PEERS` lists them. What streams messages (an engine with a broker behind it) fits in
as well: its `tick` sends one price array and returns when the last account's figures have come out.
"""
