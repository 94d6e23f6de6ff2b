r"""A thin binding to real OPA: the Go library inside the wheel ``opa-golib-python-bindings``, by ctypes.

- JSON bytes go in, JSON bytes come out; no lock is taken, ctypes drops the GIL, several threads evaluate at once.
- The library is loaded once, lazily, and never in a parent that forks: Go does not survive ``fork`` (golang/go#15538),
  a forked child would hang for ever. The process id is remembered and a child is refused instead.
- Go reads ``GOGC`` and ``GOMAXPROCS`` from the environment that the process was *started* with: setting them later has
  no effect (measured, ADR-0002). Who starts a worker gives it `launch_environment`.
- Go's watchman wakes every 20 us while policy is evaluated, which cost a decision a dozen switches of context; its
  threads are started with a timer slack (prctl(2)) under which it wakes a third as often.
- The wheel's metadata asks for Python 3.14, its code does not. Where it is missing, the error says the one command.

>>> library = load_library()
>>> with library.new_engine() as engine:
...     engine.add_policy("hello.rego", "package hello\nanswer := input.x + 1")
...     engine.evaluate(b"hello.answer", b'{"x": 41}')
b'{"prints":null,"result":[{"expressions":[{"value":42,"text":"data.hello.answer","location":{"row":1,"col":1}}]}]}'
"""

import ctypes
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.policy.limits import EngineSettings

WHEEL: Final = "opa-golib-python-bindings==0.4.4"
MEND: Final = f"pip install --ignore-requires-python --no-deps {WHEEL}"
_MODULE: Final = "opa_bindings"
_FILE: Final = "libopabridge.so"
_SET_SLACK: Final = 29  # PR_SET_TIMERSLACK and PR_GET_TIMERSLACK of linux/prctl.h
_GET_SLACK: Final = 30
SLACK_NS: Final = 200_000
"""How late the library's own threads may wake. Longer, and a thread waits that long for another's turn in Go to end."""
# Name in the library: does it answer with a string we must free, and its argument types (after the wheel's _native.py).
_HANDLE: Final = ctypes.c_uint64
_TEXT: Final = ctypes.c_char_p
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "OpaNew": (_HANDLE, []),
    "OpaDestroy": (None, [_HANDLE]),
    "OpaFreeString": (None, [ctypes.c_void_p]),
    "OpaAddPolicy": (ctypes.c_void_p, [_HANDLE, _TEXT, _TEXT]),
    "OpaAddData": (ctypes.c_void_p, [_HANDLE, _TEXT, _TEXT]),
    "OpaEvalQuery": (ctypes.c_void_p, [_HANDLE, _TEXT, _TEXT, ctypes.c_int, ctypes.c_int]),
    "OpaEvalDocument": (ctypes.c_void_p, [_HANDLE, _TEXT, _TEXT, ctypes.c_int, ctypes.c_int]),
    "OpaCompileFilters": (ctypes.c_void_p, [_HANDLE, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT]),
}


class _Fault(msgspec.Struct):
    code: str = "unknown"
    message: str = ""


class _Acknowledgement(msgspec.Struct):
    error: _Fault | None = None


_acknowledgement = msgspec.json.Decoder(_Acknowledgement)


class OpaFaultError(FaultyInputError):
    """OPA refused a source, data or query; ``code`` is ``opa_`` and OPA's own code."""

    def __init__(self, code: str, message: str) -> None:
        """Keep OPA's message: it names file and line, and may quote the policy's source."""
        super().__init__(f"opa_{code}", message)


