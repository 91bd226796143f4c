"""Access: who may come in and see which accounts, by token; what is not granted is denied.

Only hashes of tokens are held. Tokens are random and long, so that a plain hash of one tells nothing; they are found by
comparing with every hash in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = frozenset({"name", "sha256", "accounts", "max_clients"})
EVERY_ACCOUNT = "*"


class BadGrants(Exception):
    """A file of tokens that cannot be used; the text names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Hold what one token may see: `accounts` is None for all of them."""

    name: str
    sha256: str
    accounts: frozenset[str] | None
    max_clients: int | None = None


class Doorkeeper:
    """Know the grants."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self._grants = tuple(grants)

    def stands(self, grant: Grant) -> bool:
        """Tell whether a grant is still what it was."""
        return grant in self._grants

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token grants, None for a stranger's; takes the same time whichever it is."""
        given = hash_of(token)
        found = None
        for grant in self._grants:
            if hmac.compare_digest(grant.sha256, given):
                found = grant
        return found


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def mint(name: str, accounts: Sequence[str]) -> tuple[str, str]:
    """Return a new token, 256 bits of chance, and the entry for it in the file of tokens."""
    token = "lq_" + secrets.token_urlsafe(32)  # never mistaken for an option, and known to scanners of secrets
    named = ", ".join(_quoted(account) for account in accounts)
    return token, f'[[token]]\nname = {_quoted(name)}\nsha256 = "{hash_of(token)}"\naccounts = [{named}]\n'


def read_grants(text: str) -> list[Grant]:
    """Read a file of tokens. Raises `BadGrants`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadGrants(str(fault)) from None
    entries = document.pop("token", [])
    if document:
        raise BadGrants(f"unknown key {next(iter(document))!r}: a file of tokens holds [[token]] tables")
    if not isinstance(entries, list) or not entries:
        raise BadGrants("no [[token]] is in it: nobody could come in")
    grants = [_grant(number, entry) for number, entry in enumerate(entries)]
    for kind, values in (("name", [g.name for g in grants]), ("sha256", [g.sha256 for g in grants])):
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise BadGrants(f"two tokens have the same {kind}: {twice[0]}")
    return grants


def _grant(number: int, entry: Any) -> Grant:
    where = f"token[{number}]"
    if not isinstance(entry, Mapping) or (unknown := sorted(entry.keys() - _KEYS)):
        raise BadGrants(f"{where}: {'unknown key ' + unknown[0] if isinstance(entry, Mapping) else 'not a table'}")
    name, digest, accounts, most = (entry.get(key) for key in ("name", "sha256", "accounts", "max_clients"))
    if not isinstance(name, str) or not name:
        raise BadGrants(f"{where}.name: a token needs a name, for logs and metrics")
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise BadGrants(f"{where}.sha256: not 64 hex digits; `liqmon gateway --mint NAME` makes one")
    if not isinstance(accounts, list) or not accounts or not all(isinstance(name, str) and name for name in accounts):
        raise BadGrants(f'{where}.accounts: a list of account ids, or ["*"] for all of them')
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise BadGrants(f"{where}.max_clients: a whole number above 0")
    everything = EVERY_ACCOUNT in accounts
    if everything and len(accounts) > 1:
        raise BadGrants(f'{where}.accounts: "*" stands alone')
    return Grant(name, digest, None if everything else frozenset(accounts), most)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
