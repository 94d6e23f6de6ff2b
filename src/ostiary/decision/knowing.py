"""What is known before an access is judged: subject, resource, device, session, grants; and where it lies.

Whatever is read here is read by the verified name, never by the one that somebody asked under.
"""

from typing import Any

from ostiary.decision.event import device_of, ip_of, own_session, sessions_of, text_of
from ostiary.decision.held import asked_of
from ostiary.decision.parts import Known, Parts
from ostiary.identity.types import VerifiedIdentity
from ostiary.sessions import Asked, SessionState, Standing
from ostiary.vocabulary.devices import UNKNOWN_DEVICE
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.rollout import Where


def known_of(parts: Parts, receipt: Receipt, request: EvaluationRequest, identity: VerifiedIdentity) -> Known:
    """Return what is known of subject, resource, device and session."""
    tenant, now_ns, context = identity.tenant, receipt.received_ns, request.context
    whom = f"{identity.subject_type}:{identity.subject_id}"
    device_id = text_of(device_of(context).get("id"))
    device = parts.devices.device(tenant, device_id, now_ns, identity.key) if parts.devices else UNKNOWN_DEVICE
    ip = ip_of(context.get("ip")) or receipt.peer_ip
    asked = asked_of(request, identity, _names(parts, identity, context), now_ns, ip, device.device_id or device_id)
    return Known(
        subject=parts.directory.subject(tenant, identity.subject_type, identity.subject_id),
        resource=parts.directory.resource(tenant, request.resource.type, request.resource.id),
        device=device,
        asked=asked,
        standing=parts.sessions.standing(asked),
        commit=parts.commits.commit(identity, now_ns) if parts.commits else None,
        drift=parts.drift.drift(tenant, f"{identity.subject_type}:{identity.subject_id}") if parts.drift else None,
        grants=parts.grants.grants(tenant, whom, request, now_ns) if parts.grants else (),
        degraded=parts.degraded(),
    )


def behaviour_of(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Return whether behaviour is watched here, and what it says of the session; a watch that fails says nothing."""
    if parts.behaviour is None:
        return {}
    found = None
    try:
        if asked.names:
            found = parts.behaviour.latest(asked.tenant, asked.names[0], asked.subject, asked.now_ns)
    except Exception as fault:  # noqa: BLE001 - nobody is kept out because a watch is broken (law 1)
        parts.on_fault("biometrics_unavailable", fault)
    return {"watches": True, "biometrics": found}


def where_of(identity: VerifiedIdentity, request: EvaluationRequest, known: Known) -> Where:
    """Return where a request lies among the scopes of phases: its verified subject, the directory's groups."""
    subject = f"{identity.subject_type}:{identity.subject_id}"
    return Where(subject, request.resource.type, known.subject.groups)


def _names(parts: Parts, identity: VerifiedIdentity, context: dict[str, Any]) -> tuple[str, ...]:
    """Return the session's names; what is done here must not be done to a session that is another subject's.

    What holds that one down holds here too: an issuer may know one person under several ids (OpenID Connect §8.1).
    """
    names, subject = sessions_of(identity, context), f"{identity.subject_type}:{identity.subject_id}"
    if identity.session_id and parts.sessions.whose(identity.tenant, identity.session_id) not in {"", subject}:
        return own_session(identity, identity.session_id), identity.session_id
    return names


def why_over(standing: Standing) -> Reason | None:
    """Return why nothing may be done in a session any more, or ``None`` when something may."""
    if standing.state is SessionState.TERMINATED:
        return Reason.SESSION_TERMINATED
    if standing.state is SessionState.EXPIRED:
        return Reason.SESSION_EXPIRED
    return Reason.SUBJECT_REVOKED if standing.revoked else None


def subject_key(request: EvaluationRequest) -> str:
    """Return the name under which a subject's personal data is encrypted: its type and id."""
    return f"{request.subject.type}:{request.subject.id}"
