"""Opens a data directory for the verifier: the database read-only, and the keys beside it for opening payloads.

Nothing is written, nothing is made: where keys are missing, payloads stay closed and the report says so.
"""

from pathlib import Path
from typing import Any

from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.tlog.checkpoints import parse_body
from ostiary.audit.tlog.notes import NoteKey, parse_note
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.sqlite.log_source import Opener, SqliteSource
from ostiary.vocabulary.clock import SystemClock


class _ReadOnlyKeys:
    """The wrapped keys of a database that must not change."""

    def __init__(self, source: SqliteSource) -> None:
        self.find_key = source.find_key

    def put_key(self, tenant: str, tag: bytes, wrapped: bytes) -> bytes:
        raise UnavailableError(
            "storage_read_only", f"nothing is written here: {tenant}, {len(tag) + len(wrapped)} bytes"
        )

    def delete_key(self, tenant: str, tag: bytes) -> bool:
        raise UnavailableError("storage_read_only", f"nothing is erased here: {tenant}, {len(tag)} bytes")

    def delete_keys(self, tenant: str) -> int:
        raise UnavailableError("storage_read_only", f"nothing is erased here: {tenant}")


def open_source(database: Path, keys: Path, *, payloads: bool = True) -> SqliteSource:
    """Open a log for verification; ``keys`` is the key folder beside it, which may be missing.

    Raises:
        UnavailableError: ``log_unavailable``.
        RefusedError: ``key_permissions``.
    """
    source = SqliteSource(database, [])
    source.keys = _public_keys(source, keys / "ring")
    if payloads and (keys / "vault" / "master.key").exists():
        source.opener = _opener(SubjectVault(keys / "vault", _ReadOnlyKeys(source)))
    return source


def _public_keys(source: SqliteSource, ring: Path) -> list[str]:
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
