"""The REST client: requests asked within limits; what is asked and what the answers mean is others' business."""

from monitor.adapters.rest.client import RestClient

__all__ = ["RestClient"]
