"""A judge in a process of its own: while it scores what was looked at, the next accesses are looked at.

What is looked at never depends on a score, so both can go on at the same time; scores, reasons and order are those of
one process, to the last bit.

Rules:
- The other process is a fork, made once everything is loaded and verified, so it judges by the very same model. It is
  made only where nothing else runs in this process: no thread survives a fork. Where it cannot be, there is none.
- What goes over is the access, the features that the model wants, and what session risk looks at. If the other process
  has little to do, all that is known goes over instead, and it works out the features as well: so both are busy.
- Histories stay here, too: words are said against them.
- Bounded: ``AHEAD`` batches are on their way, and no more bytes than a socket holds, so that neither waits for a reader
  who waits for it. A batch that is larger goes alone.
- It ends when its stream ends or is left, or when this process does. Should it end by itself, the stream fails.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from mmap import mmap
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from operator import itemgetter
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.risk.look import Known, Parts, taken, told
from ostiary.signals.features import INDEX, NAMES
from ostiary.signals.history import History
from ostiary.signals.signal import Extract
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

AHEAD: Final = 4
_MOST_BYTES: Final = 96 * 1024  # half of what a socket holds unless an administrator says otherwise
_IDLE: Final = 2  # batches on their way with which the other process soon has nothing to do
_ROOM: Final = 8 * 1024  # of one access with all that is known: five of them usually
_NAN: Final = float("nan")
_TASKS: Final = Path("/proc/self/task")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[History]).decode


class Looked(NamedTuple):
    """Accesses that were looked at, and what was known before each."""

    events: list[AccessEvent]
    histories: list[History]


class Judgement(NamedTuple):
    """The risk of each access of a batch, and of its session, if sessions are judged."""

    risks: list[RiskScore]
    sessions: list[RiskScore] | None


Judge = Callable[[Sequence[AccessEvent], Sequence[Known], Sequence[Sequence[float]]], Judgement]


def possible() -> bool:
    """Return whether a process can be put beside this one, and would have a core to run on."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:  # noqa: PLR2004
        return False
    try:
        return len(list(_TASKS.iterdir())) == 1  # a library may have threads that Python does not know
    except OSError:
        return False


class Beside:
    """Judges batches in another process, in order. Not safe for threads."""

    def __init__(self, judge: Judge, extract: Extract, wanted: Iterable[str], batch: int, *, looks: bool) -> None:
        """Begin the process; check ``possible`` first.

        Args:
            judge: judges a batch; what it remembers, it remembers over there.
            extract: works out the features of an access.
            wanted: names of those that ``judge`` looks at.
            batch: accesses of a batch at most.
            looks: whether it needs to know what was known before an access.
        """
        self._extract, self._looks = extract, looks
        self._slots = Slots(sorted(INDEX[name] for name in wanted), batch)
        self._bytes: deque[int] = deque()
        context = get_context("fork")
        self._ours, theirs = context.Pipe()
        arguments = (self._ours, theirs, self._slots, judge, extract)
        self._process = context.Process(target=_serve, args=arguments, daemon=True, name="ostiary-judge")
        self._process.start()
        theirs.close()

    def judged(self, batches: Iterable[Looked]) -> Iterator[tuple[Looked, Judgement]]:
        """Yield each batch with its judgement, up to ``AHEAD`` batches late; the process ends with it.

        What ``batches`` raises comes after the judgements of all that it gave before, as in one process.

        Raises:
            UnavailableError: ``judge_ended``, or what its model says.
        """
        waiting: deque[Looked] = deque()
        faults: list[Exception] = []
        try:
            for number, batch in enumerate(_until_fault(batches, faults)):
                while waiting and (len(waiting) >= AHEAD or self._ours.poll()):
                    yield waiting.popleft(), self._answer()
                message = ForkingPickler.dumps(self._asked(number, batch, idle=len(waiting) < _IDLE))
                while waiting and sum(self._bytes) + len(message) > _MOST_BYTES:
                    yield waiting.popleft(), self._answer()
                self._send(message)
                waiting.append(batch)
            while waiting:
                yield waiting.popleft(), self._answer()
            for fault in faults:
                raise fault
        finally:
            self.close()

    def close(self) -> None:
        """End the process."""
        self._ours.close()
        self._process.join()

    def _asked(self, number: int, batch: Looked, *, idle: bool) -> "_Asked":
        """Lay the batch down: whole if the other process has little to do, else with its features worked out."""
        events, histories = batch
        if idle and (size := self._slots.put_histories(number, histories)):
            return _Asked(number, size, events, [])
        self._slots.put_rows(number, [self._extract(*one) for one in zip(events, histories, strict=True)])
        return _Asked(number, 0, events, [told(history) for history in histories] if self._looks else [])

    def _send(self, message: memoryview) -> None:
        self._bytes.append(len(message))
        try:
            self._ours.send_bytes(message)
        except OSError as fault:
            raise _ended() from fault

    def _answer(self) -> Judgement:
        try:
            answer = self._ours.recv()
        except (EOFError, OSError) as fault:
            raise _ended() from fault
        self._bytes.popleft()
        if not isinstance(answer, Judgement):
            raise UnavailableError(*answer)
        return answer