class OpaLibrary:
    """The loaded library. Get it from `load_library`."""

    def __init__(self, path: Path) -> None:
        """Load the shared library at ``path`` and declare its functions."""
        self.path = path
        self._pid = os.getpid()
        try:
            with _unhurried():
                self._lib = ctypes.CDLL(str(path))
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(self._lib, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as fault:
            text = f"the policy engine's library does not load ({fault}): run `{MEND}`"
            raise UnavailableError("engine_broken", text) from fault
        self.evaluate_document = self._lib.OpaEvalDocument
        self.evaluate_query = self._lib.OpaEvalQuery
        self.filters = self._lib.OpaCompileFilters
        self.free = self._lib.OpaFreeString

    def check_process(self) -> None:
        """Refuse in a forked child, where any call would hang for ever.

        Raises:
            UnavailableError: ``engine_forked``.
        """
        if os.getpid() != self._pid:
            text = "the policy engine was loaded before this process was forked: start workers by spawn"
            raise UnavailableError("engine_forked", text)

    def new_engine(self) -> "OpaInstance":
        """Return an empty engine."""
        self.check_process()
        return OpaInstance(self, int(self._lib.OpaNew()))

    def take(self, pointer: int | None) -> bytes:
        """Copy the string at ``pointer`` and give its memory back to the library."""
        if not pointer:
            raise UnavailableError("engine_broken", "the policy engine's library answered nothing")
        try:
            return ctypes.string_at(pointer)
        finally:
            self.free(pointer)

    def change(self, name: str, handle: int, *arguments: bytes) -> None:
        """Call a configuring function and raise what it complains of."""
        answer = self.take(getattr(self._lib, name)(handle, *arguments))
        fault = _acknowledgement.decode(answer).error
        if fault is not None:
            raise OpaFaultError(fault.code, fault.message)

    def destroy(self, handle: int) -> None:
        """Release an engine; evaluations that come after are refused by the library."""
        if os.getpid() == self._pid:
            self._lib.OpaDestroy(handle)


class OpaInstance:
    """One OPA engine: modules, data, and evaluations of fixed documents.

    Every distinct document path keeps a compiled query and a store copy of its own: ask only fixed paths.
    """

    def __init__(self, library: OpaLibrary, handle: int) -> None:
        """Hold the library's handle."""
        self._library = library
        self._handle = handle

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def add_policy(self, path: str, source: str) -> None:
        """Add a Rego module. Compile errors that span modules show at the first evaluation."""
        self._library.change("OpaAddPolicy", self._open(), c_text(path.encode()), c_text(source.encode()))

    def add_data(self, value: object) -> None:
        """Merge ``value`` into the root of the data document."""
        self._library.change("OpaAddData", self._open(), b"", c_text(msgspec.json.encode(value)))

    def evaluate(self, path: bytes, document: bytes, *, coverage: bool = False) -> bytes:
        """Evaluate ``data.<path>`` on the JSON ``document``; return OPA's envelope as JSON."""
        library = self._library
        if os.getpid() != library._pid:  # noqa: SLF001 - the two classes are one binding; this is the hot path
            library.check_process()
        return library.take(library.evaluate_document(self._open(), path, document, coverage, 0))

    def query(self, query: str, document: bytes) -> bytes:
        """Evaluate any query. For conformance runs and scratch engines; never build a query from input."""
        self._library.check_process()
        return self._library.take(self._library.evaluate_query(self._open(), c_text(query.encode()), document, 0, 0))

    def compile_filters(self, query: bytes, document: bytes) -> bytes:
        """Partially evaluate a fixed query with ``input.document`` unknown; return OPA's envelope with UCAST in it."""
        library = self._library
        library.check_process()
        told = (c_text(query), c_text(document), b'["input.document"]', b"ucast", b"all", b"", b"")
        return library.take(library.filters(self._open(), *told))

    def close(self) -> None:
        """Release the engine; closing twice is harmless."""
        handle, self._handle = self._handle, 0
        if handle:
            self._library.destroy(handle)

    def _open(self) -> int:
        if not self._handle:
            raise UnavailableError("engine_closed", "the policy engine has been closed")
        return self._handle


@contextmanager
def _unhurried() -> Iterator[None]:
    """Let threads that are started meanwhile wake up to ``SLACK_NS`` late; they inherit it from who starts them."""
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    before = prctl(_GET_SLACK, 0, 0, 0, 0)
    prctl(_SET_SLACK, SLACK_NS, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SET_SLACK, max(0, before), 0, 0, 0)  # 0 is what this thread began with


def c_text(text: bytes) -> bytes:
    """Return ``text`` when C can carry it whole: a zero byte would cut it short, unseen.

    Raises:
        FaultyInputError: ``text_has_nul``.
    """
    if b"\0" in text:
        raise FaultyInputError("text_has_nul", "the text holds a zero byte")
    return text


_loading = threading.Lock()
_loaded: list[OpaLibrary] = []


def library_path() -> Path:
    """Return where the wheel keeps its library.

    Raises:
        UnavailableError: ``engine_missing``, with the command that mends it.
    """
    found = importlib.util.find_spec(_MODULE)
    place = Path(found.origin).parent / _FILE if found is not None and found.origin else None
    if place is None or not place.is_file():
        raise UnavailableError("engine_missing", f"the embedded policy engine is not installed: run `{MEND}`")
    return place


def launch_environment(settings: EngineSettings | None = None) -> dict[str, str]:
    """Return what to add to the environment of a process that will load the library.

    >>> launch_environment()["GOMAXPROCS"]
    '1'
    """
    settings = settings or EngineSettings()
    return {"GOGC": str(settings.gogc), "GOMAXPROCS": str(settings.gomaxprocs)}


def load_library() -> OpaLibrary:
    """Return the library, loading it at the first call.

    Raises:
        UnavailableError: ``engine_missing``, ``engine_broken`` or ``engine_forked``.
    """
    with _loading:
        if not _loaded:
            _loaded.append(OpaLibrary(library_path()))
    _loaded[0].check_process()
    return _loaded[0]
