"""Verifies the subject of one request: the only maker of ``VerifiedIdentity``.

What must be true, in the order in which it is checked:

1. there is a token, unless the enforcement point may assert subjects; a token that is there is always verified;
2. the token is good (``tokens``; recalled for a short while, ADR-0005), for a tenant's own issuer;
3. it is about the very subject of the request, by id and type;
4. it is bound to its holder when the enforcement point must demand that;
5. every binding it has is proven now, by DPoP or certificate: presenting a bound token bare would undo the binding;
6. it has not been used before, where its issuer's tokens are good for one request.

A proof of possession is good for one HTTP request. When one HTTP request asks for many decisions (AuthZEN
evaluations), use one ``OneRequest`` for all of them.
"""

from typing import Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity._seal import SEAL
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.mtls import check_certificate
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import Remembered, TokenMemory
from ostiary.identity.strict import is_name
from ostiary.identity.types import PepIdentity, PresentedSubject, Proof, VerifiedIdentity
from ostiary.identity.workloads.once import SingleUse, unavailable
from ostiary.vocabulary.entities import Subject

MAX_ID: Final = 1024


class SubjectVerifier:
    """Turns what an enforcement point presents into a verified identity. Thread-safe."""

    def __init__(self, tokens: TokenMemory, dpop: DpopVerifier, once: SingleUse | None = None) -> None:
        """Take the verifier of tokens, the verifier of proofs, and what accepts single-use tokens once, if any does."""
        self._tokens = tokens
        self._dpop = dpop
        self._once = once

    @property
    def parts(self) -> tuple[TokenMemory, DpopVerifier, SingleUse | None]:
        """What it verifies with; the token endpoint shares it, so that nothing is accepted once here and once there."""
        return self._tokens, self._dpop, self._once

    def dpop_nonce(self, tenant: str, now_ns: int) -> str | None:
        """Return the nonce for clients' next proofs, or ``None`` when nonces are off."""
        return self._dpop.nonce(tenant, now_ns)

    def verify(self, pep: PepIdentity, subject: Subject, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Return who the subject is.

        Raises:
            RefusedError: one code of ``Refusal`` for each way to fail.
            UnavailableError: ``jwks_unavailable``, ``dpop_replay_memory_full``, ``workload_…_unavailable``: nobody can
                be believed now.
        """
        # 1 is there a token
        if presented.token is None:
            return _asserted(pep, subject, presented)
        # 2 is it good
        known = self._tokens.verify(presented.token, pep.tenant, now_ns)
        # 3 is it about this subject
        _check_subject(known, subject)
        return self._held(pep, known, presented, now_ns)

    def identify(self, pep: PepIdentity, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        """Return whom a token is about, where nobody has named the subject beforehand: all of the above but 3.

        Raises:
            RefusedError, UnavailableError: as ``verify``; ``token_missing`` whatever the enforcement point may assert.
        """
        if presented.token is None:
            _refuse(Refusal.TOKEN_MISSING, "there is no token")
        return self._held(pep, self._tokens.verify(presented.token, pep.tenant, now_ns), presented, now_ns)

    def _held(self, pep: PepIdentity, known: Remembered, presented: PresentedSubject, now_ns: int) -> VerifiedIdentity:
        # 4 is it bound enough
        _check_demand(pep, known)
        # 5 is every binding proven
        self._check_proofs(known, presented, pep.tenant, now_ns)
        # 6 is it new
        self._check_use(known, pep.tenant, now_ns)
        if known.identity is None:
            known.identity = identity_of(known, pep.tenant)
        return known.identity

    def _check_proofs(self, known: Remembered, presented: PresentedSubject, tenant: str, now_ns: int) -> None:
        facts = known.facts
        if facts.x5t:
            check_certificate(presented.client_cert_sha256, facts.x5t)
        if facts.jkt:
            self._dpop.verify(presented, facts.jkt, tenant, now_ns)
        elif presented.dpop is not None:
            _refuse(Refusal.DPOP_TOKEN_NOT_BOUND, "a proof came with a token that is not bound to any key")

    def _check_use(self, known: Remembered, tenant: str, now_ns: int) -> None:
        if not known.issuer.config.single_use:
            return
        if self._once is None:
            raise unavailable("nothing here remembers which tokens were used")
        self._once.check(known.facts, tenant, now_ns)


def _asserted(pep: PepIdentity, subject: Subject, presented: PresentedSubject) -> VerifiedIdentity:
    if presented.dpop is not None:
        _refuse(Refusal.DPOP_WITHOUT_TOKEN, "a proof of possession came without a token")
    if pep.subjects != "asserted" or pep.proof_required:
        _refuse(Refusal.TOKEN_MISSING, "this enforcement point must present a token of the subject")
    if not is_name(subject.id, MAX_ID) or not is_name(subject.type):
        _refuse(Refusal.SUBJECT_INVALID, "the subject's type or id is no proper name")
    return VerifiedIdentity(
        seal=SEAL,
        tenant=pep.tenant,
        subject_type=subject.type,
        subject_id=subject.id,
        assurance="asserted",
    )


def _check_subject(known: Remembered, subject: Subject) -> None:
    also = known.issuer.config.also_types
    if known.facts.subject_id != subject.id:
        _refuse(Refusal.SUBJECT_MISMATCH, "the token is about another subject than the request")
    if subject.type != known.facts.subject_type and subject.type not in also:
        _refuse(Refusal.SUBJECT_TYPE_MISMATCH, "the token's issuer does not vouch for subjects of this type")


def _check_demand(pep: PepIdentity, known: Remembered) -> None:
    bound = {"": True, "dpop": bool(known.facts.jkt), "mtls": bool(known.facts.x5t)}
    if not bound[pep.proof_required]:
        _refuse(Refusal.TOKEN_BINDING_REQUIRED, f"tokens must be bound to their holder by `{pep.proof_required}`")


def identity_of(known: Remembered, tenant: str) -> VerifiedIdentity:
    """Return whom a verified token is about; only for who has checked that its bearer may bear it."""
    facts = known.facts
    proof: Proof = "dpop" if facts.jkt else "mtls" if facts.x5t else "none"
    return VerifiedIdentity(
        seal=SEAL,
        tenant=tenant,
        subject_type=facts.subject_type,
        subject_id=facts.subject_id,
        assurance="token",
        issuer=facts.issuer,
        acr=facts.acr,
        amr=facts.amr,
        auth_time=facts.auth_time,
        scopes=facts.scopes,
        client_id=facts.client_id,
        session_id=facts.session_id,
        proof=proof,
        key=facts.jkt or facts.x5t,
        expires_ns=facts.until_ns,
        claims=facts.claims,
        token=facts.traits,
        exchanged=known.issuer.config.own,
    )


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