def _until_fault(batches: Iterable[Looked], faults: list[Exception]) -> Iterator[Looked]:
    """Yield batches as long as they come, and keep what ended them."""
    try:
        yield from batches
    except Exception as fault:  # noqa: BLE001 - it is raised when those before it are judged
        faults.append(fault)


class _Asked(NamedTuple):
    """One batch on its way: its number, how long its histories are in its slot (none: rows lie there), and the rest."""

    number: int
    size: int
    events: list[AccessEvent]
    looks: list[Parts]


class Slots:
    """Features, or all that is known, of the batches that are on their way: in memory that both processes see."""

    def __init__(self, wanted: Sequence[int], batch: int) -> None:
        """Make room for batches of so many accesses, and for the features at the places ``wanted``."""
        row = Struct(f"{len(wanted)}d")
        self._pack, self._unpack, self._width = row.pack_into, row.unpack_from, row.size
        self._size = batch * max(row.size, _ROOM)
        self._memory = mmap(-1, AHEAD * self._size)
        places = {column: place for place, column in enumerate(wanted)}
        self._pick = _picker(wanted)
        self._spread = _picker([places.get(column, len(wanted)) for column in range(len(NAMES))])

    def put_rows(self, number: int, rows: Sequence[Sequence[float]]) -> None:
        """Lay down what is wanted of the rows of batch ``number``."""
        begin, width = number % AHEAD * self._size, self._width
        pack, pick, memory = self._pack, self._pick, self._memory
        for place, row in enumerate(rows):
            pack(memory, begin + place * width, *pick(row))

    def rows(self, number: int, count: int) -> list[Sequence[float]]:
        """Return the rows of batch ``number``, NaN where nothing was wanted."""
        begin, width = number % AHEAD * self._size, self._width
        unpack, spread, memory = self._unpack, self._spread, self._memory
        return [spread((*unpack(memory, begin + place * width), _NAN)) for place in range(count)]

    def put_histories(self, number: int, histories: Sequence[History]) -> int:
        """Lay down all that is known before the accesses of batch ``number``; return its size, 0 if it has no room."""
        try:
            data = written(histories)
        except (UnicodeEncodeError, OverflowError):  # a name that is no text elsewhere, or a number beyond all bounds
            return 0
        if len(data) > self._size:
            return 0
        begin = number % AHEAD * self._size
        self._memory[begin : begin + len(data)] = data
        return len(data)

    def histories(self, number: int, size: int) -> list[History]:
        """Return all that is known before the accesses of batch ``number``."""
        begin = number % AHEAD * self._size
        return restored(self._memory[begin : begin + size])


def written(histories: Sequence[History]) -> bytes:
    """Return all that is known before some accesses as bytes."""
    return _encode(histories)


def restored(data: bytes) -> list[History]:
    """Return what ``written`` wrote."""
    return _decode(data)


def _picker(places: Sequence[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Return what takes the values at ``places`` as a tuple, of one place or none, too."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple([row[place] for place in places])


def _ended() -> UnavailableError:
    return UnavailableError("judge_ended", "the process that scores ended before its answer")


def _serve(ours: Connection, theirs: Connection, slots: Slots, judge: Judge, extract: Extract) -> None:
    """Judge batch after batch until nobody asks any more."""
    ours.close()  # or this process would never learn that the other has gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the stream ends this with it
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            asked: _Asked = theirs.recv()
            events, known, rows = _taken(asked, slots, extract)
            try:
                answer: Judgement | tuple[str, str] = judge(events, known, rows)
            except OstiaryError as fault:
                answer = fault.code, fault.message
            theirs.send(answer)


def _taken(
    asked: _Asked, slots: Slots, extract: Extract
) -> tuple[Sequence[AccessEvent], Sequence[Known], Sequence[Sequence[float]]]:
    """Return accesses, what was known before them, and their features."""
    events = asked.events
    if not asked.size:
        return events, [taken(*parts) for parts in asked.looks], slots.rows(asked.number, len(events))
    histories = slots.histories(asked.number, asked.size)
    return events, histories, [extract(*one) for one in zip(events, histories, strict=True)]
