"""Fakes of the decision's parts, named as what they are: each answers what it was told to answer.

Rules: no I/O, no clock, no randomness; a fake records what it was asked where a test may want to know.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from ostiary.decision.phases import PhaseTable, high_impact_everywhere
from ostiary.decision.ports import Moment, PolicyEngine, ResourceFacts, SubjectFacts
from ostiary.errors import UnavailableError
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.rollout import Where
from ostiary.vocabulary.scoring import Contribution, RiskScore, Scorer, unavailable
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict


class StaticDirectory:
    """A directory over two mappings of ``(type, id)``; the same for every tenant."""

    def __init__(
        self,
        subjects: Mapping[tuple[str, str], SubjectFacts] | None = None,
        resources: Mapping[tuple[str, str], ResourceFacts] | None = None,
        actions: Sequence[str] = (),
    ) -> None:
        """Take the facts."""
        self._subjects = dict(subjects or {})
        self._resources = dict(resources or {})
        self._actions = list(actions)

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return the facts of one subject."""
        del tenant
        return self._subjects.get((kind, name), SubjectFacts())

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return the facts of one resource."""
        del tenant
        return self._resources.get((kind, name), ResourceFacts())

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of one type."""
        del tenant
        return [name for k, name in self._subjects if k == kind]

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of one type."""
        del tenant
        return [name for k, name in self._resources if k == kind]

    def actions(self, tenant: str) -> Sequence[str]:
        """Return all action names."""
        del tenant
        return self._actions


class FixedSignals:
    """A signal reader that finds no features and knows the network and the hour it was told."""

    def __init__(
        self,
        *,
        trusted: bool = False,
        local_hour: int | None = None,
        weekday: int | None = None,
        enrichment: Mapping[str, Any] | None = None,
    ) -> None:
        """Take what every event is enriched with."""
        self._trusted, self._hour, self._weekday = trusted, local_hour, weekday
        self._enrichment = dict(enrichment or {})

    def read(self, event: AccessEvent) -> Moment:
        """Return the moment, with no features."""
        event = msgspec.structs.replace(event, **self._enrichment)
        return Moment(event, (), None, "sha256:none", self._trusted, self._hour, self._weekday)

    def words(self, moment: Moment, signal: str) -> str:
        """Return nothing: the contributions keep their own words."""
        del moment, signal
        return ""


class FixedScorer:
    """A scorer that always gives the same answer; an exception is raised, as a broken model would."""

    digest = "sha256:fixed"

    def __init__(self, answer: RiskScore | float | Exception | None) -> None:
        """Take a score in [0, 1], a whole answer, an exception, or ``None`` for no model."""
        self._answer = answer

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the fixed answer."""
        del event, features
        answer = self._answer
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return unavailable(Reason.RISK_NO_MODEL)
        if isinstance(answer, RiskScore):
            return answer
        level = "high" if answer >= 0.8 else "medium" if answer >= 0.5 else "low"  # noqa: PLR2004 - a fake's bands
        why = Contribution("network_new", 1.0, 1.5, "network first seen")
        return RiskScore(
            available=True, score=answer, level=level, model=self.digest, uncertainty=0.1, contributions=(why,)
        )


class NamedBundle(msgspec.Struct, frozen=True):
    """A bundle of which only the digest exists."""

    digest: str


class FixedEngine:
    """A policy engine that always gives the same two verdicts, and keeps the documents it was given."""

    bundle = NamedBundle("sha256:fixed-bundle")

    def __init__(self, guardrails: GuardrailVerdict, adaptive: AdaptiveVerdict | None = None) -> None:
        """Take the verdicts."""
        self._guardrails, self._adaptive = guardrails, adaptive or AdaptiveVerdict()
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def guardrails(self, document: bytes) -> GuardrailVerdict:
        """Return the fixed guardrail verdict."""
        self.seen.append(("guardrails", msgspec.json.decode(document)))
        return self._guardrails

    def adaptive(self, document: bytes) -> AdaptiveVerdict:
        """Return the fixed adaptive verdict."""
        self.seen.append(("adaptive", msgspec.json.decode(document)))
        return self._adaptive


class Always:
    """One engine, one scorer, one phase table, for every tenant."""

    def __init__(self, engine: PolicyEngine, scorer: Scorer | None = None, phases: PhaseTable | None = None) -> None:
        """Take them; without phases every control is live."""
        self._engine, self._scorer = engine, scorer
        self._phases = phases or high_impact_everywhere()

    def engine(self, tenant: str) -> PolicyEngine:
        """Return the engine."""
        del tenant
        return self._engine

    def scorer(self, tenant: str) -> Scorer | None:
        """Return the scorer."""
        del tenant
        return self._scorer

    def phases(self, tenant: str, where: Where) -> PhaseTable:
        """Return the phases."""
        del tenant, where
        return self._phases


class MemoryRecorder:
    """Keeps records in a list; ``full`` makes it refuse like a log without room."""

    def __init__(self) -> None:
        """Start empty."""
        self.payloads: list[tuple[str, str, str, bytes]] = []
        self.full = False

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Any]:
        """Keep one record; the future is already resolved with its index.

        Raises:
            UnavailableError: ``disk_full`` when ``full`` is set.
        """
        del time_ns, subject_key
        if self.full:
            raise UnavailableError("disk_full", "no room for one more record")
        self.payloads.append((tenant, kind, record_id, payload))
        done: Future[Any] = Future()
        done.set_result(len(self.payloads) - 1)
        return done

    @property
    def records(self) -> list[DecisionRecord]:
        """The decision records, oldest first."""
        return [msgspec.json.decode(payload, type=DecisionRecord) for _, _, _, payload in self.payloads]
