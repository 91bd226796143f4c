"""Requests to REST interfaces of Binance's family, signed where they have to be. Pure: the time is handed in."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal
from urllib.parse import urlencode

from monitor.app.venue_feed.ports import ApiKey, Request

_RECEIVE_WINDOW_MS = 5000


def signed(path: str, key: ApiKey, now_ms: int, **parameters: str) -> Request:
    """Return a request that only the holder of the key can make: HMAC SHA-256 over the query, for five seconds."""
    query = urlencode({**parameters, "recvWindow": _RECEIVE_WINDOW_MS, "timestamp": now_ms})
    signature = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return Request(path, f"{query}&signature={signature}", {"X-MBX-APIKEY": key.key})


def keyed(path: str, key: ApiKey, method: Literal["GET", "POST", "PUT", "DELETE"]) -> Request:
    """Return a request that names the key and needs no signature: those about listen keys."""
    return Request(path, headers={"X-MBX-APIKEY": key.key}, method=method)
