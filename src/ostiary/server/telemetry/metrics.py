"""Prometheus metrics. Labels name outcomes, enforcement points and reasons, never people.

``rule_class`` says what made the decision: ``guardrail``, ``adaptive``, ``default`` (no allow rule) or ``refusal``;
``phase`` says what became of the models' proposal: ``none``, ``live`` or ``held_back``.

Every label comes from a closed set, codes of our own among them; of enforcement points the first ``MOST_PEPS`` are
named and the others are ``other``, so that no number of them can fill the memory of whoever scrapes.
"""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ostiary import __version__
from ostiary.decision.parts import Decided
from ostiary.server.telemetry.threads import ThreadTimes
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import Outcome

MOST_PEPS: Final = 500
_OTHER: Final = "other"
_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_SCORES: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_FAILURES: Final = frozenset(
    {
        Reason.ADAPTIVE_ERROR,
        Reason.INTERNAL_ERROR,
        Reason.OVERLOADED,
        Reason.POLICY_ERROR,
        Reason.POLICY_MALFORMED,
        Reason.POLICY_TIMEOUT,
        Reason.POLICY_UNAVAILABLE,
        Reason.POLICY_UNDEFINED,
        Reason.RECORD_FAILED,
        Reason.SIGNALS_ERROR,
        Reason.STATE_ERROR,
    }
)


def rule_class(outcome: Outcome) -> str:
    """Return what made the decision."""
    if outcome.applied_proposal > outcome.floor:
        return "adaptive"
    if outcome.rules:
        return "guardrail"
    return "default" if Reason.NO_ALLOW_RULE in outcome.reasons else "refusal"


def proposal_phase(outcome: Outcome) -> str:
    """Return what became of the models' proposal."""
    if outcome.proposal == Effect.ALLOW:
        return "none"
    return "live" if outcome.applied_proposal == outcome.proposal else "held_back"


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        """Make every metric, so that each is there from the first scrape."""
        self.registry = CollectorRegistry(auto_describe=True)
        kept = self.registry
        labels = ("outcome", "phase", "pep", "rule_class")
        self._decisions = Counter("ostiary_decisions", "decisions answered", labels, registry=kept)
        self._duration = Histogram(
            "ostiary_decision_duration_seconds", "deciding, without the disk", buckets=_SECONDS, registry=kept
        )
        self._risk = Histogram("ostiary_risk_score", "scores given", buckets=_SCORES, registry=kept)
        self._held_back = Counter(
            "ostiary_shadow_disagreement", "proposals harsher than what was enforced", registry=kept
        )
        self._overridden = Counter("ostiary_guardrail_override", "denies replaced by break-glass", registry=kept)
        self._closed = Counter("ostiary_fail_closed", "denials because something failed", ("reason",), registry=kept)
        self._open = Counter("ostiary_fail_open", "answers that an option let through", ("option",), registry=kept)
        self._step_up = Counter("ostiary_stepup", "step-ups asked for, proven, refused", ("result",), registry=kept)
        self._refused = Counter("ostiary_refused_callers", "callers that proved nothing", ("reason",), registry=kept)
        self._no_http = Counter("ostiary_http_rubbish", "requests that were no HTTP", ("status",), registry=kept)
        self._dropped = Counter("ostiary_learning_dropped", "events that profiles never saw", registry=kept)
        self._errors = Counter("ostiary_audit_verify_errors", "failed checks of the log", registry=kept)
        build = Gauge("ostiary_build_info", "always 1; which version runs", ("version",), registry=kept)
        build.labels(__version__).set(1)
        ProcessCollector(registry=kept)
        kept.register(ThreadTimes())
        self._peps: set[str] = set()
        self._counted: dict[tuple[str, str, str, str], Counter] = {}

    def gauge(self, name: str, words: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read at each scrape."""
        Gauge(name, words, registry=self.registry).set_function(read)

    def decided(self, decided: Decided) -> None:
        """Count one answered decision."""
        record = decided.record
        outcome = record.outcome
        labels = (outcome.effect.name.lower(), proposal_phase(outcome), self._pep(record.pep), rule_class(outcome))
        counted = self._counted.get(labels)
        if counted is None:  # as few as there are series: effects, phases, some enforcement points, classes of rules
            counted = self._counted[labels] = self._decisions.labels(*labels)
        counted.inc()
        if decided.laps:
            laps = decided.laps
            self._duration.observe((laps["record"] - laps["start"]) / 1e9)
        if record.risk is not None and record.risk.score is not None:
            self._risk.observe(record.risk.score)
        if outcome.proposal > outcome.effect:
            self._held_back.inc()
        if outcome.replaced_by_break_glass:
            self._overridden.inc()
        if outcome.effect == Effect.STEP_UP:
            self._step_up.labels("asked").inc()
        if record.refusal in _FAILURES or _FAILURES.intersection(outcome.reasons):
            self._closed.labels(record.refusal or next(r for r in outcome.reasons if r in _FAILURES)).inc()

    def _pep(self, pep: str) -> str:
        if pep in self._peps:
            return pep
        if len(self._peps) >= MOST_PEPS:
            return _OTHER
        self._peps.add(pep)
        return pep

    def step_up(self, result: str) -> None:
        """Count one answer to a step-up: ``proven`` or ``refused``."""
        self._step_up.labels(result).inc()

    def failed_closed(self, reason: str) -> None:
        """Count one denial without a decision."""
        self._closed.labels(reason).inc()

    def refused(self, reason: str) -> None:
        """Count one caller that proved nothing."""
        self._refused.labels(reason).inc()

    def rubbish(self, status: int) -> None:
        """Count one request that was no HTTP."""
        self._no_http.labels(str(status)).inc()

    def learning_dropped(self) -> None:
        """Count one event that was not learned."""
        self._dropped.inc()

    def verify_error(self) -> None:
        """Count one check of the log that failed."""
        self._errors.inc()

    def fails_open(self, option: str) -> None:
        """Count one answer that a fail-open option let through."""
        self._open.labels(option).inc()

    def exposition(self) -> bytes:
        """Return the text format."""
        return generate_latest(self.registry)
