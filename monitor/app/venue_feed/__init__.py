"""A venue feed: a process of its own that turns what one venue says into native messages on the input topics.

What a venue's frames mean lives in `monitor.adapters.venues`; how bytes travel, in the adapters for websockets, REST
and Kafka. This room decides when to connect, what to believe of the times that are stated, and what to write.
"""
