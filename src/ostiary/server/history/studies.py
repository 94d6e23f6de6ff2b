"""Impact studies on many machines: the log is read and held against its commitments here, records are asked there.

Each worker replays its records in a process of its own, as confined as on one machine (``server.impact.workers``): it
has no keys and no sockets, and ends after the same limits. A candidate model must lie in the same folder on each.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.server.history.cluster import in_turn
from ostiary.server.impact.order import Finding, Order
from ostiary.server.impact.workers import Elsewhere, joined, study
from ostiary.vocabulary.unreadable import UNREADABLE

if TYPE_CHECKING:
    from distributed import Client

BATCH: Final = 2_000
Record = tuple[int, bytes]


def study_over(client: "Client", batch: int = BATCH) -> Elsewhere:
    """Return what lets the workers of a cluster share an impact study."""

    def elsewhere(order: Order, records: Iterable[Record]) -> Finding:
        alone = msgspec.structs.replace(order, limits=msgspec.structs.replace(order.limits, workers=1))
        told = msgspec.json.encode(alone)
        asks = ((told, chunk) for chunk in _chunks(records, batch))
        found: list[tuple[int, bytes]] = sorted(in_turn(client, study_batch, asks))
        return joined([_read(answer) for _, answer in found] or [study(alone, ())])

    return elsewhere


def study_batch(order: bytes, records: list[Record]) -> bytes:
    """Study some records on this worker; a refusal of the candidate comes back as such."""
    return msgspec.json.encode(study(msgspec.json.decode(order, type=Order), records))


def _read(answer: Any) -> Finding:
    try:
        return msgspec.json.decode(answer, type=Finding)
    except (*UNREADABLE, TypeError) as fault:
        raise RefusedError("impact_crashed", "a worker gave no answer that can be read") from fault


def _chunks(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    source = iter(records)
    while chunk := list(islice(source, size)):
        yield chunk
