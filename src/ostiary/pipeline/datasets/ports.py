"""What the door to datasets needs of others: objects to read and write, and counts that outlive a restart."""

from collections.abc import Iterator
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

OBJECT_UNKNOWN: Final = "object_unknown"
OBJECT_CHANGED: Final = "object_changed"
OBJECT_EXISTS: Final = "object_exists"
STORE_UNAVAILABLE: Final = "dataset_store_unavailable"


class ObjectStat(msgspec.Struct, frozen=True):
    """One object as it stands now.

    Attributes:
        name: inside the dataset.
        size: in bytes.
        etag: names this version, without quotes; another version has another one.
        modified_ns: when it was written last.
    """

    name: str
    size: int
    etag: str
    modified_ns: int = 0


class Listed(msgspec.Struct, frozen=True):
    """One entry of a listing: an object, or a folder when ``etag`` is empty."""

    name: str
    size: int = 0
    etag: str = ""
    modified_ns: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether objects lie below it."""
        return not self.etag


class OpenObject(Protocol):
    """One version of one object, open for reading; a context manager.

    The version is pinned: when the object is replaced or changed meanwhile, either the bytes are still those of
    ``stat`` or reading fails with ``object_changed``.
    """

    @property
    def stat(self) -> ObjectStat:
        """What was opened."""
        ...

    def pieces(self, start: int, length: int) -> Iterator[memoryview]:
        """Yield these bytes; a piece is good until the next one is asked for.

        Raises:
            RefusedError: ``object_changed``.
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def fill(self, into: memoryview, start: int) -> None:
        """Read as many bytes as ``into`` holds.

        Raises:
            RefusedError: ``object_changed``.
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def close(self) -> None:
        """Release it."""
        ...

    def __enter__(self) -> Self:
        """Return itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


class Objects(Protocol):
    """The objects of one dataset; names are relative to its root and were checked."""

    def open(self, name: str) -> OpenObject:
        """Open one.

        Raises:
            RefusedError: ``object_unknown``: there is none, it is a link, or it is no plain file.
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def list(self, folder: str, after: str, *, deep: bool) -> Iterator[Listed]:
        """Yield what lies in ``folder``, in the order of the names' bytes, beginning behind ``after``.

        Not ``deep``: folders stand for what lies below them. The caller takes as many as it wants.

        Raises:
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def stage(self) -> "Staged":
        """Begin a new object that nobody sees yet.

        Raises:
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def delete(self, name: str, etag: str) -> None:
        """Remove this version of an object.

        Raises:
            RefusedError: ``object_unknown`` or ``object_changed``.
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...


class Staged(Protocol):
    """Bytes on their way in, seen by nobody until they are published; end it by ``publish`` or ``discard``."""

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def publish(self, name: str, *, replaces: str | None) -> ObjectStat:
        """Make all of it visible as ``name`` in one step.

        Args:
            name: the object.
            replaces: the entity tag of the version it takes the place of; ``None``: there must be none.

        Raises:
            RefusedError: ``object_exists`` or ``object_changed``.
            UnavailableError: ``dataset_store_unavailable``.
        """
        ...

    def discard(self) -> None:
        """Forget it; harmless after ``publish``."""
        ...


class Used(msgspec.Struct, frozen=True):
    """What was read with one token."""

    bytes: int = 0
    objects: int = 0


class Charge(msgspec.Struct, frozen=True):
    """One read that is about to be made.

    Attributes:
        tenant: whose.
        token: the id of the token.
        object: names object and version, 32 bytes; the same one is counted once.
        bytes: how many bytes.
        max_bytes, max_objects: the token's budget; 0 leaves it open.
        expires_ns: when the token ends, and what was counted for it may be forgotten.
    """

    tenant: str
    token: str
    object: bytes
    bytes: int
    max_bytes: int = 0
    max_objects: int = 0
    expires_ns: int = 0


class BudgetBook(Protocol):
    """Counts what was read with each token; of many at once, none gets past the budget."""

    def charge(self, charge: Charge, now_ns: int) -> str:
        """Count a read; it is on disk when this returns.

        Returns:
            Empty, or which budget it would exceed, ``bytes`` or ``objects``; then nothing was counted.

        Raises:
            UnavailableError: it cannot be counted, so it must not be made.
        """
        ...

    def give_back(self, tenant: str, token: str, count: int) -> None:
        """Take back bytes that were charged and not sent."""
        ...

    def used(self, tenant: str, token: str) -> Used:
        """Return what was counted for a token."""
        ...
