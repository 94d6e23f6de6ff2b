"""The plain walker's own walk in C, where that was compiled: the same trees, the same order, the same bits.

- Made of what ``trees.parse_trees`` accepted, never of a model's text; columns that no tree looks at are left out.
- Used only when it gives the walker's exact numbers on probe rows at load (``scorer.pick_engine``).
- Each thread has its own buffers. Calls release the interpreter lock.
- ``tools/compile.py`` makes the library beside the compiled signals, under the same digest (ADR-0021).
"""

import ctypes
import struct
import threading
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.risk.trees import Trees
from ostiary.signals import compiled

_NODE: Final = struct.Struct("=d4i")
_DOUBLE: Final = ctypes.sizeof(ctypes.c_double)
_AT_ONCE: Final = 64


def load_walk(place: Path | None = None) -> ctypes.CDLL:
    """Return the walker's library; by default the one that belongs to these sources.

    Raises:
        UnavailableError: ``walk_unavailable``.
    """
    library = load_kernel(compiled.WALK, place)
    library.walk_row.restype = ctypes.c_double
    return library


def load_kernel(name: str, place: Path | None = None) -> ctypes.CDLL:
    """Return a library of what is compiled; by default of what belongs to these sources.

    Raises:
        UnavailableError: ``walk_unavailable``.
    """
    if place is None and compiled.PLAIN:
        raise UnavailableError("walk_unavailable", compiled.PLAIN)
    try:
        return ctypes.CDLL(str((place or compiled.PLACE) / name))
    except OSError as fault:
        raise UnavailableError("walk_unavailable", f"the compiled `{name}` does not load") from fault


class Buffers:
    """Room for rows and their margins, which each thread has for itself."""

    def __init__(self, width: int) -> None:
        """Take how many numbers of a row the library sees."""
        self._width = width
        self._threads = threading.local()

    def __call__(self) -> tuple[Any, Any]:
        """Return this thread's: rows, then margins."""
        try:
            return self._threads.buffers  # type: ignore[no-any-return]
        except AttributeError:
            buffers = (ctypes.c_double * (self._width * _AT_ONCE))(), (ctypes.c_double * _AT_ONCE)()
            self._threads.buffers = buffers
            return buffers


def in_batches(
    some: Callable[[Sequence[Sequence[float]]], list[float]], rows: Sequence[Sequence[float]]
) -> list[float]:
    """Return what ``some`` says of all rows, asked about as many at a time as ``Buffers`` have room for."""
    found: list[float] = []
    for begin in range(0, len(rows), _AT_ONCE):
        found += some(rows[begin : begin + _AT_ONCE])
    return found


class SwiftTrees:
    """A forest in C arrays, walked from any number of threads."""

    def __init__(self, trees: Trees, library: ctypes.CDLL) -> None:
        """Lay the trees out for ``library``."""
        self._trees, self._library = trees, library
        used = sorted(trees.columns())
        self._width = max(1, len(used))
        self._told = _picker(used)
        self._pack = struct.Struct(f"{self._width}d").pack_into
        nodes = _nodes(trees, {column: place for place, column in enumerate(used)})
        self._nodes = (ctypes.c_char * len(nodes)).from_buffer_copy(nodes)
        inner = len(trees.feature)
        roots = [root if root >= 0 else inner + ~root for root in trees.roots]
        self._roots = (ctypes.c_int32 * len(roots))(*roots)
        self._depths = (ctypes.c_int32 * len(roots))(*[_depth(trees, root) for root in trees.roots])
        self._forest = (self._nodes, self._roots, self._depths, ctypes.c_int32(len(roots)))
        self._buffers = Buffers(self._width)

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row`` before calibration."""
        rows, _ = self._buffers()
        self._pack(rows, 0, *self._told(row))
        return float(self._library.walk_row(*self._forest, rows))

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the margin of each row."""
        return in_batches(self._some, rows)

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's share by the path it took, as the plain walker tells it."""
        return self._trees.contributions(row)

    def _some(self, rows: Sequence[Sequence[float]]) -> list[float]:
        packed, margins = self._buffers()
        pack, told, stride = self._pack, self._told, self._width * _DOUBLE
        for place, row in enumerate(rows):
            pack(packed, place * stride, *told(row))
            margins[place] = 0.0
        shape = (ctypes.c_int32(self._width), ctypes.c_int32(len(rows)))
        self._library.walk_rows(*self._forest, packed, *shape, margins)
        return list(margins[: len(rows)])


def _picker(used: Sequence[int]) -> Callable[[Sequence[float]], Sequence[float]]:
    """Return what takes the used columns out of a row; at least one number, since a buffer of none cannot be."""
    if len(used) > 1:
        return itemgetter(*used)
    return lambda row: (row[used[0]],) if used else (0.0,)


def _nodes(trees: Trees, place: dict[int, int]) -> bytes:
    """Return the inner nodes and behind them the leaves, each of which leads to itself."""
    inner, pack = len(trees.feature), _NODE.pack

    def at(node: int) -> int:
        return node if node >= 0 else inner + ~node

    ways = zip(trees.threshold, trees.feature, trees.left, trees.right, trees.missing, strict=True)
    whole = [
        pack(threshold, place[column], at(left), at(right), at(missing))
        for threshold, column, left, right, missing in ways
    ]
    whole += [pack(value, 0, inner + leaf, inner + leaf, inner + leaf) for leaf, value in enumerate(trees.leaf)]
    return b"".join(whole)


def _depth(trees: Trees, root: int) -> int:
    """Return how many steps lead from ``root`` to its furthest leaf."""
    depth, level = 0, [root] if root >= 0 else []
    while level:
        depth += 1
        level = [kid for node in level for kid in (trees.left[node], trees.right[node]) if kid >= 0]
    return depth
