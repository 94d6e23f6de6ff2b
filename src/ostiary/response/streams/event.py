"""One event of a stream, and its CloudEvents 1.0 document; whom events go to.

``source`` names log, tenant, stream and the stream's number; ``sequence`` counts within it, from 1 on, without a gap.

>>> one = StreamEvent("dec_1", "urn:ostiary:log:acme:soc:1", 2, "dev.ostiary.decision.v1", 0, {"a": 1})
>>> one.cloud_event()["sequence"], one.document()[:26]
('2', b'{"specversion":"1.0","id":')
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.response.sinks.envelope import ascii_json, rfc3339

HEADER: Final = "dev.ostiary.stream.v1"
REFUSED: Final = "event_refused"


class StreamEvent(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        event_id: the record's id; the same at every try.
        record: the record as stored, for receivers with a form of their own; empty where there is none.
    """

    event_id: str
    source: str
    sequence: int
    type: str
    time_ns: int
    data: Mapping[str, Any]
    record: bytes = b""

    def cloud_event(self) -> dict[str, Any]:
        """Return the structured form (CloudEvents 1.0 §3), with the extension *sequence*."""
        return {
            "specversion": "1.0",
            "id": self.event_id,
            "source": self.source,
            "type": self.type,
            "time": rfc3339(self.time_ns),
            "datacontenttype": "application/json",
            "sequence": str(self.sequence),
            "data": self.data,
        }

    def document(self) -> bytes:
        """Return it as one line of ASCII JSON."""
        return ascii_json(self.cloud_event())


class Receiver(Protocol):
    """Somebody outside who gets events."""

    @property
    def batch(self) -> int:
        """How many it takes at once."""
        ...

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them; returning means that all arrived.

        Raises:
            RefusedError: ``event_refused``: this event, or one of these, will never be taken.
            OstiaryError: anything else: try again later.
        """
        ...
