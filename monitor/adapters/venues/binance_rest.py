"""Requests to REST interfaces of Binance's family, signed where they have to be. Pure: the time is handed in.

A venue may take wallets beside keys, at other paths: `Wallets` maps each path to that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from monitor.adapters.venues.aster_wallet import check_wallet, is_wallet, wallet_request
from monitor.app.venue_feed.ports import ApiKey, Request

_RECEIVE_WINDOW_MS = 5000


Wallets = Mapping[str, str]
NO_WALLETS: Wallets = {}


def check_key(key: ApiKey, wallets: Wallets) -> None:
    """Raise `ValueError` where a key is none that the venue takes."""
    if is_wallet(key):
        if not wallets:
            raise ValueError("key_file holds the address of a wallet: this venue takes keys")
        check_wallet(key)


def signed(path: str, key: ApiKey, now_ms: int, wallets: Wallets = NO_WALLETS) -> Request:
    """Return a request that only the holder of the key can make: HMAC SHA-256 over the query, for five seconds."""
    if is_wallet(key):
        return wallet_request(wallets[path], key)
    query = urlencode({"recvWindow": _RECEIVE_WINDOW_MS, "timestamp": now_ms})
    signature = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    return Request(path, f"{query}&signature={signature}", {"X-MBX-APIKEY": key.key})


def keyed(path: str, key: ApiKey, method: Literal["POST", "PUT"], wallets: Wallets = NO_WALLETS) -> Request:
    """Return a request that names the key and needs no signature, unless it is a wallet: those about listen keys."""
    if is_wallet(key):
        return wallet_request(wallets[path], key, method)
    return Request(path, headers={"X-MBX-APIKEY": key.key}, method=method)
