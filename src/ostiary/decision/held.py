"""What the state of a session holds against an access, whatever policy says: hits that join the guardrails' own.

- They are read from the input document alone, so that a record replays to the same decision.
- They can only make a decision harsher: there is no ALLOW among them.
- What the session lost, and what its demand asks for, was decided by the law before; here it is only kept.

>>> held({"state": "step_up", "acr_values": ["urn:ostiary:acr:phishing-resistant"]}, "read", "read")[0].rule
'session-step-up'
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.decision.event import network_prefix, text_of
from ostiary.identity.exchange.actors import acting_of
from ostiary.identity.exchange.details import origin_of
from ostiary.identity.types import VerifiedIdentity
from ostiary.sessions import Asked, Session, SessionState, Standing, StepUpProof, rules
from ostiary.vocabulary.effects import Control, Effect
from ostiary.vocabulary.entities import EvaluationRequest
from ostiary.vocabulary.verdicts import GuardrailVerdict, RuleHit

STRONGEST: Final = "urn:ostiary:acr:phishing-resistant"
_NS: Final = 1_000_000_000
_AGAIN: Final = "Sign in again with a security key or passkey."
_ANEW: Final = "Sign in again to start a new session."


def asked_of(
    request: EvaluationRequest,
    identity: VerifiedIdentity,
    names: tuple[str, ...],
    now_ns: int,
    ip: str | None,
    device_id: str | None,
) -> Asked:
    """Return what the session ledger is asked about one access."""
    token, signed_in = identity.token, identity.auth_time
    return Asked(
        tenant=identity.tenant,
        names=names,
        subject=f"{identity.subject_type}:{identity.subject_id}",
        now_ns=now_ns,
        action=request.action.name,
        resource_type=request.resource.type,
        resource_id=request.resource.id,
        issued_ns=None if token is None else token.issued_ns,
        authenticated_ns=None if signed_in is None else signed_in * _NS,
        client_id=identity.client_id,
        key=identity.key,
        network=network_prefix(ip),
        device_id=device_id or "",
        origin=text_of(origin_of(identity).get("sid")) or "",
        acting=acting_of(identity),
    )


def answered(standing: Standing, asked: Asked, identity: VerifiedIdentity, cause: str, skew_ns: int) -> Standing:
    """Return the standing after a sign-in at the issuer that answers the session's demand, if there was one.

    The token must tell of a later sign-in than the session has shown before, not older than the demand by more than
    clocks may differ, and of a class that was asked for; and the ledger must be about to believe it: the subject is the
    session's own, and the access came after all that fell.
    """
    session, signed_in = standing.session, asked.authenticated_ns
    if standing.state is not SessionState.STEP_UP or session is None or signed_in is None or not asked.names:
        return standing
    fresh = signed_in > session.authenticated_ns and signed_in + skew_ns >= session.step_up_ns
    if not fresh or (identity.acr not in session.acr_values if session.acr_values else identity.acr != STRONGEST):
        return standing
    proof = StepUpProof(
        tenant=asked.tenant,
        subject=asked.subject,
        session_id=session.session_id,
        acr=identity.acr,
        amr=identity.amr,
        proven_ns=asked.now_ns,
        expires_ns=asked.now_ns,
        action=asked.action,
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        cause=cause,
        key=asked.key,
    )
    if session.subject not in {"", asked.subject} or not rules.satisfies(session, proof):
        return standing
    return msgspec.structs.replace(standing, state=SessionState.ACTIVE, sign_in=proof)


def session_member(session_id: str | None, standing: Standing, now_ns: int) -> dict[str, Any]:
    """Return the session as policy sees it: no score and no level of risk is in it."""
    session, proof = standing.session, standing.proof
    reduced = session is not None and session.is_reduced and standing.sign_in is None
    demanded = session is not None and standing.state is SessionState.STEP_UP
    return {
        "id": session_id,
        "state": standing.state.value,
        "age_s": _age(None if session is None else session.started_ns, now_ns),
        "acr_values": list(session.acr_values) if session is not None and demanded else [],
        "dropped": list(session.dropped) if session is not None and reduced else [],
        "expires_in_s": _left(session, now_ns) if reduced else None,
        "key_changed": standing.key_changed,
        "moved": standing.moved,
        "step_up": None if proof is None else {"acr": proof.acr, "age_s": _age(proof.proven_ns, now_ns)},
    }


def held(session: Mapping[str, Any], action: str, action_class: str) -> tuple[RuleHit, ...]:
    """Return the hits of a session's state, as the input document tells it."""
    found = [_stolen(session), _demand(session), _dropped(session, action, action_class)]
    found += [_reduced(session), _shortened(session)]
    return tuple(hit for hit in found if hit is not None)


class _Action(msgspec.Struct, frozen=True):
    name: str = ""
    kind: str = msgspec.field(name="class", default="")


class _Told(msgspec.Struct):
    session: dict[str, Any] = {}
    action: _Action = _Action()


_told = msgspec.json.Decoder(_Told).decode


def with_session(verdict: GuardrailVerdict, document: bytes) -> GuardrailVerdict:
    """Return the guardrails' verdict with the hits of the session's state in ``document``."""
    told = _told(document)
    hits = held(told.session, told.action.name, told.action.kind)
    return msgspec.structs.replace(verdict, hits=(*verdict.hits, *hits)) if hits else verdict


def _stolen(session: Mapping[str, Any]) -> RuleHit | None:
    if not session.get("key_changed"):
        return None
    if session.get("moved"):
        text = "This session continued with another key from elsewhere, so it was ended."
        return RuleHit("session-stolen", Effect.TERMINATE, text, _ANEW)
    if session.get("step_up"):
        return None
    text = "This session continued with another key than the one it began with."
    return RuleHit("session-key-changed", Effect.STEP_UP, text, _AGAIN, {"acr_values": [STRONGEST]})


def _demand(session: Mapping[str, Any]) -> RuleHit | None:
    if session.get("state") != SessionState.STEP_UP.value:
        return None
    acr = session.get("acr_values") or [STRONGEST]
    text = "Something about this session is unusual, so its user must prove who it is."
    return RuleHit("session-step-up", Effect.STEP_UP, text, _AGAIN, {"acr_values": acr})


def _dropped(session: Mapping[str, Any], action: str, action_class: str) -> RuleHit | None:
    dropped = session.get("dropped") or []
    if not {action, action_class}.intersection(dropped):
        return None
    text = "This session lost the right to do this until its user proves who it is."
    return RuleHit("session-privilege-dropped", Effect.STEP_UP, text, _AGAIN, {"acr_values": [STRONGEST]})


def _reduced(session: Mapping[str, Any]) -> RuleHit | None:
    dropped = session.get("dropped") or []
    if not dropped:
        return None
    text = "This session lost some rights until its user proves who it is."
    return RuleHit("session-reduced", Effect.REDUCE, text, _AGAIN, {"privileges": dropped})


def _shortened(session: Mapping[str, Any]) -> RuleHit | None:
    left = session.get("expires_in_s")
    if left is None:
        return None
    text = "This session was shortened."
    properties = {"control": Control.SESSION_LIFETIME.value, "max_age": left}
    return RuleHit("session-shortened", Effect.REDUCE, text, _AGAIN, properties)


def _age(since_ns: int | None, now_ns: int) -> float | None:
    return None if not since_ns else max(0.0, (now_ns - since_ns) / _NS)


def _left(session: Session | None, now_ns: int) -> int | None:
    if session is None or not session.expires_ns:
        return None
    return max(0, (session.expires_ns - now_ns) // _NS)
