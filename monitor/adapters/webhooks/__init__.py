"""Deliveries over HTTP, signed by Standard Webhooks."""

from monitor.adapters.webhooks.delivery import BadSecret, HttpDelivery

__all__ = ["BadSecret", "HttpDelivery"]
