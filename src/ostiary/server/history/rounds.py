"""Trains on many machines: the rounds of planted impostors are replayed by workers, the trees are grown here.

Each round replays the whole history with other impostors in it, by the features' own code, and depends on no other
round. The same history, verdicts, settings and seed give the model of ``ostiary risk train``, to the byte. What a
worker keeps for the next round is of one training and has a name of its own: workers live on, and the next training may
be another tenant's.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ostiary.risk.training.pool import Spread
from ostiary.server.history.cluster import in_turn
from ostiary.server.history.parts import Listed, read_events
from ostiary.server.history.shelf import Shelf
from ostiary.vocabulary.events import AccessEvent

if TYPE_CHECKING:
    from distributed import Client

Work = Callable[[int], Any]
_ready: Final[dict[str, Work]] = {}


def events_of(shelf: Shelf, listed: Listed) -> list[AccessEvent]:
    """Return all events of a history, verified part by part.

    Raises:
        VerificationError, FaultyInputError, UnavailableError: as ``parts.read_events``.
    """
    return [event for part in listed.parts for event in read_events(shelf, part, listed.tenant)]


def spread_over(client: "Client") -> Spread:
    """Return what lets the workers of a cluster do the rounds of a training."""

    def spread(build: Callable[..., Work], arguments: Sequence[Any], rounds: int) -> Iterator[Any]:
        what = f"{build.__module__}.{build.__qualname__}.{secrets.token_hex(16)}"
        scatter: Any = client.scatter
        told = scatter(tuple(arguments), broadcast=True, hash=False)
        found = dict(in_turn(client, one_round, [(what, build, told, one) for one in range(rounds)]))
        return iter([found[number] for number in range(rounds)])

    return spread


def one_round(what: str, build: Callable[..., Work], arguments: tuple[Any, ...], number: int) -> Any:
    """Do one round in this worker, which is made ready once for each training."""
    if what not in _ready:
        _ready.clear()
        _ready[what] = build(*arguments)
    return _ready[what](number)
