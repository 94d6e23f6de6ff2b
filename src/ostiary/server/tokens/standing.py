"""Whether a token still stands: its session, the session that it was made in, its subject, and whoever acts."""

from ostiary.decision.decide import why_over
from ostiary.identity.exchange.actors import acting_of
from ostiary.identity.exchange.details import origin_of
from ostiary.identity.types import VerifiedIdentity
from ostiary.sessions import Asked, SessionLedger

_NS = 1_000_000_000


def is_over(ledger: SessionLedger, identity: VerifiedIdentity, now_ns: int) -> bool:
    """Return whether nothing may be done with a token of ``identity`` any more; as the decision would find it."""
    origin, token = origin_of(identity).get("sid"), identity.token
    asked = Asked(
        tenant=identity.tenant,
        names=(identity.session_id,) if identity.session_id else (),
        subject=f"{identity.subject_type}:{identity.subject_id}",
        now_ns=now_ns,
        issued_ns=None if token is None else token.issued_ns,
        authenticated_ns=None if identity.auth_time is None else identity.auth_time * _NS,
        client_id=identity.client_id,
        key=identity.key,
        origin=origin if isinstance(origin, str) else "",
        acting=acting_of(identity),
    )
    return why_over(ledger.standing(asked)) is not None
