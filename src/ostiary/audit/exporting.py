"""The whole log as files in the standard layout, for mirrors, archives and verifiers without our software.

- ``checkpoint``, ``vkeys``, ``tile/…``, ``tile/entries/…`` as C2SP tlog-tiles names them.
- With an opener also ``openings/NNNNNNNNN``: salt and payload of each entry, base64, one a line. That is personal data.
- A later export into the same folder adds what is new; full tiles are not written again.
"""

import base64
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from ostiary.audit.ports import AuditReader, RecordRow
from ostiary.audit.tlog.merkle import HASH_BYTES
from ostiary.audit.tlog.notes import NoteKey
from ostiary.audit.tlog.tiles import TILE_WIDTH, bundle, entries_path, tile_path, tiles_for
from ostiary.errors import UnavailableError

Opener = Callable[[RecordRow], bytes | None]
_PRIVATE: Final = 0o600


class Exported(msgspec.Struct, frozen=True):
    """What an export wrote."""

    folder: str
    size: int
    files: int


def export_log(reader: AuditReader, keys: Iterable[NoteKey], folder: Path, opener: Opener | None = None) -> Exported:
    """Write the log as of now into ``folder``.

    Raises:
        UnavailableError: ``export_failed`` when the folder cannot be written.
    """
    head = reader.head()
    cosigned = reader.cosigned()
    same = cosigned.partition(b"\n\n")[0] == head.checkpoint.partition(b"\n\n")[0]
    try:
        files = _tiles(reader, head.size, folder) + _bundles(reader, head.size, folder, opener)
        _write(folder / "vkeys", "".join(f"{key.vkey()}\n" for key in keys).encode())
        _write(
            folder / "checkpoint", cosigned if cosigned and same else head.checkpoint
        )  # last: it vouches for the rest
    except OSError as fault:
        raise UnavailableError("export_failed", f"`{folder}` cannot be written: {fault.strerror}") from fault
    return Exported(str(folder), head.size, files + 2)


def _tiles(reader: AuditReader, size: int, folder: Path) -> int:
    files = 0
    for tile in tiles_for(size):
        path = folder / tile_path(tile.level or 0, tile.index, tile.width)
        if not path.exists():
            _write(path, reader.tile(tile.level or 0, tile.index)[: tile.width * HASH_BYTES])
            files += 1
    return files


def _bundles(reader: AuditReader, size: int, folder: Path, opener: Opener | None) -> int:
    files = 0
    for index in range(-(-size // TILE_WIDTH)):
        start = index * TILE_WIDTH
        width = min(TILE_WIDTH, size - start)
        path = folder / entries_path(index, width)
        if not path.exists():
            _write(path, bundle(reader.entries(start, start + width)))
            files += 1
        if opener is not None:
            _write(
                folder / "openings" / f"{index:09d}", _openings(reader.rows(start, start + width), opener), private=True
            )
            files += 1
    return files


def _openings(rows: Iterable[RecordRow], opener: Opener) -> bytes:
    opened = ((row.idx, opener(row)) for row in rows)
    return b"".join(b"%d %s\n" % (index, base64.b64encode(data)) for index, data in opened if data is not None)


def _write(path: Path, data: bytes, *, private: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=_PRIVATE if private else 0o644)
    beside.write_bytes(data)
    beside.replace(path)
