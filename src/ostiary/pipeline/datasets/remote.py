"""Objects in S3, GCS, Azure or memory, through obstore.

- A version is pinned by its entity tag: bytes are asked for with ``If-Match``, so a read never mixes two versions.
- What comes in is kept in a nameless file of this machine until its digest is right, and then put in one step.
- Whatever the store says stays here: the caller hears that there is no such object, or that the store is away.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PreconditionError,
)

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.datasets.names import check_name, join
from ostiary.pipeline.datasets.ports import (
    OBJECT_CHANGED,
    OBJECT_EXISTS,
    OBJECT_UNKNOWN,
    STORE_UNAVAILABLE,
    Listed,
    ObjectStat,
)

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PIECE: Final = 1 << 20
ONE_STEP: Final = 64 << 20  # larger ones are sent in parts, which cannot be made conditional
_LAST: Final = "\U0010ffff"
_LISTED_AT_ONCE: Final = 500
_SECOND_NS: Final = 1_000_000_000


class RemoteObjects:
    """The objects below one prefix of a store; implements ``ports.Objects``."""

    def __init__(self, store: "ObjectStore", prefix: str, spool: Path) -> None:
        """Use ``prefix`` inside ``store``; ``spool`` is a private folder for what comes in."""
        self._store = store
        self._prefix = prefix
        self._spool = spool

    def open(self, name: str) -> "RemoteObject":
        """Pin the version that is there now."""
        key = join(self._prefix, name)
        with faults():
            return RemoteObject(self._store, key, name, obstore.head(self._store, key))

    def list(self, folder: str, after: str, *, deep: bool) -> Iterator[Listed]:
        """Yield what lies in a folder; what has an odd name is not there."""
        below = join(self._prefix, folder)
        behind = join(self._prefix, after) if after else ""
        if behind.endswith("/"):
            behind += _LAST
        while True:
            skip = ""
            for listed in self._listed(below, behind):
                if deep or "/" not in (rest := listed.name[len(folder) + 1 if folder else 0 :]):
                    yield listed
                    continue
                inner = join(folder, rest.partition("/")[0])
                yield Listed(inner)
                skip = f"{join(self._prefix, inner)}/{_LAST}"
                break  # ask again behind that folder, instead of reading through all of it
            if not skip:
                return
            behind = skip

    def _listed(self, below: str, behind: str) -> Iterator[Listed]:
        with faults():
            stream = obstore.list(self._store, below or None, offset=behind or None, chunk_size=_LISTED_AT_ONCE)
            for chunk in stream:
                for meta in sorted(chunk, key=lambda one: one["path"]):
                    found = _stat_of(self._inside(meta["path"]), meta)
                    if found is not None:
                        yield Listed(found.name, found.size, found.etag, found.modified_ns)

    def _inside(self, key: str) -> str:
        return key[len(self._prefix) + 1 :] if self._prefix else key

    def stage(self) -> "RemoteStaged":
        """Begin a new object in the spool."""
        return RemoteStaged(self._store, self._prefix, self._spool)

    def delete(self, name: str, etag: str) -> None:
        """Remove an object when it is this version still; stores cannot do both in one step."""
        key = join(self._prefix, name)
        with faults():
            if _etag(obstore.head(self._store, key)) != etag:
                raise RefusedError(OBJECT_CHANGED, "the object is not the version that was named")
            obstore.delete(self._store, key)


class RemoteObject:
    """One version of an object; implements ``ports.OpenObject``."""

    def __init__(self, store: "ObjectStore", key: str, name: str, meta: Any) -> None:
        """Take what the store says of it."""
        found = _stat_of(name, meta)
        if found is None:
            raise RefusedError(OBJECT_UNKNOWN, "there is no such object")
        self.stat = found
        self._store = store
        self._key = key
        self._match: str | None = meta["e_tag"]

    def pieces(self, start: int, length: int) -> Iterator[memoryview]:
        """Yield these bytes as the store sends them."""
        if length == 0:
            return
        left = length
        with faults():
            options: Any = {"range": (start, start + length)}
            if self._match is not None:
                options["if_match"] = self._match
            for chunk in obstore.get(self._store, self._key, options=options).stream(PIECE):
                view = memoryview(chunk)[:left]
                left -= len(view)
                yield view
        if left:
            raise RefusedError(OBJECT_CHANGED, "the store sent fewer bytes than it promised")

    def fill(self, into: memoryview, start: int) -> None:
        """Read as many bytes as ``into`` holds."""
        done = 0
        for piece in self.pieces(start, len(into)):
            into[done : done + len(piece)] = piece
            done += len(piece)

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class RemoteStaged:
    """A nameless file in the spool; implements ``ports.Staged``."""

    def __init__(self, store: "ObjectStore", prefix: str, spool: Path) -> None:
        """Make the file."""
        self._store = store
        self._prefix = prefix
        self._size = 0
        try:
            self._file = tempfile.TemporaryFile(dir=spool)  # noqa: SIM115 - closed by discard
        except OSError as fault:
            raise UnavailableError(STORE_UNAVAILABLE, f"the spool failed: {fault.strerror}") from fault

    def write(self, data: bytes) -> None:
        """Add bytes."""
        try:
            self._size += self._file.write(data)
        except OSError as fault:
            raise UnavailableError(STORE_UNAVAILABLE, f"the spool failed: {fault.strerror}") from fault

    def publish(self, name: str, *, replaces: str | None) -> ObjectStat:
        """Put the file."""
        key = join(self._prefix, name)
        self._file.seek(0)
        with faults():
            self._put(key, replaces)
            found = _stat_of(name, obstore.head(self._store, key))
        if found is None or found.size != self._size:
            raise UnavailableError(STORE_UNAVAILABLE, "the store does not hold what it was given")
        return found

    def _put(self, key: str, replaces: str | None) -> None:
        if self._size <= ONE_STEP:
            mode: Any = "create" if replaces is None else {"e_tag": f'"{replaces}"'}
            obstore.put(self._store, key, self._file, mode=mode, use_multipart=False)
            return
        there = _head(self._store, key)
        if replaces is None and there is not None:
            raise RefusedError(OBJECT_EXISTS, "there is such an object already")
        if replaces is not None and (there is None or _etag(there) != replaces):
            raise RefusedError(OBJECT_CHANGED, "the object is not the version that was named")
        obstore.put(self._store, key, self._file)

    def discard(self) -> None:
        """Forget it."""
        self._file.close()


def _head(store: "ObjectStore", key: str) -> Any:
    try:
        return obstore.head(store, key)
    except (NotFoundError, FileNotFoundError):
        return None


def _etag(meta: Any) -> str:
    told = meta["e_tag"]
    if told is not None:
        return str(told).removeprefix("W/").strip('"')
    return f"{meta['size']:x}-{int(meta['last_modified'].timestamp() * 1_000_000):x}"


def _stat_of(name: str, meta: Any) -> ObjectStat | None:
    try:
        check_name(name)
    except FaultyInputError:
        return None
    modified = int(meta["last_modified"].timestamp()) * _SECOND_NS
    return ObjectStat(name, int(meta["size"]), _etag(meta), modified)


@contextmanager
def faults() -> Iterator[None]:
    """Turn what a store says into our own words; its own may hold addresses and keys."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise RefusedError(OBJECT_UNKNOWN, "there is no such object") from None
    except AlreadyExistsError:
        raise RefusedError(OBJECT_EXISTS, "there is such an object already") from None
    except PreconditionError:
        raise RefusedError(OBJECT_CHANGED, "the object is not the version that was named") from None
    except (BaseError, OSError, ValueError) as fault:
        text = f"the dataset's store failed: {type(fault).__name__}"
        raise UnavailableError(STORE_UNAVAILABLE, text) from fault
