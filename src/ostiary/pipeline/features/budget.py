"""How many rows one token may read in all: a patient reader with small queries reaches the same end as a greedy one.

Counted by tenant and token until the token is over; a token lives minutes. In memory for one process, in the store's
book of budgets where replicas must agree. Safe for several threads.

A query can pack a whole column into one cell, or into one row of many columns. So its answer counts for as many rows of
the set as it would take to hold as many values, of ``VALUE_BYTES`` each, inside of lists and structs ``INNER_BYTES``.
"""

import threading
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.pipeline.datasets.ports import BudgetBook, Charge

MAX_TOKENS: Final = 100_000
OVER: Final = "feature_budget_used_up"
VALUE_BYTES: Final = 256
INNER_BYTES: Final = 8
_KIND: Final = "features:"


class Budget:
    """Rows read, by token."""

    def __init__(self, max_rows: int, book: BudgetBook | None = None) -> None:
        """Let each token read ``max_rows``; 0 sets no limit. Count in ``book``, or in memory without one."""
        self._max = max_rows
        self._book = book
        self._read: dict[tuple[str, str], tuple[int, int]] = {}
        self._lock = threading.Lock()

    def left(self, tenant: str, token: str) -> int | None:
        """Return how many rows a token may still read, or ``None``.

        Raises:
            RefusedError: ``feature_budget_used_up``.
        """
        if not self._max:
            return None
        if self._book is not None:
            left = self._max - self._book.used(tenant, _KIND + token).bytes
        else:
            with self._lock:
                left = self._max - self._read.get((tenant, token), (0, 0))[0]
        if left <= 0:
            raise _over()
        return left

    def spend(self, tenant: str, token: str, rows: int, until_ns: int, now_ns: int) -> None:
        """Count rows.

        Raises:
            RefusedError: ``feature_budget_used_up``: another query of the token was quicker.
            UnavailableError: it cannot be counted, so nothing may be shown.
        """
        if not self._max:
            return
        if self._book is not None:
            charge = Charge(tenant, _KIND + token, bytes(32), rows, self._max, expires_ns=until_ns)
            if self._book.charge(charge, now_ns):
                self._book.charge(msgspec.structs.replace(charge, max_bytes=0), now_ns)  # and it may read no more
                raise _over()
            return
        with self._lock:
            if len(self._read) >= MAX_TOKENS:
                self._read = {key: told for key, told in self._read.items() if told[1] > now_ns}
            if len(self._read) >= MAX_TOKENS:
                raise _over()
            spent = self._read.get((tenant, token), (0, 0))[0] + rows
            self._read[tenant, token] = (spent, until_ns)
            if spent > self._max:
                raise _over()


def weight(table: Any, columns: int) -> int:
    """Return for how many rows of a set an Arrow table counts, where a row of the set shows ``columns`` values."""
    values: int = sum(max(len(one), -(-one.nbytes // _size(one.type))) for one in table.columns)
    return max(int(table.num_rows), -(-values // max(1, columns)))


def _size(kind: Any) -> int:
    """Return the bytes of one value; lists and structs hold many small ones."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    return INNER_BYTES if pa.types.is_nested(kind) else VALUE_BYTES


def _over() -> RefusedError:
    return RefusedError(OVER, "this token has read as many rows as it may")
