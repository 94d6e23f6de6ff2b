"""Tells an OpenTelemetry collector: OTLP/HTTP logs in JSON (OTLP 1.x, `POST /v1/logs`).

- The body of a log record is the CloudEvents document as a text; id, source and sequence are attributes too, so that a
  collector can look for gaps.
- A partial success that rejects records is a refusal: they are then sent one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.ssf.sending import Post
from ostiary.response.streams.event import REFUSED, StreamEvent
from ostiary.response.streams.posting import posted

_SEVERITIES: Final = {1: (9, "INFO"), 2: (10, "INFO2"), 3: (13, "WARN"), 4: (17, "ERROR"), 5: (21, "FATAL")}


class OtlpReceiver:
    """A collector of logs; ``headers`` carry what it wants to see of us."""

    batch = 200

    def __init__(self, url: str, headers: Mapping[str, str], post: Post) -> None:
        """Take where it is."""
        self._url = url
        self._headers = {**headers, "content-type": "application/json"}
        self._post = post

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them in one request."""
        answer = posted(self._post, self._url, msgspec.json.encode(logs_request(events, now_ns)), self._headers)
        if not answer.body.strip():
            return
        try:
            said = msgspec.json.decode(answer.body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise UnavailableError("receiver_busy", "the collector's answer is not understood") from fault
        if said.partial_success is not None and int(said.partial_success.rejected or 0) > 0:
            raise RefusedError(REFUSED, "the collector rejected records")


class _Partial(msgspec.Struct):
    rejected: int | str = msgspec.field(name="rejectedLogRecords", default=0)


class _Answer(msgspec.Struct):
    partial_success: _Partial | None = msgspec.field(name="partialSuccess", default=None)


def logs_request(events: Sequence[StreamEvent], now_ns: int) -> dict[str, Any]:
    """Return the ExportLogsServiceRequest of some events."""
    resource = {"attributes": [_text("service.name", "ostiary")]}
    records = [_record(one, now_ns) for one in events]
    return {
        "resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "ostiary"}, "logRecords": records}]}]
    }


def _record(event: StreamEvent, now_ns: int) -> dict[str, Any]:
    number, words = _SEVERITIES.get(int(event.data.get("severity_id", 1)), _SEVERITIES[1])
    return {
        "timeUnixNano": str(event.time_ns),
        "observedTimeUnixNano": str(now_ns),
        "severityNumber": number,
        "severityText": words,
        "eventName": event.type,
        "body": {"stringValue": event.document().decode("ascii")},
        "attributes": [
            _text("cloudevents.event_id", event.event_id),
            _text("cloudevents.event_source", event.source),
            _text("cloudevents.event_type", event.type),
            {"key": "ostiary.sequence", "value": {"intValue": str(event.sequence)}},
        ],
    }


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
