"""Verifies what comes to the token endpoint: whose token it is, who acts, and to whose key the new one will be bound.

What must be true, in the order in which it is checked:

1. the subject token is good, as at any door (``tokens``); so is the actor token, where there is one;
2. the caller proves a key (RFC 9449 §5) or a certificate (RFC 8705): a token is never made without. That one came is
   looked at first and what it is worth second, because a forged token costs less to refuse than a proof to check;
3. a subject or actor token that is bound already is bound to that very key or certificate: stolen, it stays worthless;
4. the subject token lets this actor act, and the chain of actors is not too long;
5. (``use``, when everything else about the request has held) the proof, and each token that is good once, is new.

What identity is believed is that of the subject token. Nothing of the form is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ostiary.errors import RefusedError
from ostiary.identity.dpop import DpopVerifier, HolderProof
from ostiary.identity.exchange.actors import ACTING, Actor, actor_of, chain, check_may_act
from ostiary.identity.exchange.actors import acting as who_acts
from ostiary.identity.exchange.reasons import ExchangeRefusal
from ostiary.identity.mtls import check_certificate, thumbprint
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import Remembered, TokenMemory
from ostiary.identity.subject import SubjectVerifier, identity_of
from ostiary.identity.types import PresentedSubject, VerifiedIdentity, thaw
from ostiary.identity.workloads.once import SingleUse, unavailable

_CLAIMS_KEPT: Final = ("acr", "amr", "auth_time", "client_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedExchange:
    """What came to the token endpoint; all of it unverified.

    Attributes:
        subject_token, actor_token: whom the new token is about, and who acts.
        dpop: the proof of possession that came with the request, whose method and URI are ``htm`` and ``htu``.
        client_cert_sha256: the client certificate of the connection.
    """

    subject_token: str = field(repr=False)
    actor_token: str | None = field(default=None, repr=False)
    dpop: str | None = field(default=None, repr=False)
    htm: str = ""
    htu: str = ""
    client_cert_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenExchange:
    """What was verified; nothing is used up yet.

    Attributes:
        identity: whom the new token is about.
        actor: who acts, or ``None``.
        act: the new token's chain of actors, or ``None``.
        jkt, x5t: to what the new token is bound; at least one of them.
        ends_ns: it must not live longer than this: the end of every token that was presented.
        origin: what was verified when the subject was first exchanged; kept through every further exchange.
        carried: further claims of the new token: how and when the subject signed in.
        workload: names whom the new token is about, down to the one run, job or pod of it where that is known.
    """

    identity: VerifiedIdentity
    actor: VerifiedIdentity | None
    act: Actor | None
    jkt: str
    x5t: str
    ends_ns: int
    origin: Mapping[str, Any]
    carried: Mapping[str, Any]
    workload: Mapping[str, str]
    proof: HolderProof | None = field(repr=False)
    tokens: tuple[Remembered, ...] = field(repr=False)


class ExchangeVerifier:
    """Verifies exchanges. Thread-safe as far as its memories are."""

    def __init__(self, tokens: TokenMemory, dpop: DpopVerifier, once: SingleUse | None) -> None:
        """Take what a ``SubjectVerifier`` has: the same memories, so that nothing is accepted here and there."""
        self._tokens = tokens
        self._dpop = dpop
        self._once = once

    @classmethod
    def beside(cls, subjects: SubjectVerifier) -> "ExchangeVerifier":
        """Return one that shares all memories with ``subjects``."""
        return cls(*subjects.parts)

    def verify(self, presented: PresentedExchange, tenant: str, now_ns: int) -> ProvenExchange:
        """Return what is true of a request; it changes nothing.

        Raises:
            RefusedError: one code for each way to fail.
            UnavailableError: ``jwks_unavailable``.
        """
        # 1 the tokens
        certificate = _certificate(presented)
        subject = self._tokens.verify(presented.subject_token, tenant, now_ns)
        actor = self._tokens.verify(presented.actor_token, tenant, now_ns) if presented.actor_token else None
        known = (subject,) if actor is None else (subject, actor)
        # 2 whose key
        proof = self._holder(presented, tenant, now_ns) if presented.dpop is not None else None
        # 3 their bindings
        for one in known:
            _check_binding(one, proof, certificate)
        # 4 who acts
        claims = subject.facts.acting
        acting = None if actor is None else identity_of(actor, tenant)
        named = None if acting is None else actor_of(acting)
        check_may_act(claims, named, subject.facts.issuer)
        jkt = proof.jkt if proof else ""
        return ProvenExchange(
            identity=identity_of(subject, tenant),
            actor=acting,
            act=chain(claims, named),
            jkt=jkt,
            x5t=certificate if not jkt or any(one.facts.x5t for one in known) else "",
            ends_ns=min(_end_ns(one) for one in known),
            origin=_origin(subject, acting),
            carried=_carried(subject),
            workload=_workload(subject),
            proof=proof,
            tokens=known,
        )

    def use(self, proven: ProvenExchange, tenant: str, now_ns: int) -> None:
        """Use up the proof and each token that is good once; to be called when everything else has held.

        Raises:
            RefusedError: ``dpop_replayed``, ``workload_replayed``, ``workload_id_missing``.
            UnavailableError: a memory cannot tell.
        """
        if proven.proof is not None:
            self._dpop.use(proven.proof, tenant, now_ns)
        for one in proven.tokens:
            if _good_once(one):
                if self._once is None:
                    raise unavailable("nothing here remembers which tokens were used")
                self._once.check(one.facts, tenant, now_ns)

    def _holder(self, presented: PresentedExchange, tenant: str, now_ns: int) -> HolderProof:
        asked = PresentedSubject(dpop=presented.dpop, htm=presented.htm, htu=presented.htu)
        return self._dpop.holder(asked, tenant, now_ns)


def _certificate(presented: PresentedExchange) -> str:
    """Return the certificate's thumbprint, empty with a proof alone."""
    told = presented.client_cert_sha256
    if presented.dpop is None and not told:
        text = "prove a key (`DPoP`) or a client certificate: a token is never made without"
        raise RefusedError(ExchangeRefusal.HOLDER_UNPROVEN, text)
    return thumbprint(told) if told else ""


