"""The parts of a decision, with what is only supposed put in front of what is known; nothing of it changes anything.

Each wrapper answers as the real part does, but for what the hypothesis says. What would change a session, keep a
record, take a budget of questions or tell anybody does nothing.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final, Literal

import msgspec

from ostiary.decision.parts import Parts
from ostiary.decision.phases import PhaseTable
from ostiary.decision.ports import DeviceReader, Moment, PolicyEngine, SessionReader, SignalReader
from ostiary.errors import FaultyInputError
from ostiary.sessions import Asked, Session, SessionState, Standing, StepUpProof
from ostiary.signals import features
from ostiary.vocabulary.devices import UNKNOWN_DEVICE, DeviceFacts, Trust
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.rollout import Where
from ostiary.vocabulary.scoring import RiskScore, Scorer

MOST_SIGNALS: Final = 512
_NS: Final = 1_000_000_000


class SupposedScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score that no model gave."""

    score: float
    level: Literal["low", "medium", "high"] = "low"
    uncertainty: float = 0.1


class SupposedSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How its session stands."""

    state: Literal["active", "step_up", "expired", "terminated"] = "active"
    dropped: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    proven_acr: str = ""
    proven_age_s: float = 0.0
    key_changed: bool = False
    moved: bool = False
    risk: SupposedScore | None = None


class SupposedDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the registry would know of its device."""

    known: bool = True
    trust: Trust = "unknown"
    compliant: bool | None = None
    quarantined: bool = False


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is supposed; what is not told is as it is.

    Attributes:
        at_ns: the moment of the request.
        score: what the model would say.
        signals: feature → value, ``None`` = missing.
    """

    at_ns: int | None = None
    score: SupposedScore | None = None
    signals: dict[str, float | None] = {}
    session: SupposedSession | None = None
    device: SupposedDevice | None = None


def check(facts: Facts) -> None:
    """Check that a hypothesis can be supposed at all.

    Raises:
        FaultyInputError: ``fact_invalid``, with what is wrong.
    """
    for told in (facts.score, facts.session.risk if facts.session else None):
        if told is not None and not (0 <= told.score <= 1 and 0 <= told.uncertainty <= 1):
            raise FaultyInputError("fact_invalid", "score and uncertainty are between 0 and 1")
    unknown = sorted(name for name in facts.signals if name not in features.INDEX)
    if unknown or len(facts.signals) > MOST_SIGNALS:
        raise FaultyInputError("fact_invalid", f"`{unknown[0][:80]}` is no signal" if unknown else "too many signals")
    if facts.at_ns is not None and not 0 < facts.at_ns < 1 << 62:
        raise FaultyInputError("fact_invalid", "the moment is no time")
    names = (*facts.session.dropped, *facts.session.acr_values) if facts.session else ()
    if len(names) > MOST_SIGNALS or any(len(name) > MOST_SIGNALS for name in names):
        raise FaultyInputError("fact_invalid", "too many names, or one that is too long")


def supposed(
    parts: Parts, facts: Facts, engine: PolicyEngine, scorer: Scorer | None, phases: PhaseTable, now_ns: int
) -> Parts:
    """Return the parts for deciding one hypothetical request."""
    source = _Sources(engine, _scorer(facts.score) or scorer, phases, _risk(facts))
    return msgspec.structs.replace(
        parts,
        sessions=_Sessions(parts.sessions, facts.session, now_ns),
        signals=_Signals(parts.signals, facts.signals),
        devices=_Devices(parts.devices, facts.device),
        policies=source,
        scorers=source,
        phases=source,
        session_risk=source if facts.session and facts.session.risk else parts.session_risk,
        recorder=Nowhere(),
        questions=None,
        on_fault=lambda _reason, _fault: None,
    )


class Nowhere:
    """A recorder that keeps nothing: a hypothesis is no decision."""

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Any]:
        """Forget one record."""
        del tenant, kind, record_id, time_ns, payload, subject_key
        done: Future[Any] = Future()
        done.set_result(None)
        return done


class _Sources:
    """One engine, one scorer, one table of phases, one risk of the session."""

    def __init__(self, engine: PolicyEngine, scorer: Scorer | None, phases: PhaseTable, risk: RiskScore | None) -> None:
        self._engine, self._scorer, self._phases, self._risk = engine, scorer, phases, risk

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

    def latest(self, tenant: str, session_id: str) -> RiskScore | None:
        """Return the session's risk."""
        del tenant, session_id
        return self._risk


