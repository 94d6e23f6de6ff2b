"""What every face of the server works with, and what a face is: some paths and whoever answers them.

A face lives in ``server/faces/NAME.py`` and is found there by its function ``face(desk)``; it returns ``None`` when its
settings leave it out. Its chores run beside the answers, and end before the house closes.
"""

import pkgutil
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import msgspec

from ostiary.server import faces
from ostiary.server.authzen import RefusalSink
from ostiary.server.body import BodyLimits
from ostiary.server.bulk import BulkReply
from ostiary.server.chores import Chore
from ostiary.server.doors import Doors, Keeper
from ostiary.server.forwarded import Proxies
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.traces import Tracer
from ostiary.server.wire import Reply, Request, StreamReply
from ostiary.server.wiring import House


class Face(Protocol):
    """Answers the requests below some paths."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Paths, each with all that lies below it."""
        ...

    async def answer(self, request: Request) -> Reply | StreamReply | BulkReply:
        """Answer one request.

        Raises:
            FaultyInputError: becomes a plain 400 with its code.
        """
        ...

    def chores(self) -> Sequence[Chore]:
        """Return what is to be done every so many seconds."""
        ...


@runtime_checkable
class OpeningFace(Protocol):
    """A face that listens somewhere of its own."""

    async def open(self) -> None:
        """Begin, in the loop that answers.

        Raises:
            UnavailableError: it cannot; nothing is served then.
        """
        ...


@runtime_checkable
class ClosingFace(Protocol):
    """A face that holds something of the loop's, such as connections."""

    async def close(self) -> None:
        """Give it back; nothing is answered any more."""
        ...


class FaceDesk(msgspec.Struct, frozen=True):
    """What a face may use.

    Attributes:
        house: all rooms, open.
        metrics: counters and gauges.
        refusals: counts callers that proved nothing.
        faults: told of faults that were answered with a denial.
        log: a structlog logger.
        proxies: who may say on whose behalf a request comes.
        limits: of bodies.
        receive_timeout_s: how long a body may take.
        base_url: our public address, from the configuration, without a slash at the end.
        doors: what the doors of the pipeline share; ``keeper`` makes the keeper of one.
        tracer: takes spans, ``None`` where nobody does.
        draining: whether this worker is about to end: what never ends by itself must end now.
    """

    house: House
    metrics: Metrics
    refusals: RefusalSink
    faults: Callable[[str, BaseException], None]
    log: Any
    proxies: Proxies
    limits: BodyLimits
    receive_timeout_s: float
    base_url: str
    doors: Doors
    tracer: Tracer | None = None
    draining: Callable[[], bool] = lambda: False

    def keeper(self, door: str, *, understands: frozenset[str] | None = frozenset(), bound: bool = True) -> Keeper:
        """Return the keeper of a door (``server.doors.keeper``)."""
        return Keeper(self.doors, door, understands=understands, bound=bound)


def open_faces(desk: FaceDesk) -> list[Face]:
    """Return every face in ``server/faces`` that the settings ask for, in the order of their names."""
    names = sorted(info.name for info in pkgutil.iter_modules(faces.__path__))
    found = [import_module(f"{faces.__name__}.{name}").face(desk) for name in names]
    return [face for face in found if face is not None]
