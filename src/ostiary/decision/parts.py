"""What goes into a decision and what comes out of it: the call, the parts, the verdict, the promise of a record."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import msgspec

from ostiary.decision.ports import (
    BehaviourReader,
    BreakGlassCheck,
    CommitFacts,
    CommitReader,
    DeviceReader,
    Directory,
    DriftReader,
    GrantReader,
    Moment,
    PhaseSource,
    PolicySource,
    QuestionReader,
    Recorder,
    ResourceFacts,
    ScorerSource,
    SessionReader,
    SessionRiskSource,
    SignalReader,
    SubjectFacts,
    SubjectVerifier,
    SuppressionSource,
)
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.sessions import NO_STANDING, Asked, Standing, StepUpProof
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.devices import UNKNOWN_DEVICE, DeviceFacts
from ostiary.vocabulary.drift import DriftFacts
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.entities import EvaluationRequest
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import (
    AdaptiveVerdict,
    DecisionRecord,
    GuardrailVerdict,
    Obligation,
    Outcome,
    Suppressed,
)


class Claim:
    """The right to record one call's decision; only one thread ever gets it."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        """Make a claim that nobody holds."""
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether the caller is the first to take it; never blocks."""
        return self._lock.acquire(blocking=False)

    @property
    def taken(self) -> bool:
        """Whether somebody holds it: what is still being worked out then serves nobody."""
        return self._lock.locked()


class Call(msgspec.Struct, frozen=True):
    """One evaluation to decide. ``request.context`` is already free of tokens and proofs.

    ``pep`` comes from ``identity.PepAuthenticator``: its being here is step 0, done.
    """

    pep: PepIdentity
    request: EvaluationRequest
    presented: PresentedSubject
    claim: Claim = msgspec.field(default_factory=Claim)


class Parts(msgspec.Struct, frozen=True):
    """Everything that deciding needs; ``server/wiring.py`` puts it together."""

    subjects: SubjectVerifier
    directory: Directory
    sessions: SessionReader
    signals: SignalReader
    scorers: ScorerSource
    policies: PolicySource
    phases: PhaseSource
    recorder: Recorder
    break_glass: BreakGlassCheck | None = None
    devices: DeviceReader | None = None
    commits: CommitReader | None = None
    grants: GrantReader | None = None
    session_risk: SessionRiskSource | None = None
    drift: DriftReader | None = None
    behaviour: BehaviourReader | None = None
    suppressions: SuppressionSource | None = None
    questions: QuestionReader | None = None
    degraded: Callable[[], tuple[str, ...]] = tuple
    on_fault: Callable[[str, BaseException], None] = lambda _reason, _fault: None
    stopwatch: Callable[[], int] = time.perf_counter_ns


class Decided(msgspec.Struct, frozen=True):
    """A decision, its answer, and the promise of its record on disk.

    Attributes:
        record: what is kept for ever.
        answer: the AuthZEN response body.
        durable: resolves when the record is on disk; the answer may not leave before (law 3).
        event: the access event with its outcome filled in, for learning after the answer; ``None`` when refused.
        laps: nanoseconds spent in each step, in order.
        moment: the enriched event with its features, for judging its session after the answer.
        session: the ledger's name of that session, or empty.
        asked: what the ledger was asked, so that whoever takes long before it answers can ask again.
    """

    record: DecisionRecord
    answer: dict[str, Any]
    durable: Future[Any]
    event: AccessEvent | None = None
    laps: dict[str, int] = {}
    moment: Moment | None = None
    session: str = ""
    asked: Asked | None = None


class StepFailedError(Exception):
    """A step of the way failed closed; carries its reason code and what was known by then."""

    def __init__(self, reason: str, fault: str = "") -> None:
        """Keep the reason code and the fault's name."""
        super().__init__(reason)
        self.reason = reason
        self.fault = fault


class AlreadyAnsweredError(Exception):
    """The deadline answered this call while it was being decided; nothing may be recorded twice."""


class Known(msgspec.Struct, frozen=True):
    """What is known of subject, resource, device and session before an access is judged.

    Where ``watches`` says that behaviour is watched here, nobody else is believed about it; ``biometrics`` is what was
    found out, if anything. ``degraded`` are codes of parts of Ostiary that are away now.
    """

    subject: SubjectFacts
    resource: ResourceFacts
    asked: Asked
    standing: Standing = NO_STANDING
    device: DeviceFacts = UNKNOWN_DEVICE
    session_risk: RiskScore | None = None
    commit: CommitFacts | None = None
    drift: DriftFacts | None = None
    grants: tuple[Mapping[str, Any], ...] = ()
    watches: bool = False
    biometrics: BiometricsVerdict | None = None
    degraded: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """All that steps 1 to 7 found out about one request."""

    moment: Moment
    document: bytes
    risk: RiskScore
    guardrails: GuardrailVerdict
    adaptive: AdaptiveVerdict
    outcome: Outcome
    obligations: tuple[Obligation, ...]
    phases: dict[str, Phase]
    bundle: str
    asked: Asked
    session_risk: RiskScore | None = None
    sign_in: StepUpProof | None = None
    suppressions: tuple[Suppressed, ...] = ()
    biometrics: BiometricsVerdict | None = None
    plain_risk: RiskScore | None = None
