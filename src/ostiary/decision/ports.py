"""What the decision needs from other rooms, as Protocols; ``server/wiring.py`` fills them in."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec

from ostiary.decision.combine import BreakGlass
from ostiary.decision.phases import PhaseTable
from ostiary.defence.guarding import NOT_ASKED, Asker, Guarded
from ostiary.defence.questions import Question
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity
from ostiary.sessions import Asked, Standing, StepUpProof
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.devices import DeviceFacts
from ostiary.vocabulary.drift import DriftFacts
from ostiary.vocabulary.entities import EvaluationRequest, Subject
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.rollout import Where
from ostiary.vocabulary.scoring import RiskScore, Scorer
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, Suppressed


class SubjectFacts(msgspec.Struct, frozen=True):
    """What the catalogue knows of a subject; ``known`` is false when it knows nothing."""

    known: bool = False
    attributes: Mapping[str, Any] = {}
    groups: tuple[str, ...] = ()


class ResourceFacts(msgspec.Struct, frozen=True):
    """What the catalogue knows of a resource."""

    known: bool = False
    attributes: Mapping[str, Any] = {}
    sensitivity: int | None = None
    critical: bool = False
    break_glass: bool = True
    labels: tuple[str, ...] = ()


class CommitFacts(msgspec.Struct, frozen=True):
    """What is known of the commit that a job runs, as its own token names it.

    Attributes:
        approved: whether an approval holds now.
        how: by a verified ``signature`` or by an ``approval``; empty when it is not approved.
        by: who signed or approved.
    """

    sha: str
    approved: bool = False
    how: str = ""
    by: str = ""


class CommitReader(Protocol):
    """Which commits are approved."""

    def commit(self, identity: VerifiedIdentity, now_ns: int) -> CommitFacts | None:
        """Return what is known of the commit that an identity runs; ``None`` when its token names none."""
        ...


class Directory(Protocol):
    """Stored facts about subjects and resources (the policy information point)."""

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return what is known of one subject."""
        ...

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return what is known of one resource."""
        ...

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all subjects of a type, in a stable order."""
        ...

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all resources of a type, in a stable order."""
        ...

    def actions(self, tenant: str) -> Sequence[str]:
        """Return the names of all actions, in a stable order."""
        ...


class Moment(msgspec.Struct, frozen=True):
    """An enriched event and what the signals say of it; ``history`` is opaque to the decision.

    ``probing`` is what is seen of the event as a question to a scorer.
    """

    event: AccessEvent
    features: Sequence[float]
    history: object
    feature_set: str
    network_trusted: bool = False
    local_hour: int | None = None
    weekday: int | None = None
    probing: Guarded = NOT_ASKED


class SignalReader(Protocol):
    """Enriches an event and extracts its features: one pass, one profile read, no change."""

    def read(self, event: AccessEvent) -> Moment:
        """Return the moment of ``event``; features come from earlier events only."""
        ...

    def words(self, moment: Moment, signal: str) -> str:
        """Return one sentence about ``signal`` against the subject's own baseline, or an empty string."""
        ...


class QuestionReader(Protocol):
    """Watches questions about accesses, and takes their budgets (``defence.guarding`` fills it)."""

    def look(self, tenant: str, asker: Asker, question: Question, now_ns: int) -> Guarded:
        """Return what is seen of one question, its budgets taken if it could map a scorer.

        Raises:
            UnavailableError: the budgets cannot be written: nobody may be answered.
        """
        ...

    def told(self, guarded: Guarded, outcome: str) -> None:
        """Remember how a question was answered."""
        ...


