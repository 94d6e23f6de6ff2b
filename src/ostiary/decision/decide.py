"""One request's way, from a proven enforcement point to a recorded answer (HOUSE.md §3).

    0 authenticate the enforcement point · 1 verify the subject · 2 device and session state ·
    3 enrich and extract signals · 4 score · 5 policy: guardrails, then adaptive ·
    6 combine by the law · 7 obligations · 8 record, then answer

- Steps 1, 2, 3, 5 and 8 failing means DENY with a reason. Step 4 failing means no proposal, which policy can see.
- Exactly one record: whoever takes the call's ``Claim`` writes it, so a late thread after a deadline writes nothing.
- No clock, no randomness: time and id come with the receipt.
"""

from concurrent.futures import Future
from typing import Any, NoReturn

import msgspec

from ostiary.decision.answer import answer_of
from ostiary.decision.combine import BreakGlass, combine, refused
from ostiary.decision.document import guardrail_document
from ostiary.decision.event import event_of
from ostiary.decision.held import answered, with_session
from ostiary.decision.knowing import behaviour_of, known_of, subject_key, where_of, why_over
from ostiary.decision.numbers import pack
from ostiary.decision.obligations import obligations_of, outside
from ostiary.decision.parts import (
    AlreadyAnsweredError,
    Call,
    Claim,
    Decided,
    Judged,
    Known,
    Parts,
    StepFailedError,
)
from ostiary.decision.ports import Moment, ResourceFacts
from ostiary.decision.probing import tell, watched
from ostiary.decision.resting import Seen, proposed, scored
from ostiary.decision.suppressing import silenced_for, withheld
from ostiary.errors import RefusedError
from ostiary.identity.types import PepIdentity, VerifiedIdentity
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import EvaluationRequest, Receipt, Subject
from ostiary.vocabulary.events import EventOutcome
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import Contribution, RiskScore, unavailable
from ostiary.vocabulary.verdicts import DecisionRecord

RECORD_VERSION = 1
RECORD_WAIT_S = 10.0


