"""The gateway: what subscribers outside Kafka are told, decided without a socket; carrying it is the adapters' work."""
