"""Keys for reading, from files that hold nothing else; they are never shown."""

from __future__ import annotations

from pathlib import Path

from monitor.app.venue_feed.ports import ApiKey
from monitor.cli.exits import BadInput


def read_key(key_file: str, secret_file: str) -> ApiKey | None:
    """Return the key, None where no file is named. Raises `BadInput` naming the file that cannot be used."""
    return ApiKey(_text(key_file), _text(secret_file)) if key_file else None


def _text(path: str) -> str:
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "is no text"
        raise BadInput(f"{path}: {reason}") from None
    if not text.isascii() or not text.isprintable() or not text:
        raise BadInput(f"{path}: holds no key")
    return text
