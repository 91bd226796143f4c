"""Metrics for Prometheus: what the application observes, counted into a registry, and its text."""

from monitor.adapters.metrics.feed import FeedMetrics
from monitor.adapters.metrics.gateway import GatewayMetrics
from monitor.adapters.metrics.observer import PrometheusObserver, exposition
from monitor.adapters.metrics.webhooks import WebhookMetrics

__all__ = ["FeedMetrics", "GatewayMetrics", "PrometheusObserver", "WebhookMetrics", "exposition"]
