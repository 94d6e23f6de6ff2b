"""A judge in a process of its own: while it scores what was looked at, the next accesses are looked at.

What is looked at never depends on a score, so both can go on at the same time; scores, reasons and order are those of
one process, to the last bit.

Rules:
- The other process is a fork, made once everything is loaded and verified, so it judges by the very same model. It is
  made only where nothing else runs in this process: no thread survives a fork. Where it cannot be, there is none.
- Histories stay here. What goes over is the access, the features that the model wants, and what session risk looks at.
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

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.risk.look import Known, Parts, taken, told
from ostiary.signals.features import INDEX, NAMES
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

AHEAD: Final = 4
_MOST_BYTES: Final = 96 * 1024  # half of what a socket holds unless an administrator says otherwise
_DOUBLE: Final = 8
_NAN: Final = float("nan")
_TASKS: Final = Path("/proc/self/task")


class Looked(NamedTuple):
    """Accesses that were looked at: what was known before each, and its features."""

    events: list[AccessEvent]
    histories: list[History]
    rows: list[Sequence[float]]


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

    def __init__(self, judge: Judge, wanted: Iterable[str], batch: int, *, looks: bool) -> None:
        """Begin the process; check ``possible`` first.

        Args:
            judge: judges a batch; what it remembers, it remembers over there.
            wanted: names of the features that it looks at.
            batch: accesses of a batch at most.
            looks: whether it needs to know what was known before an access.
        """
        self._looks = looks
        self._rows = _Rows(sorted(INDEX[name] for name in wanted), batch)
        self._bytes: deque[int] = deque()
        context = get_context("fork")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._ours, theirs, self._rows, judge), daemon=True, name="ostiary-judge"
        )
        self._process.start()
        theirs.close()

    def judged(self, batches: Iterable[Looked]) -> Iterator[tuple[Looked, Judgement]]:
        """Yield each batch with its judgement, up to ``AHEAD`` batches late; the process ends with it.

        Raises:
            UnavailableError: ``judge_ended``, or what its model says.
        """
        waiting: deque[Looked] = deque()
        try:
            for number, batch in enumerate(batches):
                message = ForkingPickler.dumps(self._asked(number, batch))
                while waiting and (len(waiting) >= AHEAD or sum(self._bytes) + len(message) > _MOST_BYTES):
                    yield waiting.popleft(), self._answer()
                self._rows.put(number, batch.rows)
                self._send(message)
                waiting.append(batch)
                while waiting and self._ours.poll():
                    yield waiting.popleft(), self._answer()
            while waiting:
                yield waiting.popleft(), self._answer()
        finally:
            self.close()

    def close(self) -> None:
        """End the process."""
        self._ours.close()
        self._process.join()

    def _asked(self, number: int, batch: Looked) -> tuple[int, list[AccessEvent], list[Parts]]:
        return number, batch.events, [told(history) for history in batch.histories] if self._looks else []

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


class _Rows:
    """Feature rows of the batches that are on their way, in memory that both processes see."""

    def __init__(self, wanted: Sequence[int], batch: int) -> None:
        self._wanted = wanted
        self._batch = batch
        self._row = Struct(f"{len(wanted)}d")
        self._memory = mmap(-1, max(1, AHEAD * batch * self._row.size))
        places = {column: place for place, column in enumerate(wanted)}
        self._pick: Callable[[Sequence[float]], tuple[float, ...]] = _picker(wanted)
        self._spread = _picker([places.get(column, len(wanted)) for column in range(len(NAMES))])

    def put(self, number: int, rows: Sequence[Sequence[float]]) -> None:
        """Lay down what is wanted of the rows of batch ``number``."""
        begin, size = number % AHEAD * self._batch * self._row.size, self._row.size
        pack, pick, memory = self._row.pack_into, self._pick, self._memory
        for place, row in enumerate(rows):
            pack(memory, begin + place * size, *pick(row))

    def get(self, number: int, count: int) -> list[Sequence[float]]:
        """Return the rows of batch ``number``, NaN where nothing was wanted."""
        begin, size = number % AHEAD * self._batch * self._row.size, self._row.size
        unpack, spread, memory = self._row.unpack_from, self._spread, self._memory
        return [spread((*unpack(memory, begin + place * size), _NAN)) for place in range(count)]


def _picker(places: Sequence[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Return what takes the values at ``places`` as a tuple, of one place or none, too."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple([row[place] for place in places])


def _ended() -> UnavailableError:
    return UnavailableError("judge_ended", "the process that scores ended before its answer")


def _serve(ours: Connection, theirs: Connection, rows: _Rows, judge: Judge) -> None:
    """Judge batch after batch until nobody asks any more."""
    ours.close()  # or this process would never learn that the other has gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the stream ends this with it
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            number, events, looks = theirs.recv()
            known = [taken(*parts) for parts in looks]
            try:
                answer: Judgement | tuple[str, str] = judge(events, known, rows.get(number, len(events)))
            except OstiaryError as fault:
                answer = fault.code, fault.message
            theirs.send(answer)