def _check_binding(known: Remembered, proof: HolderProof | None, certificate: str) -> None:
    facts = known.facts
    if facts.jkt and (proof is None or proof.jkt != facts.jkt):
        raise RefusedError(Refusal.DPOP_KEY_WRONG, "the token is bound to another key than the one that was proven")
    if facts.x5t:
        check_certificate(certificate, facts.x5t)


def _good_once(known: Remembered) -> bool:
    trust = known.issuer.config.workload
    return known.issuer.config.single_use or (trust is not None and trust.kind.exchanged_once)


def _end_ns(known: Remembered) -> int:
    """Return a token's own end, without what clocks may differ by."""
    traits = known.facts.traits
    told = traits.expires_ns if traits is not None else None
    return known.facts.until_ns if told is None else min(told, known.facts.until_ns)


def _origin(known: Remembered, actor: VerifiedIdentity | None) -> dict[str, Any]:
    facts, claims = known.facts, thaw(known.facts.claims)
    if known.issuer.config.own:
        kept = claims.get("origin")
        origin = kept if isinstance(kept, dict) else {}
        return _with_actors(origin, who_acts(facts, actor, origin.get(ACTING, [])))
    told = {"iss": facts.issuer, "sub_type": facts.subject_type, "sub": facts.subject_id, "sid": facts.session_id}
    origin = {**{name: value for name, value in told.items() if value}, "claims": claims}
    return _with_actors(origin, who_acts(facts, actor, None))


def _with_actors(origin: dict[str, Any], actors: list[dict[str, str]]) -> dict[str, Any]:
    return {**origin, ACTING: actors} if actors else origin


def _workload(known: Remembered) -> dict[str, str]:
    facts, trust = known.facts, known.issuer.config.workload
    told = {"iss": facts.issuer, "sub_type": facts.subject_type, "sub": facts.subject_id}
    names = () if trust is None else trust.kind.instance
    return {**told, **{name: str(facts.claims[name]) for name in names if name in facts.claims}}


def _carried(known: Remembered) -> dict[str, Any]:
    facts = known.facts
    told = {"acr": facts.acr, "amr": list(facts.amr), "auth_time": facts.auth_time, "client_id": facts.client_id}
    return {name: told[name] for name in _CLAIMS_KEPT if told[name]}
