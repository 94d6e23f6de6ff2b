"""Judges sessions anew after each answer: a new risk, a level that does not flap, and what follows by the law.

- It runs beside the answers, in the thread that learns: what it finds holds for the next access, and is told at once to
  whoever listens to the ledger.
- A session whose level is low is left alone: policy is asked again only where there is something to ask.
- What makes a session fall is recorded before the session falls; a session that fell so already is left alone.
- A model that fails is a missing model: the session keeps what was known of it.
- What is known of how somebody types and moves never enters a session's score, and has rules of its own instead: so
  it makes a session ask for a proof and never ends one, and having none of it is no silence that a model could hear.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from ostiary.decision.parts import Decided
from ostiary.decision.ports import Moment, PhaseSource, PolicySource, Recorder
from ostiary.decision.rejudge import Fall, rejudge, where_of
from ostiary.decision.resting import without_behaviour
from ostiary.keys import random_bytes
from ostiary.sessions import Hysteresis, Session, SessionLedger
from ostiary.sessions.facts import facts_of
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, SessionScorer, unavailable
from ostiary.vocabulary.verdicts import DecisionRecord

REASON: Final = "session_risk"
QUIET: Final = frozenset({"low", "unknown"})
RECORD_WAIT_S: Final = 10.0


class SessionScorerSource(Protocol):
    """Hands out the session scorer in force for a tenant, or ``None``."""

    def session_scorer(self, tenant: str) -> SessionScorer | None:
        """Return the scorer in force."""
        ...


class LatestSessionRisk:
    """A session's risk as the ledger has it: a ``SessionRiskSource``."""

    def __init__(self, ledger: SessionLedger) -> None:
        """Read from ``ledger``."""
        self._ledger = ledger

    def latest(self, tenant: str, session_id: str) -> RiskScore | None:
        """Return the latest risk with the level that is held, or ``None`` when no model has spoken."""
        session = self._ledger.find(tenant, session_id)
        if session is None or session.score is None:
            return None
        return risk_of(session)


def risk_of(session: Session) -> RiskScore:
    """Return what policy sees of a session's risk."""
    return RiskScore(
        available=True,
        score=session.score,
        level=session.level,
        model=session.model,
        uncertainty=session.uncertainty,
    )


class SessionJudge:
    """Judges the session of each decision; one thread calls it, in the order of the decisions."""

    def __init__(
        self,
        *,
        ledger: SessionLedger,
        scorers: SessionScorerSource,
        policies: PolicySource,
        phases: PhaseSource,
        recorder: Recorder,
        rule: Hysteresis,
        on_fault: Callable[[str, BaseException], None],
    ) -> None:
        """Take the parts."""
        self._ledger = ledger
        self._scorers = scorers
        self._policies = policies
        self._phases = phases
        self._recorder = recorder
        self._rule = rule
        self._on_fault = on_fault

    def observe(self, decided: Decided) -> None:
        """Judge the session of one decision, and let it fall if that is what follows."""
        record, moment = decided.record, decided.moment
        name = decided.session
        if moment is None or not name:
            return
        risk = self._risk(record, moment, decided)
        at_ns, cause = record.receipt.received_ns, record.receipt.decision_id
        if risk is None or risk.score is None:
            risk, session = unavailable(Reason.RISK_NO_MODEL), self._ledger.find(record.tenant, name)
        else:
            session = self._ledger.judge(record.tenant, name, risk, self._rule, at_ns=at_ns, cause=cause)
        if session is None or (session.level in QUIET and record.biometrics is None):
            return
        held = unavailable(Reason.RISK_NO_MODEL) if session.score is None else risk_of(session)
        phases = self._phases.phases(record.tenant, where_of(record))
        fall = rejudge(record, held, self._policies.engine(record.tenant), phases)
        if not _is_new(fall, session):
            return
        self._record(record, session, msgspec.structs.replace(risk, level=session.level), fall)
        self._apply(record.tenant, name, fall, at_ns, cause)

    def _risk(self, record: DecisionRecord, moment: Moment, decided: Decided) -> RiskScore | None:
        if decided.event is None:
            return None
        try:
            scorer = self._scorers.session_scorer(record.tenant)
            if scorer is None:
                return None
            session = self._ledger.find(record.tenant, decided.session)
            told = facts_of(session, record.key or None, record.receipt.received_ns)
            event, features = decided.event, moment.features
            access = record.risk or unavailable(Reason.RISK_NO_MODEL)
            if event.behaviour is not None:  # found here, or told by a caller
                event, features = without_behaviour(event, features)
                access = record.plain_risk or access
            event = msgspec.structs.replace(event, session=told)
            return scorer.observe(event, moment.history, features, access)
        except Exception as fault:  # noqa: BLE001 - a broken model is a missing model (law 1)
            self._on_fault("session_risk_error", fault)
            return None

    def _record(self, record: DecisionRecord, session: Session, risk: RiskScore, fall: Fall) -> None:
        now = record.receipt.received_ns
        record_id = make_id("ses", now, random_bytes(RANDOM_BYTES))
        told: dict[str, Any] = {
            "v": 1,
            "type": "session.judged",
            "session": session.session_id,
            "subject": session.subject,
            "cause": record.receipt.decision_id,
            "risk": risk,
            "effect": fall.effect.name,
            "proposal": fall.proposal.name,
            "rules": fall.rules,
            "privileges": fall.privileges,
            "lifetime_s": fall.lifetime_s,
        }
        payload = msgspec.json.encode(told)
        waiting = self._recorder.append(record.tenant, "session", record_id, now, payload, record.subject_key)
        waiting.result(timeout=RECORD_WAIT_S)

    def _apply(self, tenant: str, name: str, fall: Fall, at_ns: int, cause: str) -> None:
        if fall.effect == Effect.TERMINATE:
            self._ledger.terminate(tenant, name, at_ns=at_ns, reason=REASON, cause=cause)
        elif fall.effect == Effect.STEP_UP:
            self._ledger.demand_step_up(
                tenant, name, at_ns=at_ns, reason=REASON, cause=cause, acr_values=fall.acr_values
            )
        else:
            self._ledger.reduce(
                tenant,
                name,
                at_ns=at_ns,
                reason=REASON,
                cause=cause,
                privileges=fall.privileges,
                lifetime_s=fall.lifetime_s,
            )


def _is_new(fall: Fall, session: Session) -> bool:
    """Return whether the session has not fallen so already: asking twice for one thing is noise."""
    if fall.effect == Effect.ALLOW:
        return False
    if fall.effect == Effect.STEP_UP:
        asked = set(session.acr_values)  # none = the strongest
        return not session.demands_step_up or not asked <= set(fall.acr_values)
    if fall.effect == Effect.REDUCE and session.is_reduced:
        shorter = fall.lifetime_s is not None and not session.expires_ns
        return shorter or not set(fall.privileges) <= set(session.dropped)
    return True