class SubjectVerifier(Protocol):
    """Turns what was presented into a ``VerifiedIdentity`` or raises ``RefusedError``."""

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Verify token, proof of possession and audience."""
        ...


class SessionReader(Protocol):
    """The state of sessions."""

    @property
    def skew_ns(self) -> int:
        """By how much clocks may differ."""
        ...

    def whose(self, tenant: str, session_id: str) -> str:
        """Return the subject (``type:id``) that a session is known to be of, or an empty string."""
        ...

    def standing(self, asked: Asked) -> Standing:
        """Return how an access stands with its session."""
        ...

    def touch(self, asked: Asked) -> None:
        """Remember a permitted access."""
        ...

    def prove(self, proof: StepUpProof) -> bool:
        """Believe a sign-in that answers a session's demand."""
        ...

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End one session for good."""
        ...


class DeviceReader(Protocol):
    """What is known of devices."""

    def device(self, tenant: str, device_id: str | None, now_ns: int, key: str = "") -> DeviceFacts:
        """Return the facts of one device at ``now_ns``; one that nobody knows, or that nobody named, is unknown.

        The device that holds ``key``, the thumbprint that the access proved, goes before the one that it is said to be.
        """
        ...


class HasDigest(Protocol):
    """Something that a digest names."""

    @property
    def digest(self) -> str:
        """Digest, ``sha256:…``."""
        ...


class PolicyEngine(Protocol):
    """The two policy steps over one input document given as JSON bytes; never raises for faults of policy."""

    @property
    def bundle(self) -> HasDigest:
        """The bundle in force."""
        ...

    def guardrails(self, document: bytes) -> GuardrailVerdict:
        """Evaluate the guardrails."""
        ...

    def adaptive(self, document: bytes) -> AdaptiveVerdict:
        """Evaluate the adaptive rules."""
        ...


class PolicySource(Protocol):
    """Hands out the engine in force for a tenant; one decision uses one engine from beginning to end."""

    def engine(self, tenant: str) -> PolicyEngine:
        """Return the engine in force."""
        ...


class ScorerSource(Protocol):
    """Hands out the scorer in force for a tenant, or ``None``."""

    def scorer(self, tenant: str) -> Scorer | None:
        """Return the scorer in force."""
        ...


class SessionRiskSource(Protocol):
    """Hands out the latest risk of a session, before the access that is being decided."""

    def latest(self, tenant: str, session_id: str) -> RiskScore | None:
        """Return it, or ``None`` when the session has none."""
        ...


class BehaviourReader(Protocol):
    """Tells what the behavioural biometrics have found out of a session (``server.biometrics`` fills it)."""

    def latest(self, tenant: str, session_id: str, subject: str, now_ns: int) -> BiometricsVerdict | None:
        """Return a finished value, or ``None`` where there is none: at once, from memory, for this very subject."""
        ...


class DriftReader(Protocol):
    """Tells how far a subject has drifted from its frozen baseline."""

    def drift(self, tenant: str, subject: str) -> DriftFacts | None:
        """Return where the subject (``type:id``) stands, or ``None`` while it has no baseline."""
        ...


class PhaseSource(Protocol):
    """Hands out the phases in force."""

    def phases(self, tenant: str, where: Where) -> PhaseTable:
        """Return the phases of all controls at one place; its groups are the directory's, never the caller's."""
        ...


class SuppressionSource(Protocol):
    """Hands out what people have silenced for a while."""

    def in_force(
        self, tenant: str, subject_key: str, groups: Sequence[str], resource_class: str, now_ns: int
    ) -> tuple[Suppressed, ...]:
        """Return the suppressions whose scope holds this access, in the order of their ids."""
        ...


class BreakGlassCheck(Protocol):
    """Finds an open break-glass for a request (``approvals`` fills it)."""

    def find(self, tenant: str, request: EvaluationRequest, now_ns: int) -> BreakGlass | None:
        """Return the open break-glass that covers ``request``, or ``None``; its subject is the verified one."""
        ...


class GrantReader(Protocol):
    """What people granted, for a time: data for policy, by itself it allows nothing (``approvals`` fills it)."""

    def grants(
        self, tenant: str, subject: str, request: EvaluationRequest, now_ns: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the grants that cover ``request`` at ``now_ns``; ``subject`` is the verified ``type:id``."""
        ...


class Recorder(Protocol):
    """Appends one record to the audit log; the future resolves when it is on disk."""

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Any]:
        """Queue one record and return at once."""
        ...
