"""Addresses: which ones a webhook may be sent to; whoever may configure a target must not reach inside our network.

What is judged is the address that is connected to, never the name: a name can mean something else a moment later.
"""

from __future__ import annotations

import ipaddress

_WRAPPED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""Translated by a gateway into the IPv4 address in the last four bytes (RFC 6052, RFC 8215)."""


def why_refused(address: str) -> str | None:
    """Return why an IP address is not for webhooks unless that is allowed, None where it is public."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "is no IP address"
    for one in (found, *_inside(found)):
        if one.is_loopback:
            return "is a loopback address"
        if one.is_link_local:
            return "is a link-local address"
        if one.is_multicast:
            return "is a multicast address"
        if not one.is_global:
            return "is not a public address"
    return None


def _inside(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(found, ipaddress.IPv4Address):
        return []
    inside = [one for one in (found.ipv4_mapped, found.sixtofour) if one is not None]
    if any(found in network for network in _WRAPPED):
        inside.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return inside
