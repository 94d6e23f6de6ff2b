"""The session's networks in C, where that was compiled: the same numbers as ``PlainNets`` to the last bit.

- Made of what ``session_net.parse_nets`` accepted; used only when it agrees with plain Python on probe rows at load.
- Each thread has its own buffers. Calls release the interpreter lock.
- ``tools/compile.py`` makes the library beside the compiled signals, under the same digest (ADR-0021).
"""

import ctypes
import math
import struct
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.risk.session_forest import Nets
from ostiary.risk.session_net import LARGEST, PlainNets, SessionNets
from ostiary.risk.swift import Buffers, in_batches, load_kernel
from ostiary.signals import compiled

_DOUBLE: Final = ctypes.sizeof(ctypes.c_double)
_PROBES: Final = (0.0, -1.0, 2.5, math.nan, 1e9, -0.4, 17.0, -1e300, math.inf, 0.001)


class _Shape(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("columns", "unsaid", "units", "second", "nets")),
        ("largest", ctypes.c_double),
    )


class SwiftNets:
    """The networks in C arrays, asked from any number of threads."""

    def __init__(self, nets: SessionNets, names: Sequence[str], library: ctypes.CDLL) -> None:
        """Lay the networks out for ``library``."""
        self._library = library
        self._width = len(nets.columns)
        self._told = itemgetter(*[names.index(name) for name in nets.columns], 0)
        self._pack = struct.Struct(f"{self._width}d").pack_into
        shape = _Shape(self._width, len(nets.unsaid), nets.units, nets.second, len(nets.nets), LARGEST)
        weights = b"".join(one.weights for one in nets.nets)
        flat = struct.unpack(f"<{len(weights) // 4}f", weights)
        self._nets = (
            ctypes.byref(shape),
            _doubles(nets.centre),
            _doubles(nets.width),
            (ctypes.c_int32 * max(1, len(nets.unsaid)))(*nets.unsaid),
            _doubles(flat),
            ctypes.c_int32(nets.size),
        )
        self._buffers = Buffers(self._width)

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        return self._some((row,))[0]

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row."""
        return in_batches(self._some, rows)

    def _some(self, rows: Sequence[Sequence[float]]) -> list[float]:
        packed, margins = self._buffers()
        for place, row in enumerate(rows):
            self._pack(packed, place * self._width * _DOUBLE, *self._told(row)[:-1])
        self._library.net_rows(*self._nets, packed, ctypes.c_int32(len(rows)), margins)
        return list(margins[: len(rows)])


def net_engine(nets: SessionNets, names: Sequence[str]) -> Nets:
    """Return the networks in C where they are compiled and agree with plain Python to the last bit, else that."""
    plain = PlainNets(nets, names)
    rows = _probe_rows(len(names))
    try:
        swift = SwiftNets(nets, names, load_kernel(compiled.NET))
    except UnavailableError:
        return plain
    return swift if swift.margins(rows) == plain.margins(rows) else plain


def _doubles(numbers: Sequence[float]) -> Any:
    return (ctypes.c_double * len(numbers))(*numbers)


def _probe_rows(width: int) -> list[list[float]]:
    count = len(_PROBES)
    return [[_PROBES[(start + column * (start + 1)) % count] for column in range(width)] for start in range(count)]
