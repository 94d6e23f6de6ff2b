"""OpenTelemetry spans of each decision and its steps, made after the answer from the laps that were measured anyway.

Nothing is imported and nothing costs anything unless an endpoint is configured. Spans carry ids and outcomes,
never a subject, a resource or a score; those of language models (``genai``) never a text.
"""

from typing import Any, Final

from ostiary.decision.parts import Decided
from ostiary.errors import FaultyInputError
from ostiary.server.telemetry.genai import Spoken

_STEPS: Final = ("identity", "state", "signals", "score", "policy", "combine", "record")


def _headers(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise FaultyInputError("config_invalid", "`telemetry.otlp_headers` must be `name=value,name=value`")
    return {name.strip(): value.strip() for name, _, value in pairs}


class Tracer:
    """Exports one span a decision, with one child a step."""

    def __init__(self, endpoint: str, headers: str = "", processor: Any = None) -> None:
        """Start the exporter; ``processor`` replaces it in tests."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        if processor is None:
            processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, headers=_headers(headers)))
        self._provider = TracerProvider(resource=Resource.create({"service.name": "ostiary"}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("ostiary")

    def decided(self, decided: Decided) -> None:
        """Export the spans of one decision."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

        laps, record = decided.laps, decided.record
        if not laps:
            return
        offset = record.receipt.received_ns - laps["start"]
        attributes = {
            "ostiary.decision.id": record.receipt.decision_id,
            "ostiary.decision.outcome": record.outcome.effect.name,
            "ostiary.decision.phase": "live"
            if record.outcome.proposal == record.outcome.applied_proposal
            else "shadow",
            "ostiary.tenant": record.tenant,
            "ostiary.pep": record.pep,
        }
        span = self._tracer.start_span("decide", start_time=laps["start"] + offset, attributes=attributes)
        context, before = set_span_in_context(span), laps["start"]
        for step in _STEPS:
            if step in laps:
                child = self._tracer.start_span(step, context, start_time=before + offset)
                child.end(end_time=laps[step] + offset)
                before = laps[step]
        span.end(end_time=before + offset)

    def spoke(self, told: Spoken) -> None:
        """Export the span of one request to a language model."""
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

        span = self._tracer.start_span(
            told.name, kind=SpanKind.CLIENT, start_time=told.begun_ns, attributes=told.attributes
        )
        for name, attributes in told.events:
            span.add_event(name, attributes, timestamp=told.ended_ns)
        if told.failed:
            span.set_status(StatusCode.ERROR)
        span.end(end_time=told.ended_ns)

    def close(self) -> None:
        """Send what is waiting."""
        self._provider.shutdown()
