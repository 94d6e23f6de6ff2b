"""Blobs in an object store (S3, Google Cloud, Azure), through ``obstore``: the keys are those of a folder.

Whoever may write to the bucket may swap a blob: it is then refused as it passes, like any other (``loading``). The
library is imported with the first use; it belongs to the extra ``ostiary[pipeline]``.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.vocabulary.ids import check_tenant

PIECE: Final = 8 << 20


class ObjectBlobs:
    """Implements ``ports.Blobs`` over an ``obstore`` store."""

    def __init__(self, opened: Callable[[], Any], prefix: str = "") -> None:
        """Keep them in the store that ``opened`` gives at its first use, below ``prefix``."""
        self._opened = opened
        self._prefix = prefix.strip("/")

    @cached_property
    def _store(self) -> Any:
        return self._opened()

    def adopt(self, tenant: str, sha256: str, path: Path) -> None:
        """Upload a checked file; it is there whole or not at all."""
        obstore = _library()
        try:
            with path.open("rb") as file:
                obstore.put(self._store, self._key(tenant, sha256), file)
        except (OSError, obstore.exceptions.BaseError) as fault:
            raise _away(fault) from fault

    def size(self, tenant: str, sha256: str) -> int | None:
        """Return how many bytes there are."""
        obstore = _library()
        try:
            return int(obstore.head(self._store, self._key(tenant, sha256))["size"])
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return None
        except (OSError, obstore.exceptions.BaseError) as fault:
            raise _away(fault) from fault

    def read(self, tenant: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes."""
        obstore = _library()
        try:
            for piece in obstore.get(self._store, self._key(tenant, sha256)).stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except (OSError, obstore.exceptions.BaseError) as fault:
            raise _away(fault) from fault

    def forget(self, tenant: str) -> None:
        """Erase all that a tenant has."""
        obstore = _library()
        try:
            for page in obstore.list(self._store, prefix=self._key(tenant, "")):
                obstore.delete(self._store, [one["path"] for one in page])
        except (OSError, obstore.exceptions.BaseError) as fault:
            raise _away(fault) from fault

    def _key(self, tenant: str, sha256: str) -> str:
        parts = (self._prefix, check_tenant(tenant), sha256[:2], sha256[2:])
        return "/".join(part for part in parts if part)


def _library() -> Any:
    import obstore  # noqa: PLC0415 - an extra

    return obstore


def _away(fault: Exception) -> UnavailableError:
    return UnavailableError("blobs_unavailable", f"the models' files cannot be reached: {str(fault)[:200]}")
