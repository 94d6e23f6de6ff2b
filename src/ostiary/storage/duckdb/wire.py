"""What goes between the server and a process that runs queries: a length and a JSON head, tables beside it.

Questions bring their tables as sealed memory that is mapped, not copied, or as files with the columns that may be read
of them. Answers bring theirs as an Arrow stream behind the head.

Arrow is imported where tables are moved: with it comes pandas, a quarter of a second and 50 MB of every server that has
no feature set.
"""

import array
import contextlib
import mmap
import os
import socket
import struct
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError

MAX_HEAD: Final = 4 * 1024 * 1024
MAX_TABLES: Final = 8
_LENGTH: Final = struct.Struct("!QQ")
_INT: Final = array.array("i").itemsize
_KINDS: Final[dict[str, type[OstiaryError]]] = {
    "faulty": FaultyInputError,
    "refused": RefusedError,
    "unavailable": UnavailableError,
}


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """One table of a question: in memory, or files and a schema."""

    name: str
    files: tuple[str, ...] = ()
    schema: bytes = b""


class Asked(msgspec.Struct, frozen=True):
    """One question."""

    sql: str
    timeout_s: float
    max_rows: int
    max_bytes: int
    sources: tuple[Source, ...] = ()


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer: nothing, or what was wrong; and the processor time that it took there, in nanoseconds."""

    kind: str = ""
    code: str = ""
    message: str = ""
    cpu_ns: int = 0

    @classmethod
    def of(cls, fault: OstiaryError) -> "Said":
        """Return how a fault is said."""
        kind = next((name for name, one in _KINDS.items() if isinstance(fault, one)), "unavailable")
        return cls(kind, fault.code, fault.message)

    def raise_fault(self) -> None:
        """Raise what was wrong, if anything was."""
        if self.kind:
            raise _KINDS[self.kind](self.code, self.message)


class Given:
    """One table as it arrived."""

    def __init__(self, source: Source, handle: int | None) -> None:
        """Take what it is, and its memory."""
        self.name = source.name
        self._source, self._handle = source, handle

    def open(self) -> Any:
        """Return it for the engine."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.dataset as ds  # noqa: PLC0415

        if self._handle is None:
            schema = pa.ipc.read_schema(pa.py_buffer(self._source.schema))
            return ds.dataset(list(self._source.files), schema=schema, format="parquet")
        try:
            mapped = mmap.mmap(self._handle, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(self._handle)
        return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()


def in_memory(table: Any) -> int:
    """Return the handle of memory that holds a table, and can be neither changed nor enlarged."""
    import fcntl  # noqa: PLC0415 - where there is none there is no memfd either

    import pyarrow as pa  # noqa: PLC0415

    handle = os.memfd_create("features", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(handle), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
        fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    except BaseException:
        os.close(handle)
        raise
    return handle


def source_of(name: str, table: Any) -> Source:
    """Return how a table is named in a question."""
    import pyarrow.dataset as ds  # noqa: PLC0415

    if isinstance(table, ds.FileSystemDataset):
        return Source(name, tuple(os.path.abspath(one) for one in table.files), bytes(table.schema.serialize()))  # noqa: PTH100
    return Source(name)


def ask(link: socket.socket, asked: Asked, handles: list[int]) -> None:
    """Send a question with the memory of its tables."""
    head = msgspec.json.encode(asked)
    start = _LENGTH.pack(len(head), 0)
    if handles:
        socket.send_fds(link, [start], handles)
    else:
        link.sendall(start)
    link.sendall(head)


def receive(link: socket.socket) -> tuple[Asked, list[Given]] | None:
    """Return the next question, or nothing when nobody asks any more."""
    start, handles, _, _ = socket.recv_fds(link, _LENGTH.size, MAX_TABLES)
    if not start:
        return None
    start += _exactly(link, _LENGTH.size - len(start))
    asked = msgspec.json.decode(_exactly(link, _LENGTH.unpack(start)[0]), type=Asked)
    left = list(handles)
    return asked, [Given(one, None if one.files or one.schema else left.pop(0)) for one in asked.sources]


def send(link: socket.socket, said: Said, table: Any) -> None:
    """Send an answer."""
    head, body = msgspec.json.encode(said), b""
    if table is not None:
        import pyarrow as pa  # noqa: PLC0415

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        body = sink.getvalue()
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        link.sendall(_LENGTH.pack(len(head), len(body)))
        link.sendall(head)
        link.sendall(body)


def hear(link: socket.socket, max_bytes: int) -> tuple[Said, Any]:
    """Return an answer.

    Raises:
        EOFError: the process is gone.
        TimeoutError: it did not answer in the time that is set on ``link``.
    """
    head, body = _LENGTH.unpack(_exactly(link, _LENGTH.size))
    if head > MAX_HEAD or body > 2 * max_bytes + MAX_HEAD:
        raise EOFError
    said = msgspec.json.decode(_exactly(link, head), type=Said)
    if not body:
        return said, None
    import pyarrow as pa  # noqa: PLC0415

    with pa.ipc.open_stream(pa.py_buffer(_exactly(link, body))) as reader:
        return said, reader.read_all()


def _exactly(link: socket.socket, count: int) -> bytearray:
    whole = bytearray(count)
    view, done = memoryview(whole), 0
    while done < count:
        got = link.recv_into(view[done:])
        if not got:
            raise EOFError
        done += got
    return whole
