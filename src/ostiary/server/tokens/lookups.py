"""Introspection (RFC 7662) and revocation (RFC 7009) of Ostiary's own access tokens.

- Introspection is for enforcement points, each for its own tenant. Whatever is wrong with a token, the answer is
  ``{"active": false}``, and so it is for another tenant's.
- Revocation is for enforcement points, and for a holder with a proof for the very token. A token that is no good is
  taken back already: 200 (RFC 7009 §2.2). Taking back ends the token's session, so that the feed tells everybody.
"""

from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.identity.exchange.details import CLAIM, detail_of
from ostiary.identity.mtls import check_certificate
from ostiary.identity.remembered import Remembered
from ostiary.identity.subject import SubjectVerifier, identity_of
from ostiary.identity.types import PepIdentity, PresentedSubject, VerifiedIdentity, thaw
from ostiary.server.tokens.records import record_revocation
from ostiary.server.tokens.standing import is_over
from ostiary.server.wiring import House

REVOKED: Final = "token_revoked"
INACTIVE: Final[dict[str, Any]] = {"active": False}
_NS: Final = 1_000_000_000


class OwnTokens:
    """What can be said of, and done to, tokens that were made here."""

    def __init__(self, house: House) -> None:
        """Look in ``house``."""
        self._house = house
        self._subjects: SubjectVerifier = house.subjects
        self._tokens, self._dpop, _ = house.subjects.parts

    def find(self, token: str, tenant: str, now_ns: int) -> Remembered | None:
        """Return a token of our own that is good in itself, or ``None`` for every other text."""
        try:
            known = self._tokens.verify(token, tenant, now_ns)
        except RefusedError:
            return None
        return known if known.issuer.config.own else None

    def introspect(self, pep: PepIdentity, token: str, tenant: str, now_ns: int) -> dict[str, Any]:
        """Return what RFC 7662 §2.2 says of a token.

        Raises:
            UnavailableError: nobody can tell now.
        """
        known = self.find(token, tenant, now_ns) if pep.tenant == tenant else None
        return INACTIVE if known is None else self.told(known, tenant, now_ns)

    def told(self, known: Remembered, tenant: str, now_ns: int) -> dict[str, Any]:
        """Return what is told of a token that is good in itself: whether it stands, and for what."""
        identity = identity_of(known, tenant)
        if is_over(self._house.ledger, identity, now_ns):
            return INACTIVE
        return _told(known, identity)

    def revoke_as_pep(self, pep: PepIdentity, token: str, tenant: str, now_ns: int) -> None:
        """Take a token back for an enforcement point of its tenant; one that is no good is left as it is."""
        known = self.find(token, tenant, now_ns) if pep.tenant == tenant else None
        if known is not None:
            self.revoke(identity_of(known, tenant), pep.pep_id, now_ns)

    def revoke_as_holder(self, presented: PresentedSubject, tenant: str, now_ns: int) -> None:
        """Take a token back for who holds its key; one that is no good is left as it is.

        Raises:
            RefusedError: the token is good, and the caller did not prove to be its holder.
        """
        known = self.find(presented.token or "", tenant, now_ns)
        if known is None:
            return
        if known.facts.x5t:
            check_certificate(presented.client_cert_sha256, known.facts.x5t)
        if known.facts.jkt:
            self._dpop.verify(presented, known.facts.jkt, tenant, now_ns)
        self.revoke(identity_of(known, tenant), "holder", now_ns)

    def revoke(self, identity: VerifiedIdentity, by: str, now_ns: int) -> None:
        """Record that a token is taken back, then end its session."""
        cause = record_revocation(self._house, identity, by)
        ledger = self._house.ledger
        ledger.terminate(identity.tenant, identity.session_id, at_ns=now_ns, reason=REVOKED, cause=cause)
        self._house.together.settle()


def _told(known: Remembered, identity: VerifiedIdentity) -> dict[str, Any]:
    facts, claims, token = known.facts, thaw(known.facts.claims), identity.token
    detail = detail_of(identity)
    told: dict[str, Any] = {
        "active": detail is not None,
        "iss": facts.issuer,
        "aud": known.issuer.config.audience,
        "sub": facts.subject_id,
        "sub_type": facts.subject_type,
        "sid": facts.session_id,
        "token_type": "DPoP" if facts.jkt else "Bearer",
        "cnf": {name: value for name, value in (("jkt", facts.jkt), ("x5t#S256", facts.x5t)) if value},
        CLAIM: claims.get(CLAIM),
        "origin": claims.get("origin"),
    }
    if token is not None:
        told |= {"jti": token.token_id, "iat": _seconds(token.issued_ns), "exp": _seconds(token.expires_ns)}
    if "act" in claims:
        told["act"] = claims["act"]
    return told if told["active"] else INACTIVE


def _seconds(moment_ns: int | None) -> int | None:
    return None if moment_ns is None else moment_ns // _NS
