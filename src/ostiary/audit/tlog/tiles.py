"""Tiles: the tree cut into pieces of 256 hashes that never change once full (C2SP tlog-tiles).

- A tile at level L holds the roots of full tiles one level below; level 0 holds leaf hashes.
- A partial tile is a prefix of the full one, so one stored row serves every width.
- Entry bundles are length-prefixed entries, 256 to a bundle.

>>> tile_path(0, 1234067), tile_path(1, 5, 17), entries_path(3)
('tile/0/x001/x234/067', 'tile/1/005.p/17', 'tile/entries/003')
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final

import msgspec

from ostiary.audit.tlog.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, root_of, split
from ostiary.errors import FaultyInputError

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
FULL_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
ENTRY_LIMIT: Final = 65_535
MAX_LEVEL: Final = 63
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<w>[0-9]{1,3}))?\Z"
)

TileReader = Callable[[int, int], bytes]
"""Returns the hashes of tile (level, index), as many as are stored."""


class TileId(msgspec.Struct, frozen=True):
    """Which tile a path names: ``level`` is ``None`` for an entry bundle, ``width`` is 256 for a full one."""

    level: int | None
    index: int
    width: int = TILE_WIDTH


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile under the log's prefix."""
    return f"tile/{level}/{_index_path(index)}{_width_path(width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of an entry bundle under the log's prefix."""
    return f"tile/entries/{_index_path(index)}{_width_path(width)}"


def parse_path(path: str) -> TileId:
    """Return which tile ``path`` names; only the one canonical spelling of each is accepted.

    Raises:
        FaultyInputError: ``tile_path_invalid``.
    """
    found = _PATH.match(path)
    if found:
        level = None if found["level"] == "entries" else int(found["level"])
        width = int(found["w"]) if found["w"] else TILE_WIDTH
        tile = TileId(level, int(found["n"].replace("x", "").replace("/", "")), width)
        canonical = entries_path(tile.index, width) if level is None else tile_path(level, tile.index, width)
        if canonical == path and 0 < width <= TILE_WIDTH and (level or 0) <= MAX_LEVEL:
            return tile
    raise FaultyInputError("tile_path_invalid", f"`{path[:80]}` names no tile")


def tiles_for(size: int) -> Iterator[TileId]:
    """Yield every hash tile that a tree of ``size`` entries consists of, level by level."""
    level = 0
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        for index in range(full):
            yield TileId(level, index)
        if rest:
            yield TileId(level, full, rest)
        level, size = level + 1, full


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as an entry bundle."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


class Frontier:
    """The right edge of a growing tree: all that is needed to append and to know the root.

    Beside each level's hashes it keeps the roots of the whole subtrees among them, largest first: appending hashes each
    node once, and the root is their fold from the right (RFC 6962 §2.1), eight hashes a level and not two hundred.
    """

    def __init__(self) -> None:
        """Start with the empty tree."""
        self.size = 0
        self._edges: list[bytearray] = []
        self._peaks: list[list[bytes]] = []
        self._dirty: dict[tuple[int, int], bytes] = {}

    @classmethod
    def load(cls, size: int, tile: TileReader) -> "Frontier":
        """Read the right edge of a stored tree of ``size`` entries."""
        frontier = cls()
        frontier.size = size
        level, rest = 0, size
        while rest:
            rest, width = divmod(rest, TILE_WIDTH)
            edge = tile(level, rest)[: width * HASH_BYTES] if width else b""
            frontier._edges.append(bytearray(edge))
            frontier._peaks.append(_peaks_of(edge))
            level += 1
        return frontier

    def push(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self._push(0, leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        below: bytes | None = None
        for peaks in self._peaks:
            for peak in reversed(peaks):
                below = peak if below is None else node_hash(peak, below)
        return EMPTY_ROOT if below is None else below

    def take_changed(self) -> list[tuple[int, int, bytes]]:
        """Return every tile that changed since the last call as (level, index, hashes)."""
        changed = [(level, index, hashes) for (level, index), hashes in self._dirty.items()]
        for level, edge in enumerate(self._edges):
            if edge:
                changed.append((level, self.size // TILE_WIDTH ** (level + 1), bytes(edge)))
        self._dirty.clear()
        return changed

    def _push(self, level: int, value: bytes) -> None:
        if level == len(self._edges):
            self._edges.append(bytearray())
            self._peaks.append([])
        edge, peaks = self._edges[level], self._peaks[level]
        edge += value
        _grow(peaks, len(edge) // HASH_BYTES, value)
        if len(edge) == FULL_TILE_BYTES:
            index = self.size // TILE_WIDTH ** (level + 1)
            self._dirty[level, index] = bytes(edge)
            (root,) = peaks
            edge.clear()
            peaks.clear()
            self._push(level + 1, root)


def _grow(peaks: list[bytes], count: int, value: bytes) -> None:
    """Add the ``count``-th hash of a level to the roots of its whole subtrees."""
    while not count & 1:
        value, count = node_hash(peaks.pop(), value), count >> 1
    peaks.append(value)


def _peaks_of(edge: bytes) -> list[bytes]:
    peaks: list[bytes] = []
    for count in range(1, len(edge) // HASH_BYTES + 1):
        _grow(peaks, count, edge[(count - 1) * HASH_BYTES : count * HASH_BYTES])
    return peaks


def inclusion_proof(index: int, size: int, tile: TileReader) -> list[bytes]:
    """Return the audit path of entry ``index`` in the tree of ``size`` entries (RFC 6962 §2.1.1)."""
    proof: list[bytes] = []
    tile = cache(tile)  # several steps lie in one tile
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            proof.append(range_hash(middle, end, tile))
            end = middle
        else:
            proof.append(range_hash(start, middle, tile))
            start = middle
    return proof[::-1]


def consistency_proof(size1: int, size2: int, tile: TileReader) -> list[bytes]:
    """Return the proof that the tree of ``size2`` extends that of ``size1`` (RFC 6962 §2.1.2)."""
    proof: list[bytes] = []
    if size1 in {0, size2}:
        return proof
    tile = cache(tile)
    start, end, complete = 0, size2, True
    while size1 != end:
        middle = start + split(end - start)
        if size1 <= middle:
            proof.append(range_hash(middle, end, tile))
            end = middle
        else:
            proof.append(range_hash(start, middle, tile))
            start, complete = middle, False
    if not complete:
        proof.append(range_hash(start, end, tile))
    return proof[::-1]


def range_hash(start: int, end: int, tile: TileReader) -> bytes:
    """Return the tree hash of entries ``start`` to ``end``, where ``start`` is a subtree's beginning."""
    count = end - start
    if count & (count - 1) == 0:
        return _subtree_hash(start, count.bit_length() - 1, tile)
    middle = start + split(count)
    return node_hash(range_hash(start, middle, tile), range_hash(middle, end, tile))


def _subtree_hash(start: int, height: int, tile: TileReader) -> bytes:
    level, rest = divmod(height, TILE_HEIGHT)
    index, offset = divmod(start >> (TILE_HEIGHT * level), TILE_WIDTH)
    stored = tile(level, index)
    hashes = [stored[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(offset, offset + (1 << rest))]
    if any(len(value) != HASH_BYTES for value in hashes):
        msg = f"tile {level}/{index} is too narrow"
        raise RuntimeError(msg)
    return root_of(hashes)


def _index_path(index: int) -> str:
    text = f"{index:03d}"
    text = text.zfill(-(-len(text) // 3) * 3)
    parts = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def _width_path(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"
