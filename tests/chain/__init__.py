"""The whole chain on a real Kafka, each part killed at random: feed, daemon, gateway, webhooks, subscribers."""
