"""Keys for reading, from files that hold nothing else; they are never shown."""

from __future__ import annotations

from pathlib import Path

from monitor.app.venue_feed.ports import AccountAccess, AccountDialect, ApiKey, TermsDialect
from monitor.app.venue_feed.settings import VenueFeedSettings
from monitor.cli.exits import BadInput


def read_key(key_file: str, secret_file: str) -> ApiKey | None:
    """Return the key, None where no file is named. Raises `BadInput` naming the file that cannot be used."""
    return ApiKey(_text(key_file), _text(secret_file)) if key_file else None


def read_terms_key(settings: VenueFeedSettings, dialect: TermsDialect) -> ApiKey | None:
    """Return the key for brackets, None where none is configured. Raises `BadInput` for one the venue does not take."""
    key = read_key(settings.key_file, settings.secret_file)
    if key is not None:
        try:
            dialect.check(key)
        except ValueError as why:
            raise BadInput(f"feed.key_file: {why}") from None
    return key


def read_accounts(settings: VenueFeedSettings, dialect: AccountDialect) -> dict[str, AccountAccess]:
    """Return by what each account of the desk is read. Raises `BadInput` naming the account."""
    found = {}
    for account_id, given in settings.access_by_account().items():
        if ("key_file" in given) != ("secret_file" in given):
            raise BadInput(f"feed.accounts.{account_id}: key_file and secret_file go together")
        key = read_key(given.get("key_file", ""), given.get("secret_file", ""))
        found[account_id] = AccountAccess(key, given.get("address", ""))
        try:
            dialect.check(found[account_id])
        except ValueError as why:
            raise BadInput(f"feed.accounts.{account_id}: {why}") from None
    return found


def _text(path: str) -> str:
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "is no text"
        raise BadInput(f"{path}: {reason}") from None
    if not text.isascii() or not text.isprintable() or not text:
        raise BadInput(f"{path}: holds no key")
    return text
