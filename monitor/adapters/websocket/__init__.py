"""The websocket client: connections that carry whole frames, within limits; what they say is others' business."""

from monitor.adapters.websocket.connector import WebsocketConnector

__all__ = ["WebsocketConnector"]
