"""LightGBM's own single-row fast path through its public C API, without NumPy and without the Python package's code.

- Each thread has its own prepared call (``FastConfig``) and its own buffers; they go when the thread goes.
- Many rows at once are the same sums in the same order, so the same bits; only the trees are fetched more rarely.
- The library is used only in the range of versions it was tested with, and only if it gives the walker's exact
  numbers on probe rows at load (``matches``); otherwise the walker serves.
- Calls release the interpreter lock.

Measured beside the alternatives in ``docs/explanation/risk-model.md``; chosen in ADR-0007.
"""

import ctypes
import struct
import threading
import weakref
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any, Final

from ostiary.errors import UnavailableError

TESTED: Final = ((4, 7), (5, 0))  # from, up to: ADR-0007; CI runs the equality law on the locked version
_FLOAT64: Final = 1
_RAW: Final = 1
_CONTRIBUTIONS: Final = 3
_BY_ROW: Final = 1
_AT_ONCE: Final = 32  # rows of one call: a larger buffer would push the trees out of the cache
_PARAMETERS: Final = b"num_threads=1 verbosity=-1"
_LIBRARY_NAMES: Final = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")


def load_library() -> ctypes.CDLL:
    """Return LightGBM's shared library.

    Raises:
        UnavailableError: ``lightgbm_unavailable``: not installed, or a version that was not tested.
    """
    try:
        version = tuple(int(part) for part in metadata.version("lightgbm").split(".")[:2])
        spec = util.find_spec("lightgbm")
    except (metadata.PackageNotFoundError, ValueError) as fault:
        raise UnavailableError("lightgbm_unavailable", "lightgbm is not installed: the plain walker serves") from fault
    if not TESTED[0] <= version < TESTED[1]:
        raise UnavailableError("lightgbm_unavailable", f"lightgbm {version} was not tested: the plain walker serves")
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = [place / sub / name for place in places for sub in ("lib", "bin", "") for name in _LIBRARY_NAMES]
    for path in found:
        if path.is_file():
            return _open(path)
    raise UnavailableError("lightgbm_unavailable", "lightgbm's shared library was not found: the plain walker serves")


def _open(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as fault:
        raise UnavailableError("lightgbm_unavailable", "lightgbm's shared library does not load") from fault
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


class _Booster:
    """A loaded model; freed once nothing prepared on it is left."""

    __slots__ = ("__weakref__", "handle", "library", "width")

    def __init__(self, library: ctypes.CDLL, text: str, width: int) -> None:
        self.library = library
        self.width = width
        self.handle = ctypes.c_void_p()
        trees = ctypes.c_int()
        load = library.LGBM_BoosterLoadModelFromString
        _check(library, load(text.encode(), ctypes.byref(trees), ctypes.byref(self.handle)))
        weakref.finalize(self, library.LGBM_BoosterFree, self.handle)


class _Prepared:
    """One thread's prepared call: input buffer, output buffer, FastConfig; keeps the booster it points into."""

    __slots__ = ("__weakref__", "_booster", "_call", "_config", "_length", "_pack", "_row", "result")

    def __init__(self, booster: _Booster, kind: int) -> None:
        self._booster = booster
        self._row = (ctypes.c_double * booster.width)()
        self.result = (ctypes.c_double * (booster.width + 1))()
        self._length = ctypes.c_int64()
        self._pack = struct.Struct(f"{booster.width}d").pack_into
        self._config = ctypes.c_void_p()
        library = booster.library
        prepare = library.LGBM_BoosterPredictForMatSingleRowFastInit
        arguments: tuple[Any, ...] = (booster.handle, kind, 0, -1, _FLOAT64, ctypes.c_int32(booster.width), _PARAMETERS)
        _check(library, prepare(*arguments, ctypes.byref(self._config)))
        weakref.finalize(self, library.LGBM_FastConfigFree, self._config)
        self._call = library.LGBM_BoosterPredictForMatSingleRowFast

    def __call__(self, row: Sequence[float]) -> int:
        self._pack(self._row, 0, *row)
        return int(self._call(self._config, self._row, ctypes.byref(self._length), self.result))


class _Many:
    """One thread's buffers for up to ``_AT_ONCE`` rows; keeps the booster that it calls."""

    __slots__ = ("_booster", "_call", "_length", "_margins", "_pack", "_rows", "_stride")

    def __init__(self, booster: _Booster) -> None:
        self._booster = booster
        self._rows = (ctypes.c_double * (booster.width * _AT_ONCE))()
        self._margins = (ctypes.c_double * _AT_ONCE)()
        self._length = ctypes.c_int64()
        self._pack = struct.Struct(f"{booster.width}d").pack_into
        self._stride = booster.width * ctypes.sizeof(ctypes.c_double)
        self._call = booster.library.LGBM_BoosterPredictForMat

    def __call__(self, rows: Sequence[Sequence[float]]) -> list[float]:
        for place, row in enumerate(rows):
            self._pack(self._rows, place * self._stride, *row)
        booster = self._booster
        shape = (ctypes.c_int32(len(rows)), ctypes.c_int32(booster.width), _BY_ROW)
        told = (ctypes.byref(self._length), self._margins)
        code = self._call(booster.handle, self._rows, _FLOAT64, *shape, _RAW, 0, -1, _PARAMETERS, *told)
        _check(booster.library, code)
        return self._margins[: len(rows)]


class NativeTrees:
    """A booster held by LightGBM's library, called from any number of threads."""

    def __init__(self, text: str, width: int, library: ctypes.CDLL | None = None) -> None:
        """Load a model whose text the walker already accepted.

        Raises:
            UnavailableError: ``lightgbm_unavailable``.
        """
        self._library = library or load_library()
        self._booster = _Booster(self._library, text, width)
        self._threads = threading.local()

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row`` before calibration."""
        try:
            prepared = self._threads.margin
        except AttributeError:
            prepared = self._threads.margin = _Prepared(self._booster, _RAW)
        _check(self._library, prepared(row))
        return float(prepared.result[0])

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the margin of each row, the same to the last bit as one by one."""
        try:
            prepared = self._threads.margins
        except AttributeError:
            prepared = self._threads.margins = _Many(self._booster)
        found: list[float] = []
        for begin in range(0, len(rows), _AT_ONCE):
            found += prepared(rows[begin : begin + _AT_ONCE])
        return found

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's exact share of the margin (TreeSHAP); the last number, the base, is left out."""
        try:
            prepared = self._threads.contributions
        except AttributeError:
            prepared = self._threads.contributions = _Prepared(self._booster, _CONTRIBUTIONS)
        _check(self._library, prepared(row))
        return list(prepared.result)[: self._booster.width]


def _check(library: ctypes.CDLL, code: int) -> None:
    if code != 0:
        told = (library.LGBM_GetLastError() or b"").decode(errors="replace")[:200]
        raise UnavailableError("lightgbm_unavailable", f"lightgbm refused: {told}")