class Decider:
    """Decides evaluation requests; safe for several threads."""

    def __init__(self, parts: Parts) -> None:
        """Take the parts."""
        self._parts = parts

    @property
    def parts(self) -> Parts:
        """The parts, shared with searches."""
        return self._parts

    def decide(self, receipt: Receipt, call: Call) -> Decided:
        """Decide one request and queue its record.

        Raises:
            AlreadyAnsweredError: a deadline took the call's claim first.
            UnavailableError: the log takes no record; the server must answer DENY and count it.
        """
        laps: dict[str, int] = {"start": self._parts.stopwatch()}
        try:
            judged = self._judge(receipt, call, laps)
        except StepFailedError as failed:
            return self.refuse(receipt, call.pep, failed.reason, call.request, claim=call.claim, fault=failed.fault)
        except Exception as fault:  # noqa: BLE001 - whatever fails on the way is a DENY with a record
            self._parts.on_fault(Reason.INTERNAL_ERROR, fault)
            name, reason = type(fault).__name__, Reason.INTERNAL_ERROR
            return self.refuse(receipt, call.pep, reason, call.request, claim=call.claim, fault=name)
        if not call.claim.take():
            raise AlreadyAnsweredError
        try:
            if (over := self._over_meanwhile(judged)) is not None:
                return self.refuse(receipt, call.pep, over, call.request)
            return self._record(receipt, call, judged, laps)
        except Exception as fault:  # noqa: BLE001 - step 8 failing is a DENY; a log that is away raises from `refuse`
            self._parts.on_fault(Reason.RECORD_FAILED, fault)
            return self.refuse(receipt, call.pep, Reason.RECORD_FAILED, call.request, fault=type(fault).__name__)

    def _judge(self, receipt: Receipt, call: Call, laps: dict[str, int]) -> Judged:
        parts, request, watch = self._parts, call.request, self._parts.stopwatch

        # 0. The enforcement point has proved itself: `PepAuthenticator` gave `call.pep`, and with it the tenant.
        tenant, now_ns = call.pep.tenant, receipt.received_ns

        # 1. Verify the subject: token, proof of possession, audience.
        try:
            identity = parts.subjects.verify(call.pep, request.subject, call.presented, now_ns)
        except RefusedError as no:
            raise StepFailedError(no.code) from no
        except Exception as fault:  # noqa: BLE001 - any failure of step 1 is a DENY
            self._fail(Reason.SUBJECT_UNVERIFIED, fault)
        laps["identity"] = watch()

        # 2. Device and session state, and what is known of subject and resource.
        try:
            known = self._known(receipt, call, identity)
        except Exception as fault:  # noqa: BLE001 - any failure of step 2 is a DENY
            self._fail(Reason.STATE_ERROR, fault)
        if (over := why_over(known.standing)) is not None:
            raise StepFailedError(over)
        laps["state"] = watch()

        # 3. Enrich and extract signals: one pass, one profile read.
        try:
            moment = parts.signals.read(event_of(receipt, request, identity, known))
            moment = watched(parts.questions, identity, call.pep.pep_id, moment, own=known.watches)
        except Exception as fault:  # noqa: BLE001 - any failure of step 3 is a DENY
            self._fail(Reason.SIGNALS_ERROR, fault)
        laps["signals"] = watch()

        # 4. Score. Missing, late or broken means no proposal, and policy sees that.
        risk, plain = self._score(tenant, moment)
        laps["score"] = watch()

        # 5. Policy: guardrails on a document that holds no score, then the adaptive rules on the result and the score.
        try:
            engine = parts.policies.engine(tenant)
            document = msgspec.json.encode(guardrail_document(request, call.pep.pep_id, identity, moment, known))
            guardrails = with_session(engine.guardrails(document), document)
            adaptive = proposed(engine, document, guardrails, Seen(risk, plain, known.session_risk, known.biometrics))
        except Exception as fault:  # noqa: BLE001 - any failure of step 5 is a DENY
            self._fail(Reason.POLICY_UNAVAILABLE, fault)
        laps["policy"] = watch()

        # 6. Combine by the law.
        glass, critical = self._open_glass(identity, request, known.resource, now_ns), known.resource.critical
        phases = parts.phases.phases(tenant, where_of(identity, request, known))
        silenced = silenced_for(parts, moment.event, known.subject.groups, now_ns)
        hidden = withheld(adaptive.hits, silenced, risk)
        outcome = combine(guardrails, adaptive, phases, critical=critical, break_glass=glass, withheld=hidden)
        tell(parts.questions, moment.probing, outcome)

        # 7. Obligations.
        obligations = obligations_of(outcome, guardrails, adaptive, subject_key(request))
        laps["combine"] = watch()
        told = (moment, document, risk, guardrails, adaptive, outcome, obligations, phases.phases, engine.bundle.digest)
        more = (known.session_risk, known.standing.sign_in, silenced, known.biometrics, plain)
        return Judged(*told, known.asked, *more)

    def _known(self, receipt: Receipt, call: Call, identity: VerifiedIdentity) -> Known:
        """Return what is known of subject, resource, device and session, before anything is decided."""
        known = known_of(self._parts, receipt, call.request, identity)
        standing = answered(known.standing, known.asked, identity, receipt.decision_id, self._parts.sessions.skew_ns)
        names, source = known.asked.names, self._parts.session_risk
        risk = source.latest(identity.tenant, names[0]) if source is not None and names else None
        watched_here = behaviour_of(self._parts, known.asked)
        return msgspec.structs.replace(known, standing=standing, session_risk=risk, **watched_here)

    def _over_meanwhile(self, judged: Judged) -> Reason | None:
        """Return why a permission comes too late: policy took its time, and the session ended meanwhile."""
        return why_over(self._parts.sessions.standing(judged.asked)) if judged.outcome.effect.permits else None

    def _record(self, receipt: Receipt, call: Call, judged: Judged, laps: dict[str, int]) -> Decided:
        # 8. Record, then answer. A session that the decision ends is ended before anybody hears of it.
        outcome, tenant = judged.outcome, call.pep.tenant
        self._end_session(judged, receipt)
        result = EventOutcome.SUCCESS if outcome.effect.permits else EventOutcome.DENIED
        event = msgspec.structs.replace(judged.moment.event, outcome=result)
        record = DecisionRecord(
            v=RECORD_VERSION,
            tenant=tenant,
            receipt=receipt,
            pep=call.pep.pep_id,
            # The verified name, not the one it was asked under: profile and records are erased together.
            subject_key=f"{event.subject_type}:{event.subject_id}",
            outcome=outcome,
            input=msgspec.Raw(judged.document),
            event=event,
            features=pack(judged.moment.features),
            feature_set=judged.moment.feature_set,
            risk=judged.risk,
            guardrails=judged.guardrails,
            adaptive=judged.adaptive,
            obligations=judged.obligations,
            phases=judged.phases,
            bundle=judged.bundle,
            session_risk=judged.session_risk,
            key=judged.asked.key,
            suppressions=judged.suppressions,
            biometrics=judged.biometrics,
            plain_risk=judged.plain_risk,
        )
        told = outside(judged.obligations, judged.adaptive)
        answer = answer_of(receipt.decision_id, outcome, told, judged.guardrails.unmet)
        durable = self.append(record)
        self._go_on(judged, durable)
        laps["record"] = self._parts.stopwatch()
        session = judged.asked.names[0] if judged.asked.names else ""
        return Decided(record, answer, durable, event, laps, judged.moment, session, judged.asked)

    def _end_session(self, judged: Judged, receipt: Receipt) -> None:
        """End the session, if that is what the decision is."""
        asked, cause = judged.asked, receipt.decision_id
        if judged.outcome.effect == Effect.TERMINATE and asked.names:
            reasons = judged.outcome.reasons
            reason = reasons[0] if reasons else Effect.TERMINATE.name.lower()
            self._parts.sessions.terminate(asked.tenant, asked.names[0], at_ns=asked.now_ns, reason=reason, cause=cause)

    def _go_on(self, judged: Judged, durable: Future[Any]) -> None:
        """Let the session of a permitted access rise or go on: what raises it is on disk before it counts (law 3).

        Whatever fails here, the record stands: an access that was permitted once raises nothing then.
        """
        if not judged.outcome.effect.permits:
            return
        try:
            if judged.sign_in is not None:
                durable.result(timeout=RECORD_WAIT_S)
                self._parts.sessions.prove(judged.sign_in)
            self._parts.sessions.touch(judged.asked)
        except Exception as fault:  # noqa: BLE001 - there is one record already, and there may be no second
            self._parts.on_fault(Reason.STATE_ERROR, fault)

    def refuse(
        self,
        receipt: Receipt,
        pep: PepIdentity,
        reason: str,
        request: EvaluationRequest | None = None,
        *,
        claim: Claim | None = None,
        fault: str = "",
    ) -> Decided:
        """Deny with ``reason`` and queue the record: malformed input, timeouts and failed steps end here.

        Raises:
            AlreadyAnsweredError: somebody else took the claim first.
        """
        if claim is not None and not claim.take():
            raise AlreadyAnsweredError
        outcome = refused(reason)
        record = DecisionRecord(
            v=RECORD_VERSION,
            tenant=pep.tenant,
            receipt=receipt,
            pep=pep.pep_id,
            subject_key=subject_key(request) if request else "",
            outcome=outcome,
            request=request,
            refusal=reason,
            fault=fault,
        )
        return Decided(record, answer_of(receipt.decision_id, outcome, ()), self.append(record))

    def append(self, record: DecisionRecord) -> Future[Any]:
        """Queue one record.

        Raises:
            UnavailableError: the log takes no more.
        """
        payload = msgspec.json.encode(record)
        receipt = record.receipt
        return self._parts.recorder.append(
            record.tenant, "decision", receipt.decision_id, receipt.received_ns, payload, record.subject_key
        )

    def _score(self, tenant: str, moment: Moment) -> tuple[RiskScore, RiskScore | None]:
        """Return the score, and the one without what is known of behaviour where something is."""
        try:
            scorer = self._parts.scorers.scorer(tenant)
            if scorer is None:
                return unavailable(Reason.RISK_NO_MODEL), None
            risk, plain = scored(scorer.score, moment.event, moment.features)
        except Exception as fault:  # noqa: BLE001 - a broken model is a missing model (law 1)
            self._parts.on_fault(Reason.RISK_ERROR, fault)
            return unavailable(Reason.RISK_ERROR), None
        return self._told(moment, risk), plain

    def _told(self, moment: Moment, risk: RiskScore) -> RiskScore:
        if not risk.contributions:
            return risk
        return msgspec.structs.replace(risk, contributions=tuple(self._in_words(moment, c) for c in risk.contributions))

    def _in_words(self, moment: Moment, contribution: Contribution) -> Contribution:
        text = self._parts.signals.words(moment, contribution.signal)
        return msgspec.structs.replace(contribution, text=text) if text else contribution

    def _open_glass(
        self, identity: VerifiedIdentity, request: EvaluationRequest, resource: ResourceFacts, now_ns: int
    ) -> BreakGlass | None:
        """Return what is open for the subject as it was verified, whatever name it was asked under."""
        check = self._parts.break_glass
        if check is None or not resource.break_glass:
            return None
        whom = Subject(identity.subject_type, identity.subject_id)
        return check.find(identity.tenant, msgspec.structs.replace(request, subject=whom), now_ns)

    def _fail(self, reason: str, fault: Exception) -> NoReturn:
        self._parts.on_fault(reason, fault)
        raise StepFailedError(reason, type(fault).__name__) from fault


__all__ = [
    "AlreadyAnsweredError",
    "Call",
    "Claim",
    "Decided",
    "Decider",
    "Parts",
    "known_of",
    "subject_key",
    "why_over",
]
