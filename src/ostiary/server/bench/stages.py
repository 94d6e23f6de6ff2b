"""What one decision costs in the process, stage by stage, and OPA alone on the same documents.

- The stages are those that ``decide`` itself laps; the disk wait is measured apart, from queueing to durable.
- OPA alone is the raw evaluation of both entrypoints on what it was shown of the run's documents: the yardstick.
- ``without_opa`` is the whole decision less OPA alone, decision by decision, so that it holds everything that is ours.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.document import adaptive_document
from ostiary.decision.parts import Call, Decided
from ostiary.vocabulary.entities import Receipt

STAGES = ("identity", "state", "signals", "score", "policy", "combine", "record")


class Spread(msgspec.Struct, frozen=True):
    """Median and 99th percentile in microseconds."""

    p50_us: float
    p99_us: float


class RawPolicy(Protocol):
    """Evaluates OPA's two entrypoints with nothing around them."""

    def shown(self, guardrails: bytes, adaptive: bytes) -> tuple[bytes, bytes]:
        """Return what OPA is shown of the two documents of one decision."""
        ...

    def guardrails(self, document: bytes) -> bytes:
        """Return OPA's own answer to the guardrails."""
        ...

    def adaptive(self, document: bytes) -> bytes:
        """Return OPA's own answer to the adaptive rules."""
        ...


class StageFigures(msgspec.Struct, frozen=True):
    """Figures of one in-process run."""

    decisions: int
    whole: Spread
    without_opa: Spread
    opa_alone: Spread
    stages: dict[str, Spread]
    durable_wait: Spread
    effects: dict[str, int]


def spread(nanoseconds: Iterable[int]) -> Spread:
    """Return median and 99th percentile of some durations."""
    ordered = sorted(nanoseconds)
    if not ordered:
        return Spread(0.0, 0.0)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000 for share in (0.5, 0.99)]
    return Spread(round(at[0], 1), round(at[1], 1))


class _Timed(msgspec.Struct):
    """One decision with its durations."""

    decided: Decided
    whole_ns: int
    durable_ns: int
    opa_ns: int


def measure(decider: Decider, work: Sequence[tuple[Receipt, Call]], opa: RawPolicy, warm_up: int) -> StageFigures:
    """Decide ``work`` one after another and return the figures of all but the first ``warm_up`` decisions.

    Each record is on disk before the next request is taken, as it is for one caller who waits for his answer.
    """
    counted = [_one(decider, opa, receipt, call) for receipt, call in work][warm_up:]
    alone = [one.opa_ns for one in counted]
    effects: dict[str, int] = {}
    for one in counted:
        name = one.decided.record.outcome.effect.name
        effects[name] = effects.get(name, 0) + 1
    return StageFigures(
        decisions=len(counted),
        whole=spread(one.whole_ns for one in counted),
        without_opa=spread(max(0, one.whole_ns - a) for one, a in zip(counted, alone, strict=True)),
        opa_alone=spread(alone),
        stages={stage: spread(_lap(one.decided, stage) for one in counted) for stage in STAGES},
        durable_wait=spread(one.durable_ns for one in counted),
        effects=effects,
    )


def _one(decider: Decider, opa: RawPolicy, receipt: Receipt, call: Call) -> _Timed:
    begin = time.perf_counter_ns()
    decided = decider.decide(receipt, call)
    end = time.perf_counter_ns()
    decided.durable.result(timeout=60)
    durable = time.perf_counter_ns()
    return _Timed(decided, end - begin, durable - end, _opa_alone(opa, decided))


def _lap(decided: Decided, stage: str) -> int:
    names = ("start", *STAGES)
    if stage not in decided.laps:
        return 0
    return decided.laps[stage] - decided.laps[names[names.index(stage) - 1]]


def _opa_alone(opa: RawPolicy, decided: Decided) -> int:
    record = decided.record
    if record.guardrails is None or record.risk is None:
        return 0
    document = bytes(record.input)
    document, joined = opa.shown(document, adaptive_document(document, record.guardrails, record.risk))
    begin = time.perf_counter_ns()
    opa.guardrails(document)
    opa.adaptive(joined)
    return time.perf_counter_ns() - begin