class _Fixed:
    """A scorer that says what is supposed."""

    digest = "supposed"

    def __init__(self, told: RiskScore) -> None:
        self._told = told

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the supposed score."""
        del event, features
        return self._told


class _Signals:
    """Signals with some features supposed."""

    def __init__(self, real: SignalReader, told: dict[str, float | None]) -> None:
        self._real, self._told = real, told

    def read(self, event: AccessEvent) -> Moment:
        """Return the moment with the supposed features in it."""
        moment = self._real.read(event)
        if not self._told:
            return moment
        values = list(moment.features)
        for name, value in self._told.items():
            values[features.INDEX[name]] = float("nan") if value is None else value
        return msgspec.structs.replace(moment, features=tuple(values))

    def words(self, moment: Moment, signal: str) -> str:
        """Return the real words."""
        return self._real.words(moment, signal)


class _Devices:
    """Devices with one supposed."""

    def __init__(self, real: DeviceReader | None, told: SupposedDevice | None) -> None:
        self._real, self._told = real, told

    def device(self, tenant: str, device_id: str | None, now_ns: int, key: str = "") -> DeviceFacts:
        """Return the supposed device, else the real one."""
        if self._told is None:
            return UNKNOWN_DEVICE if self._real is None else self._real.device(tenant, device_id, now_ns, key)
        told = self._told
        return DeviceFacts(device_id, told.known, told.trust, told.compliant, told.quarantined)


class _Sessions:
    """The ledger, read only, with one session supposed."""

    def __init__(self, real: SessionReader, told: SupposedSession | None, now_ns: int) -> None:
        self._real, self._told, self._now_ns = real, told, now_ns

    @property
    def skew_ns(self) -> int:
        """By how much clocks may differ."""
        return self._real.skew_ns

    def whose(self, tenant: str, session_id: str) -> str:
        """Return the subject of a session."""
        return "" if self._told is not None else self._real.whose(tenant, session_id)

    def standing(self, asked: Asked) -> Standing:
        """Return how the access stands with its session."""
        told = self._told
        if told is None:
            return self._real.standing(asked)
        session = Session(
            asked.tenant,
            asked.names[0] if asked.names else "supposed",
            subject=asked.subject,
            started_ns=self._now_ns,
            reduced_ns=self._now_ns if told.dropped else 0,
            dropped=told.dropped,
            step_up_ns=self._now_ns if told.state == "step_up" else 0,
            acr_values=told.acr_values,
        )
        return Standing(
            state=SessionState(told.state),
            session=session,
            proof=self._proof(asked, told),
            key_changed=told.key_changed,
            moved=told.moved,
        )

    def _proof(self, asked: Asked, told: SupposedSession) -> StepUpProof | None:
        if not told.proven_acr:
            return None
        return StepUpProof(
            tenant=asked.tenant,
            subject=asked.subject,
            session_id=asked.names[0] if asked.names else "supposed",
            acr=told.proven_acr,
            amr=(),
            proven_ns=max(0, self._now_ns - int(told.proven_age_s * _NS)),
            expires_ns=self._now_ns + _NS,
            action=asked.action,
            resource_type=asked.resource_type,
            resource_id=asked.resource_id,
            cause="supposed",
            key=asked.key,
        )

    def touch(self, asked: Asked) -> None:
        """Remember nothing."""

    def prove(self, proof: StepUpProof) -> bool:
        """Believe nothing."""
        del proof
        return False

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End nothing."""
        del tenant, session_id, at_ns, reason, cause
        return False


def _scorer(told: SupposedScore | None) -> Scorer | None:
    return None if told is None else _Fixed(_score(told))


def _risk(facts: Facts) -> RiskScore | None:
    told = facts.session.risk if facts.session else None
    return None if told is None else _score(told)


def _score(told: SupposedScore) -> RiskScore:
    return RiskScore(available=True, score=told.score, level=told.level, model="supposed", uncertainty=told.uncertainty)


def phases_of(told: dict[str, str], now: PhaseTable) -> PhaseTable:
    """Return the phases now with some supposed ones (control → phase, in small letters).

    Raises:
        FaultyInputError: ``fact_invalid``.
    """
    table = {Control(name): phase for name, phase in now.phases.items()}
    try:
        changed = {Control(name): Phase[phase.upper()] for name, phase in told.items()}
    except (KeyError, ValueError) as fault:
        raise FaultyInputError("fact_invalid", "there is no such control or phase") from fault
    return PhaseTable({**table, **changed})
