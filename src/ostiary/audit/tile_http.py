"""What the log shows the world over HTTP: checkpoint, tiles, entry bundles (C2SP tlog-tiles), without any framework.

- ``vkeys`` is ours beside the standard paths: the log's verifier keys, for a first visit only.
- Everything served here is public by design: entries hold no personal data.
- Full and partial tiles never change once they can be served, so they may be cached for ever; the checkpoint never.

>>> from ostiary.testing.memory_store import MemoryStore
>>> TileFace(MemoryStore()).answer("tile/0/000").status
404
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.audit.ports import AuditReader
from ostiary.audit.tlog.merkle import HASH_BYTES
from ostiary.audit.tlog.notes import NoteKey
from ostiary.audit.tlog.tiles import TILE_WIDTH, TileId, bundle, parse_path
from ostiary.errors import FaultyInputError

_FOREVER: Final = "public, max-age=31536000, immutable"
_NEVER: Final = "no-cache"
_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"


Keys = Callable[[], list[NoteKey]]


class TileAnswer(msgspec.Struct, frozen=True):
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = _TEXT
    cache_control: str = _NEVER

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers to send."""
        return [("content-type", self.content_type), ("cache-control", self.cache_control)]


_UNKNOWN: Final = TileAnswer(404, b"not found\n")


class TileFace:
    """Answers GET requests below the log's prefix."""

    def __init__(self, reader: AuditReader, keys: Keys = list, *, prefer_cosigned: bool = False) -> None:
        """Serve the newest checkpoint, or with ``prefer_cosigned`` the newest that witnesses have cosigned.

        Args:
            reader: the log.
            keys: returns the log's public keys, which are served as ``vkeys``: one verifier key a line.
            prefer_cosigned: for clients whose policy demands witnesses.
        """
        self._reader = reader
        self._keys = keys
        self._prefer_cosigned = prefer_cosigned

    def answer(self, path: str) -> TileAnswer:
        """Return the answer for a path such as ``checkpoint`` or ``tile/0/000.p/7``; never raises for a bad path."""
        if path == "checkpoint":
            return self._checkpoint()
        if path == "vkeys":
            return self._vkeys()
        try:
            tile = parse_path(path)
        except FaultyInputError:
            return _UNKNOWN
        body = self._hashes(tile) if tile.level is not None else self._entries(tile)
        return TileAnswer(200, body, _BYTES, _FOREVER) if body else _UNKNOWN

    def _checkpoint(self) -> TileAnswer:
        cosigned = self._reader.cosigned() if self._prefer_cosigned else b""
        body = cosigned or self._reader.head().checkpoint
        return TileAnswer(200, body) if body else _UNKNOWN

    def _vkeys(self) -> TileAnswer:
        lines = "".join(f"{key.vkey()}\n" for key in self._keys())
        return TileAnswer(200, lines.encode()) if lines else _UNKNOWN

    def _hashes(self, tile: TileId) -> bytes:
        wanted = tile.width * HASH_BYTES
        stored = self._reader.tile(tile.level or 0, tile.index)
        return stored[:wanted] if len(stored) >= wanted else b""

    def _entries(self, tile: TileId) -> bytes:
        start = tile.index * TILE_WIDTH
        if start + tile.width > self._reader.head().size:
            return b""
        return bundle(self._reader.entries(start, start + tile.width))
