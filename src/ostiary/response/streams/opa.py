"""Tells a collector of OPA decision logs: a gzip JSON array of events, as OPA itself uploads them (`POST …/logs`).

- Members are OPA's: ``decision_id``, ``labels``, ``bundles``, ``path``, ``input``, ``result``, ``requested_by``,
  ``timestamp``. ``labels`` also carry source and sequence, by which a collector finds gaps, which OPA's own never has.
- ``input`` is what the request said of subject, action and resource. Tokens and proofs are in no record.
- What is no decision (the stream's first event, an erased record) is told too, with its number and no ``result``.
"""

import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ostiary.response.ssf.sending import Post
from ostiary.response.streams.event import StreamEvent
from ostiary.response.streams.posting import posted
from ostiary.vocabulary.verdicts import DecisionRecord

PATH: Final = "ostiary/decision"
_DECISION: Final = "dev.ostiary.decision.v1"
_NS: Final = 1_000_000_000


class OpaLogReceiver:
    """A collector behind a URL that ends in ``/logs``."""

    batch = 200

    def __init__(self, url: str, headers: Mapping[str, str], post: Post, version: str) -> None:
        """Take where it is and which version says so."""
        self._url = url
        self._post = post
        self._headers = {**headers, "content-type": "application/json", "content-encoding": "gzip"}
        self._version = version

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them in one array."""
        del now_ns
        body = msgspec.json.encode([opa_event(one, self._version) for one in events])
        posted(self._post, self._url, gzip.compress(body, 6, mtime=0), self._headers)


def opa_event(event: StreamEvent, version: str) -> dict[str, Any]:
    """Return one event of OPA's decision log."""
    told: dict[str, Any] = {
        "labels": {"app": "ostiary", "id": event.source, "version": version, "sequence": str(event.sequence)},
        "decision_id": event.event_id,
        "timestamp": _rfc3339_nano(event.time_ns),
    }
    if event.type != _DECISION or not event.record:
        return {**told, "path": event.type}
    record = msgspec.json.decode(event.record, type=DecisionRecord)
    outcome = record.outcome
    result = {"allow": outcome.effect.permits, "effect": outcome.effect.name, "reasons": list(outcome.reasons)}
    bundles = {"ostiary": {"revision": record.bundle}} if record.bundle else {}
    return {
        **told,
        "path": PATH,
        "bundles": bundles,
        "input": _input(record),
        "result": result,
        "requested_by": record.pep,
    }


def _input(record: DecisionRecord) -> dict[str, Any]:
    event = record.event
    if event is None:
        return {}
    return {
        "subject": {"type": event.subject_type, "id": event.subject_id},
        "action": {"name": event.action},
        "resource": {"type": event.resource_type, "id": event.resource_id},
    }


def _rfc3339_nano(time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{time_ns % _NS:09d}Z"
