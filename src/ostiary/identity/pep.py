"""Authenticates the calling enforcement point, in one of four ways.

- ``Basic``: client id and secret (RFC 6749 §2.3.1, ``client_secret_basic``);
- ``Bearer id.secret``: an API key that carries its id;
- ``Bearer`` with a JWT of an issuer that the enforcement point's tenant believes;
- a client certificate, when there is no ``Authorization`` header.

Rules:

- Every failure has one and the same answer, ``pep_unauthenticated``; what went wrong is only in the exception's cause.
- An unknown, disabled or expired id is checked against secrets that nobody has, so that it takes as long as a known
  one with a wrong secret. The number of hashes does not depend on how many secrets are registered.
- An ``Authorization`` header that fails is not made good by a certificate.
- A certificate- or key-bound JWT counts only with its certificate; a DPoP-bound one is refused: the proof belongs to
  the subject's request, not to this one.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from ostiary.errors import RefusedError
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.issuers import issuer_of
from ostiary.identity.mtls import check_certificate, thumbprint
from ostiary.identity.ports import MAX_SECRETS, PepRegistry, RegisteredPep
from ostiary.identity.reasons import Refusal
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.identity.types import PepIdentity, PepMethod, PresentedPep
from ostiary.keys.hashing import equal, hash_secret

MAX_SECRET: Final = 512
_API_KEY_DOTS: Final = 1
_NO_SECRET: Final = "0" * 64  # equals no SHA-256 that anybody knows the input of


@dataclass(frozen=True, slots=True)
class _Claimed:
    pep_id: str
    secret: str


_Found = tuple[RegisteredPep | None, PepMethod, tuple[str, ...] | None]
_NOBODY: Final[_Found] = (None, "jwt", None)


class PepAuthenticator:
    """Says which enforcement point is calling. Thread-safe as far as its registry is."""

    def __init__(self, registry: PepRegistry, tokens: TokenMemory | None = None) -> None:
        """Take the registered enforcement points, and the verifier of JWTs if these may be used."""
        self._registry = registry
        self._tokens = tokens

    def authenticate(self, presented: PresentedPep, now_ns: int) -> PepIdentity:
        """Return who is calling.

        Raises:
            RefusedError: ``pep_unauthenticated``, whatever went wrong.
            UnavailableError: ``jwks_unavailable``, for a JWT whose issuer cannot be asked.
        """
        try:
            pep, method, scopes = self._authenticate(presented, now_ns)
        except RefusedError as error:
            raise _unauthenticated() from error
        if pep is None or pep.disabled or (pep.expires_ns and pep.expires_ns <= now_ns):
            raise _unauthenticated()
        return PepIdentity(
            pep_id=pep.pep_id,
            tenant=pep.tenant,
            subjects=pep.subjects,
            proof_required=pep.proof_required,
            method=method,
            scopes=scopes,
        )

    def _authenticate(self, presented: PresentedPep, now_ns: int) -> _Found:
        if presented.authorization is None:
            return self._by_certificate(presented.client_cert_sha256), "mtls", None
        scheme, _, credentials = presented.authorization.partition(" ")
        if len(credentials) > MAX_LENGTH:
            return None, "", None
        if scheme.lower() == "basic":
            return self._by_secret(_basic(credentials)), "client_secret_basic", None
        if scheme.lower() != "bearer":
            return None, "", None
        if credentials.count(".") == _API_KEY_DOTS:
            return self._by_secret(_Claimed(*credentials.split("."))), "api_key", None
        return self._by_token(credentials, presented, now_ns)

    def _by_certificate(self, text: str | None) -> RegisteredPep | None:
        return self._registry.find_by_certificate(thumbprint(text)) if text else None

    def _by_secret(self, claimed: _Claimed | None) -> RegisteredPep | None:
        if claimed is None or len(claimed.secret) > MAX_SECRET or not claimed.secret.isascii():
            return None
        pep = self._registry.find(claimed.pep_id)
        kept = pep.secret_hashes if pep is not None else ()
        slots = (*kept, *(_NO_SECRET for _ in range(MAX_SECRETS - len(kept))))
        given = hash_secret(claimed.secret).encode()
        matches = [equal(given, slot.encode()) for slot in slots]  # a list: no check is skipped after a hit
        return pep if any(matches) else None

    def _by_token(self, token: str, presented: PresentedPep, now_ns: int) -> _Found:
        if self._tokens is None:
            return _NOBODY
        unverified = parse_compact(token, MAX_LENGTH, TOKEN).payload
        issuer, subject = issuer_of(unverified), unverified.get("sub")
        if not issuer or not isinstance(subject, str):
            return _NOBODY
        pep = self._registry.find_by_workload(issuer, subject)  # chooses the tenant whose issuer must vouch for it
        if pep is None:
            return _NOBODY
        known = self._tokens.verify(token, pep.tenant, now_ns)
        facts = known.facts
        if known.issuer.config.single_use:  # good for one request, and that is a subject's
            return _NOBODY
        if facts.jkt or (facts.issuer, facts.subject_id) != (pep.token_issuer, pep.token_subject):
            return _NOBODY
        if facts.x5t:
            check_certificate(presented.client_cert_sha256, facts.x5t)
        return pep, "jwt", facts.scopes


def api_key(pep_id: str, secret: str) -> str:
    """Return the API key to hand to an enforcement point; ``keys.hash_secret(secret)`` is what to register."""
    return f"{pep_id}.{secret}"


def _basic(credentials: str) -> _Claimed | None:
    try:
        pair = base64.b64decode(credentials.strip(" "), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    pep_id, colon, secret = pair.partition(":")
    return _Claimed(unquote_plus(pep_id), unquote_plus(secret)) if colon else None


def _unauthenticated() -> RefusedError:
    return RefusedError(Refusal.PEP_UNAUTHENTICATED, "the enforcement point did not authenticate")
