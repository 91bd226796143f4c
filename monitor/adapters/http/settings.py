"""Settings of the HTTP door: where it listens and how much it takes from a stranger.

The server itself lives beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Hold the address and the limits.

    Attributes:
        host: address to listen on; loopback unless said otherwise.
        port: 0 lets the system choose one.
        token_file: file with the bearer token that routes showing account data ask for; without one they are closed.
        max_connections: at a time; further ones are dropped unheard.
        max_request_bytes: of the request line and headers; bodies are not read.
        request_timeout_ms: from accepting a connection to the last byte of the answer.
    """

    host: str = field(default="127.0.0.1", metadata={"not_empty": True})
    port: int = field(default=8700, metadata={"at_least": 0, "at_most": 65_535})
    token_file: Path | None = None
    max_connections: int = field(default=64, metadata={"at_least": 1})
    max_request_bytes: int = field(default=8_192, metadata={"at_least": 256})
    request_timeout_ms: int = field(default=5_000, metadata={"at_least": 10})


def read_token(settings: HttpSettings) -> str | None:
    """Return the token, None when no file is configured or it is empty: private routes are closed then.

    Raises `OSError` when the file cannot be read.
    """
    if settings.token_file is None:
        return None
    return settings.token_file.read_text(encoding="utf-8").strip() or None
