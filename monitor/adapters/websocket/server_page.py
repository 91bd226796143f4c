"""The page for people: one static file, and the headers that keep it from doing anything but this."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

from websockets.datastructures import Headers

_FILE = Path(__file__).with_name("page.html")
_INSIDE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


@functools.cache
def page_text() -> bytes:
    """Return the page."""
    return _FILE.read_bytes()


def page_headers() -> Headers:
    """Return its headers: scripts and styles are its own by their hashes, and it may be framed nowhere."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, body in _INSIDE.findall(page_text()):
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        hashes[kind.decode()].append(f"'sha256-{digest}'")
    policy = (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return Headers(
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(page_text())),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
    )
