"""Verifies one access token: from a string somebody sent to facts an issuer vouches for.

What must be true, in the order in which it is checked:

1. the envelope is a compact JWS within all limits (``compact``);
2. the header carries no key and no address of one: keys come from the configuration, never from the token;
3. the tenant believes the issuer;
4. the issuer uses this algorithm and this type of token;
5. the issuer has a key with this id, and the algorithm fits the key;
6. the signature is the key's;
7. it is a token of the kind that the issuer makes; audience, dates and claims fit (``claims``);
8. where the issuer itself is to be asked: it lets the token stand (``workloads.review``).

Everything before 6 only chooses how to check; nothing of it is believed. An ECDSA signature and its mirror image
both verify (RFC 7518 does not demand the lower one): the claims are the same, so this is deliberately not refused.
"""

from dataclasses import replace
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.claims import read_claims
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import CompactJws, parse_compact
from ostiary.identity.facts import TokenFacts
from ostiary.identity.issuers import Issuer, IssuerBook, issuer_of
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig
from ostiary.identity.strict import is_name
from ostiary.identity.traits import traits_of
from ostiary.identity.types import UnverifiedToken

MAX_LENGTH: Final = 16_384
# RFC 7515 §4.1.2, 4.1.3, 4.1.5, 4.1.6: whoever follows these lets the token choose its own judge.
_EMBEDDED: Final = frozenset({"jku", "jwk", "x5c", "x5u"})


class TokenVerifier:
    """Verifies access tokens of the issuers in a book. Thread-safe."""

    def __init__(self, book: IssuerBook) -> None:
        """Take the issuers to believe."""
        self._book = book

    def verify(self, token: UnverifiedToken, tenant: str, now_ns: int) -> tuple[TokenFacts, Issuer, int]:
        """Return what the token says, who vouches for it, and the generation of keys that showed it.

        Raises:
            RefusedError: one ``token_…`` code for each way to fail.
            UnavailableError: ``jwks_unavailable``.
        """
        # 1 the envelope
        jws = parse_compact(token.text, MAX_LENGTH, TOKEN)
        # 2 no key of the token's own
        if not _EMBEDDED.isdisjoint(jws.header):
            _refuse(Refusal.TOKEN_EMBEDDED_KEY, "the token brings its own key")
        # 3 the issuer
        issuer = self._issuer(jws.payload, tenant)
        # 4 algorithm and type
        algorithm = _algorithm(jws.header, issuer.config)
        _check_type(jws.header, issuer.config)
        # 5 and 6 the key and its signature
        generation = _check_signature(jws, algorithm, issuer, now_ns)
        # 7 what it says
        workload = issuer.config.workload
        if workload is not None:
            workload.recognise(jws.header, jws.payload)
        facts = read_claims(jws.payload, issuer.config, now_ns)
        # 8 the issuer's own word
        if workload is not None and workload.review is not None:
            workload.review.review(tenant, workload.authority, facts.subject_id, token)
        return replace(facts, traits=traits_of(jws.header, jws.payload, jws.signed)), issuer, generation

    def _issuer(self, payload: dict[str, Any], tenant: str) -> Issuer:
        name = issuer_of(payload)
        if not name:
            _refuse(Refusal.TOKEN_ISSUER_MISSING, "the token names no issuer")
        issuer = self._book.find(tenant, name)
        if issuer is None:
            _refuse(Refusal.TOKEN_ISSUER_UNKNOWN, "the token's issuer is not known here")
        return issuer


def _algorithm(header: dict[str, Any], config: IssuerConfig) -> str:
    algorithm = header["alg"]
    if algorithm not in config.algorithms:
        _refuse(
            Refusal.TOKEN_ALGORITHM_NOT_ALLOWED, "the token is signed with an algorithm that its issuer may not use"
        )
    return str(algorithm)


def _check_type(header: dict[str, Any], config: IssuerConfig) -> None:
    kind = header.get("typ", "")
    if kind == "" and "" not in config.token_types:
        _refuse(Refusal.TOKEN_TYPE_MISSING, "the token does not say what type it is")
    # RFC 7515 §4.1.9: media types are compared without case, `application/` may be left out
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in config.token_types:
        _refuse(Refusal.TOKEN_TYPE_WRONG, "the token is of a type that is not accepted here")


def _check_signature(jws: CompactJws, algorithm: str, issuer: Issuer, now_ns: int) -> int:
    kid = jws.header.get("kid")
    if kid is None:
        _refuse(Refusal.TOKEN_KEY_ID_MISSING, "the token names no key")
    if not is_name(kid):
        _refuse(Refusal.TOKEN_KEY_ID_INVALID, "the token's key id is no proper name")
    key, generation = issuer.keys.find(kid, now_ns)
    if not key.fits(algorithm):
        _refuse(Refusal.TOKEN_ALGORITHM_KEY_MISMATCH, "the token's algorithm does not fit the key it names")
    if not key.verify(algorithm, jws.signed, jws.signature):
        _refuse(Refusal.TOKEN_SIGNATURE_INVALID, "the token's signature is not its issuer's")
    return generation


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
