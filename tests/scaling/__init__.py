"""Scaling out and failing over on a real Kafka: how long nobody judges a shard, and that never two do."""
