"""Access events on disk: one JSON document a line, in the order of time; what ``risk train`` and replay read.

Rules:
- A file appears whole or not at all (written beside its place, flushed to disk, then renamed); mode 0600, since events
  tell what people did.
- Any amount is put in order with bounded memory: sorted runs of 200,000 events, merged.
- Events of one time keep the order in which they came.
"""

import heapq
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.unreadable import UNREADABLE

RUN: Final = 200_000
_MAX_LINE: Final = 1 << 20
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(AccessEvent).decode

Line = tuple[int, bytes]


class _When(msgspec.Struct):
    """The only member that putting events in order needs."""

    time_ns: int


_when: Final = msgspec.json.Decoder(_When).decode


def write(path: Path, events: Iterable[AccessEvent], *, append: bool = False) -> int:
    """Write ``events`` to ``path`` in the order of time and return how many; with ``append`` keep what is there.

    Raises:
        UnavailableError: ``events_unwritable``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent, prefix=".events-")))
            runs = list(_runs(folder, events))
            count = sum(number for _, number in runs)
            sources = [path] if append and path.exists() else []
            sources += [run for run, _ in runs]
            lines = heapq.merge(*(_lines(stack, each) for each in sources), key=lambda line: line[0])
            _place(folder / "whole", path, lines)
    except OSError as fault:
        raise UnavailableError("events_unwritable", f"`{path}` cannot be written: {fault.strerror}") from fault
    return count


def _runs(folder: Path, events: Iterable[AccessEvent]) -> Iterator[tuple[Path, int]]:
    run: list[Line] = []
    number = 0
    for event in events:
        run.append((event.time_ns, _encode(event)))
        if len(run) >= RUN:
            yield _run(folder / str(number), run), len(run)
            run, number = [], number + 1
    yield _run(folder / str(number), run), len(run)


def _run(path: Path, lines: list[Line]) -> Path:
    lines.sort(key=lambda line: line[0])
    with path.open("wb") as file:
        file.writelines(data + b"\n" for _, data in lines)
    return path


def _lines(stack: ExitStack, path: Path) -> Iterator[Line]:
    file = stack.enter_context(path.open("rb"))
    return ((_when(line).time_ns, line.rstrip(b"\n")) for line in file)


def _place(beside: Path, path: Path, lines: Iterable[Line]) -> None:
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(data + b"\n" for _, data in lines)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read(path: Path) -> Iterator[AccessEvent]:
    """Yield the events of a file that ``write`` wrote.

    Raises:
        FaultyInputError: ``events_unreadable``, ``events_malformed`` with the line.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE + 1):
                number += 1
                yield _event(line, number, path)
    except OSError as fault:
        raise FaultyInputError("events_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _event(line: bytes, number: int, path: Path) -> AccessEvent:
    try:
        return _decode(line)
    except UNREADABLE as fault:
        text = f"`{path}` line {number} is no access event"
        raise FaultyInputError("events_malformed", text, str(number)) from fault


def keep_only(path: Path, wanted: Callable[[AccessEvent], bool]) -> int:
    """Rewrite a file with the wanted events only and return how many went; erases a subject from stored history.

    Raises:
        FaultyInputError: as ``read``.
        UnavailableError: as ``write``.
    """
    gone = 0

    def kept() -> Iterator[AccessEvent]:
        nonlocal gone
        for event in read(path):
            if wanted(event):
                yield event
            else:
                gone += 1

    write(path, kept())
    return gone
