"""The input documents of policy: one for the guardrails, and the same with verdict and score for the adaptive rules.

The guardrails' document holds no score by construction: it is built and frozen as bytes before the scorer's answer
is joined to it, and the adaptive document is those same bytes with two members added.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.decision.event import device_of
from ostiary.decision.held import session_member
from ostiary.decision.parts import Known
from ostiary.decision.ports import Moment
from ostiary.identity.types import VerifiedIdentity
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.devices import DeviceFacts
from ostiary.vocabulary.drift import DriftFacts
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import EvaluationRequest
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, unavailable
from ostiary.vocabulary.verdicts import GuardrailVerdict

_NS: Final = 1_000_000_000
_SECONDS: Final = 64


def _time(received_ns: int, moment: Moment) -> dict[str, Any]:
    """Return the moment of receipt, with the subject's local hour where it is known."""
    return {
        "unix": received_ns / _NS,
        "rfc3339": _rfc3339(received_ns // _NS),
        "local_hour": moment.local_hour,
        "weekday": moment.weekday,
    }


@lru_cache(maxsize=_SECONDS)
def _rfc3339(seconds: int) -> str:
    """Return a second as text; many decisions fall into one."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def guardrail_document(
    request: EvaluationRequest,
    pep_id: str,
    identity: VerifiedIdentity,
    moment: Moment,
    known: Known,
) -> dict[str, Any]:
    """Return the guardrails' input document; it never holds a score."""
    event, subject, resource = moment.event, known.subject, known.resource
    return {
        "tenant": identity.tenant,
        "time": _time(event.time_ns, moment),
        "pep": {"id": pep_id},
        "subject": {
            "type": identity.subject_type,
            "id": identity.subject_id,
            "properties": request.subject.properties,
            "attributes": subject.attributes,
            "groups": list(subject.groups),
            "known": subject.known,
            "identity": identity.document(event.time_ns),
            **({"commit": msgspec.structs.asdict(known.commit)} if known.commit else {}),
        },
        "action": {
            "name": request.action.name,
            "properties": request.action.properties,
            "class": event.action_class.value,
        },
        "resource": {
            "type": request.resource.type,
            "id": request.resource.id,
            "properties": request.resource.properties,
            "attributes": resource.attributes,
            "sensitivity": event.sensitivity,
            "critical": resource.critical,
            "labels": list(resource.labels),
            "known": resource.known,
        },
        "context": request.context,
        **({"grants": list(known.grants)} if known.grants else {}),
        "device": device_member(event, known.device, identity, device_of(request.context)),
        "session": session_member(event.session_id, known.standing, event.time_ns),
        "network": {"ip": event.ip, "country": event.country, "asn": event.asn, "trusted": moment.network_trusted},
        # No score: counted by deterministic code against a frozen baseline. Absent while a subject has none.
        **({"drift": drift_member(known.drift)} if known.drift else {}),
        "probing": moment.probing.document(),
        # What is away of Ostiary itself: policy refuses then what it would be wrong about. Absent while all is there.
        **({"degraded": list(known.degraded)} if known.degraded else {}),
    }


def drift_member(facts: DriftFacts) -> dict[str, Any]:
    """Return a subject's drift as policy sees it."""
    return {"alarm": facts.alarm, "measures": list(facts.measures), "days": facts.days, "fault": facts.fault}


def device_member(
    event: AccessEvent, device: DeviceFacts, identity: VerifiedIdentity, claims: dict[str, Any]
) -> dict[str, Any]:
    """Return the device as policy sees it: what the registry knows, and apart from it what the caller claims."""
    return {
        "id": event.device_id,
        "managed": event.device_managed,
        "claims": claims,
        "known": device.known,
        "trust": device.trust,
        "compliant": device.compliant,
        "quarantined": device.quarantined,
        "posture_age_s": device.posture_age_s,
        "attested_age_s": device.attested_age_s,
        "owner": device.subject,
        # Whether the very key of the device was used just now: then nobody else's word is needed for which one it is.
        "bound": bool(device.key) and device.key == identity.key,
    }


def floor_of(verdict: GuardrailVerdict) -> Effect:
    """Return the floor that the guardrails' hits alone make."""
    allowed = any(h.effect == Effect.ALLOW for h in verdict.hits)
    harshest = max((h.effect for h in verdict.hits), default=Effect.DENY)
    return harshest if allowed and not verdict.error else max(harshest, Effect.DENY)


def risk_member(risk: RiskScore) -> dict[str, Any]:
    """Return the score as the adaptive rules see it."""
    return {
        "available": risk.available,
        "reason": risk.reason,
        "score": risk.score,
        "level": risk.level,
        "uncertainty": risk.uncertainty,
        "model": risk.model,
        "signals": [c.signal for c in risk.contributions],
    }


def biometrics_member(found: BiometricsVerdict) -> dict[str, Any]:
    """Return what was found out of how the subject types and moves, as the adaptive rules see it."""
    return {
        "stage": found.stage,
        "llr": found.llr,
        "confidence": found.confidence,
        "liveness": found.liveness,
        "drift": found.drift,
        "alarm": found.alarm,
        "modalities": list(found.modalities),
        "windows": found.windows,
    }


def guardrails_member(verdict: GuardrailVerdict) -> dict[str, Any]:
    """Return what the adaptive rules are told of the guardrails' verdict."""
    return {"floor": floor_of(verdict).name, "rules": [h.rule for h in verdict.hits]}


def adaptive_document(
    guardrail_bytes: bytes,
    verdict: GuardrailVerdict,
    risk: RiskScore,
    session_risk: RiskScore | None = None,
    biometrics: BiometricsVerdict | None = None,
) -> bytes:
    """Return the adaptive rules' document: the guardrails' own bytes with their result and the scores added.

    Where nothing is known of how the subject types and moves there is no member for it: no rule can read its absence
    as anything.
    """
    added = {
        "guardrails": guardrails_member(verdict),
        "risk": risk_member(risk),
        "session_risk": risk_member(session_risk or unavailable(Reason.RISK_NO_MODEL)),
        **({"biometrics": biometrics_member(biometrics)} if biometrics else {}),
    }
    return guardrail_bytes[:-1] + b"," + msgspec.json.encode(added)[1:]
