"""The bench of the whole way: from bytes handed to a real Kafka to events that can be read, the daemon a process.

`python -m bench.e2e` (or `make bench-e2e`). What it knows of the daemon is what any user knows: the command line, the
topics, the messages, the metrics. What events there have to be it works out by itself, in `oracle`.
"""
