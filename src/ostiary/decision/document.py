"""The input documents of policy: one for the guardrails, and the same with verdict and score for the adaptive rules.

The guardrails' document holds no score by construction: it is built and frozen as bytes before the scorer's answer
is joined to it, and the adaptive document is those same bytes with two members added.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ostiary.decision.event import device_of
from ostiary.decision.ports import Moment, ResourceFacts, SubjectFacts
from ostiary.identity.types import VerifiedIdentity
from ostiary.sessions import SessionState
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import EvaluationRequest
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import GuardrailVerdict

_NS: Final = 1_000_000_000


def _time(received_ns: int, moment: Moment) -> dict[str, Any]:
    """Return the moment of receipt, with the subject's local hour where it is known."""
    seconds = received_ns // _NS
    return {
        "unix": received_ns / _NS,
        "rfc3339": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local_hour": moment.local_hour,
        "weekday": moment.weekday,
    }


def guardrail_document(
    request: EvaluationRequest,
    pep_id: str,
    identity: VerifiedIdentity,
    moment: Moment,
    subject: SubjectFacts,
    resource: ResourceFacts,
    session: SessionState,
) -> dict[str, Any]:
    """Return the guardrails' input document; it never holds a score."""
    event = moment.event
    device = device_of(request.context)
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
        "device": {"id": event.device_id, "managed": event.device_managed, "claims": device},
        "session": {"id": event.session_id, "state": session.value},
        "network": {"ip": event.ip, "country": event.country, "asn": event.asn, "trusted": moment.network_trusted},
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


def adaptive_document(guardrail_bytes: bytes, verdict: GuardrailVerdict, risk: RiskScore) -> bytes:
    """Return the adaptive rules' document: the guardrails' own bytes with their result and the score added."""
    added = {
        "guardrails": {"floor": floor_of(verdict).name, "rules": [h.rule for h in verdict.hits]},
        "risk": risk_member(risk),
    }
    return guardrail_bytes[:-1] + b"," + msgspec.json.encode(added)[1:]
