"""What tables ask of the database below them: named statements, exclusive transactions, committed reads.

Every backend with tables keeps to this contract, and ``tests/conformance`` holds each of them to it:

- ``transaction`` excludes every other writer of the same store, those of other processes and machines too. What is
  read inside is the truth until it ends; it is all or nothing, and what it wrote survives a crash once it has returned.
  Entered again by the same thread it joins the outer one.
- ``beside`` is a transaction that excludes no other one, for rows that are only ever added: but not while one is
  ``alone``, which waits for those under way and keeps new ones out until it ends.
- ``read`` sees committed states only, and sees everything that was committed before it began.
- ``erase`` leaves nothing of what goes that this backend could still show.
- A statement is known by its name: no text that anybody says is ever part of one. Values are ``None``, ``bool``,
  ``int``, ``float``, ``str`` and ``bytes``.
- Faults come out as ``UnavailableError``: ``disk_full`` or ``storage_unavailable``. Callers fail closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Beside(Protocol):
    """What can be done in a transaction beside others."""

    def read_inside(self, name: str, *values: object) -> list[Row]:
        """Run a named query inside it."""
        ...

    def write_many(self, name: str, rows: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        """Run a named statement for every row."""
        ...


class Database(Protocol):
    """An open database; safe for many threads."""

    def transaction(self) -> AbstractContextManager["Database"]:
        """Write in one transaction; leaving it commits, an exception rolls back."""
        ...

    def beside(self) -> AbstractContextManager[Beside]:
        """Write in a transaction of its own beside others; not entered inside another one."""
        ...

    def alone(self) -> None:
        """Inside a transaction: keep out those ``beside``, once the ones under way have ended, until it ends."""
        ...

    def write(self, name: str, *values: object) -> int:
        """Run a named statement inside a transaction; return how many rows it changed."""
        ...

    def write_named(self, name: str, values: dict[str, object]) -> int:
        """Like ``write``, with named values; what a statement does not name is left alone."""
        ...

    def write_many(self, name: str, rows: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        """Run a named statement for every row, inside a transaction."""
        ...

    def erase(self, name: str, rows: Iterable[Sequence[object]]) -> int:
        """Like ``write_many``, but nothing of what goes can be read again; return how many rows it changed."""
        ...

    def read_inside(self, name: str, *values: object) -> list[Row]:
        """Run a named query inside a transaction: sees what it has written so far."""
        ...

    def read_inside_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Like ``read_inside``, with named values."""
        ...

    def read(self, name: str, *values: object) -> list[Row]:
        """Run a named query on committed data."""
        ...

    def read_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Run a named query with named values on committed data."""
        ...

    def inside(self) -> bool:
        """Return whether this thread is in a transaction."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
