"""The verifier's ``LogSource`` over tables: read-only, one snapshot, rows as they lie there.

It knows nothing of how the log was written: what is not there is reported as gone, what does not open as altered.
Nothing is written, nothing is made: where keys are missing beside it, payloads stay closed and the report says so.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.tlog.checkpoints import parse_body
from ostiary.audit.tlog.notes import NoteKey, parse_note
from ostiary.audit.verifier.ports import Missing
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.sessions import SessionNews, SubjectRevocation, TerminatedSession
from ostiary.vocabulary.clock import SystemClock

Opener = Callable[[tuple[Any, ...]], bytes | None]
"""Opens a stored record row: salt and payload, ``None`` when erased, ``b""`` when it does not open."""
Fetch = Callable[..., list[tuple[Any, ...]]]
"""Runs a named query of the log in one snapshot; faults come out as ``log_unavailable``."""

_WIDTH: Final = 256
_HASH: Final = 32
_LEVEL_SHIFT: Final = 48
_FROM_THE_START: Final = -1
S = TypeVar("S", bound="TableSource")


class TableSource:
    """Reads the log through named queries; close it, or use it as a context manager."""

    def __init__(self, fetch: Fetch, close: Callable[[], None]) -> None:
        """Read through ``fetch``; ``close`` ends the snapshot.

        Raises:
            UnavailableError: ``log_unavailable``.
        """
        self.keys: list[str] = []
        self.opener: Opener | None = None
        self._rows = fetch
        self.close = close
        self._head = fetch("head")[0]

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the snapshot."""
        self.close()

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint, the cosigned one when it is of the same size."""
        cosigned = bytes(self._rows("cosigned")[0][0])
        newest = bytes(self._head[3])
        if not newest:
            raise UnavailableError("log_unavailable", "the log has no checkpoint yet")
        same_text = cosigned.partition(b"\n\n")[0] == newest.partition(b"\n\n")[0]
        return cosigned if cosigned and same_text else newest

    def published_keys(self) -> list[str]:
        """Return the verifier keys that lie beside the log."""
        return self.keys

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the hashes of a tile."""
        rows = self._rows("tile", level << _LEVEL_SHIFT | index)
        if not rows:
            raise Missing(f"tile {level}/{index}")
        return bytes(rows[0][0])[: width * _HASH]

    def bundle(self, index: int, width: int) -> list[bytes | None]:
        """Return the entries of a bundle, ``None`` where a row is gone."""
        found = {row[0]: row[6] for row in self._bundle_rows(index, width)}
        return [found.get(number) for number in range(index * _WIDTH, index * _WIDTH + width)]

    def openings(self, index: int, width: int) -> dict[int, bytes | None] | None:
        """Return salt and payload of each entry, when there are keys to open them."""
        opener = self.opener
        if opener is None:
            return None
        return {row[0]: opener(row) for row in self._bundle_rows(index, width)}

    def opened_of(self, tenant: str, kind: str) -> Iterator[bytes]:
        """Yield salt and payload of a tenant's records of one kind that still open, oldest first."""
        opener = self.opener
        for index in range(-(-int(self._head[1]) // _WIDTH)) if opener is not None else ():
            for row in self._bundle_rows(index, _WIDTH):
                if (row[1], row[2]) == (tenant, kind) and opener is not None and (found := opener(row)):
                    yield found

    def sessions_over(self) -> SessionNews:
        """Return every session that ended and every subject that was revoked: what must not live again by a restore."""
        ended = tuple(TerminatedSession(*row) for row in self._rows("terminated_sessions"))
        revocations = tuple(SubjectRevocation(*row) for row in self._rows("new_revocations", _FROM_THE_START))
        return SessionNews(0, ended=ended, revocations=revocations)

    def beyond(self, size: int) -> int:
        """Return how many records lie behind the signed end."""
        return int(self._rows("count_beyond", size)[0][0])

    def find_key(self, tenant: str, tag: bytes) -> bytes | None:
        """Return a wrapped key: the opener's vault reads through here."""
        rows = self._rows("find_key", tenant, tag)
        return rows[0][0] if rows else None

    def _bundle_rows(self, index: int, width: int) -> list[tuple[Any, ...]]:
        return self._rows("rows", index * _WIDTH, index * _WIDTH + width)


class _ReadOnlyKeys:
    """The wrapped keys of a database that must not change."""

    def __init__(self, source: TableSource) -> None:
        self.find_key = source.find_key

    def put_key(self, tenant: str, tag: bytes, wrapped: bytes) -> bytes:
        raise UnavailableError(
            "storage_read_only", f"nothing is written here: {tenant}, {len(tag) + len(wrapped)} bytes"
        )

    def delete_key(self, tenant: str, tag: bytes) -> bool:
        raise UnavailableError("storage_read_only", f"nothing is erased here: {tenant}, {len(tag)} bytes")

    def delete_keys(self, tenant: str) -> int:
        raise UnavailableError("storage_read_only", f"nothing is erased here: {tenant}")


def with_keys(source: S, keys: Path, *, payloads: bool) -> S:
    """Give a source what lies in the key folder beside it, which may be missing.

    Raises:
        RefusedError: ``key_permissions``.
    """
    source.keys = _public_keys(source, keys / "ring")
    if payloads and (keys / "vault" / "master.key").exists():
        source.opener = _opener(SubjectVault(keys / "vault", _ReadOnlyKeys(source)))
    return source


def _public_keys(source: TableSource, ring: Path) -> list[str]:
    if not (ring / SYSTEM_TENANT / LOG_PURPOSE).exists():
        return []
    try:
        origin = parse_body(parse_note(source.checkpoint()).text).origin
    except (FaultyInputError, UnavailableError):
        return []
    keys = KeyRing(ring, SystemClock()).all_public(SYSTEM_TENANT, LOG_PURPOSE)
    return [NoteKey(origin, key).vkey() for key in keys]


def _opener(vault: SubjectVault) -> Opener:
    def opened(row: tuple[Any, ...]) -> bytes | None:
        try:
            return open_row(vault, RecordRow(*row))
        except VerificationError:
            return b""

    return opened
