"""What the doors of one worker share: the house, the threads that decide, who is told, and who is counted."""

from collections.abc import Callable

import msgspec

from ostiary.decision.parts import Decided
from ostiary.server.authzen import Observer, RefusalSink
from ostiary.server.crew import Crew
from ostiary.server.forwarded import Proxies
from ostiary.server.wiring import House


class Doors(msgspec.Struct, frozen=True):
    """Parts of every door.

    Attributes:
        house: all rooms, open.
        crew: the threads that decide.
        observer: is told of every decision.
        refusals: counts callers that proved nothing.
        proxies: who may say on whose behalf a request comes.
        base_url: our public address, without a slash at the end.
        told: adds to an answer what its record need not know.
    """

    house: House
    crew: Crew
    observer: Observer
    refusals: RefusalSink
    proxies: Proxies
    base_url: str
    told: Callable[[Decided], Decided]
