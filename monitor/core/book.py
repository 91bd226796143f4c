"""The account book: the packed facts of every account of a shard, and the small number each account is known by.

Finding, adding and replacing lives here; what facts mean is in `accounts`, how they are packed in `facts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.core.accounts import Account
from monitor.core.facts import pack, unpack


class AccountBook:
    """Hold the facts of all accounts, packed; numbers are given once and never reused."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._records: list[bytes] = []

    def __len__(self) -> int:
        """Return how many accounts are known, deleted ones included."""
        return len(self._ids)

    def number_of(self, account_id: str) -> int | None:
        """Return the number of an account, None when it was never seen."""
        return self._numbers.get(account_id)

    def id_of(self, number: int) -> str:
        """Return the id of an account."""
        return self._ids[number]

    def account(self, number: int) -> Account:
        """Return the facts of an account."""
        return unpack(self._records[number])

    def find(self, account_id: str) -> Account | None:
        """Return the facts of an account, None when it was never seen."""
        number = self._numbers.get(account_id)
        return None if number is None else self.account(number)

    def record(self, number: int) -> bytes:
        """Return the packed facts of an account."""
        return self._records[number]

    def keep(self, account: Account) -> int:
        """Replace the facts of an account; return its number."""
        return self.keep_record(account.account_id, pack(account))

    def keep_record(self, account_id: str, record: bytes) -> int:
        """Replace the packed facts of an account; return its number."""
        number = self._numbers.get(account_id)
        if number is None:
            number = self._numbers[account_id] = len(self._ids)
            self._ids.append(account_id)
            self._records.append(record)
        else:
            self._records[number] = record
        return number

    def keep_new(self, account_ids: Sequence[str], records: Sequence[bytes]) -> None:
        """Add the packed facts of accounts that were never seen; they are numbered in their order."""
        first = len(self._ids)
        self._ids += account_ids
        self._records += records
        self._numbers.update(zip(account_ids, range(first, first + len(account_ids)), strict=True))

    def ids(self) -> Iterator[str]:
        """Return all ids, in the order they were first seen."""
        return iter(self._ids)
