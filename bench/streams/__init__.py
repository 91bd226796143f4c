"""Stream engines as peers: programs of their own that keep accounts in a state store, with a real Kafka in between.

The bench sends an engine its slice, price arrays, and the question what it computed (`records` says in which form);
one record comes back when the last account has its figures. How long that took is the processor time of the program.
"""
