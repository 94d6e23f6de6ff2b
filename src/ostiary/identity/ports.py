"""What identity needs from the world, as Protocols that storage, testing and wiring fill.

>>> class Nobody:
...     def find(self, pep_id): return None
...     def find_by_certificate(self, thumbprint): return None
...     def find_by_workload(self, issuer, subject): return None
>>> registry: PepRegistry = Nobody()
"""

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from ostiary.errors import FaultyInputError
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import Assurance, ProofRequired
from ostiary.vocabulary.ids import check_tenant

MAX_SECRETS: Final = 2
PEP_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredPep:
    """An enforcement point as an administrator registered it.

    Attributes:
        pep_id: unique over all tenants; 1 to 64 of ``A-Z a-z 0-9 _ -``, no dot and no colon.
        secret_hashes: ``keys.hash_secret`` of each accepted secret, at most two (old and new while they rotate).
        certificates: accepted certificate thumbprints, base64url of SHA-256 (RFC 8705 ``x5t#S256``).
        token_issuer: issuer whose JWTs authenticate it, one of the tenant's configured issuers, or empty.
        token_subject: the ``sub`` those JWTs must have.
        expires_ns: it is unknown from this moment on; 0 = never.
        disabled: it is unknown.
        receipts: it answers for its obligations with signed receipts, and its silence is an alarm.
        receipt_key: public key of those receipts in PEM, Ed25519 or P-256.
    """

    pep_id: str
    tenant: str
    subjects: Assurance = "token"
    proof_required: ProofRequired = ""
    secret_hashes: tuple[str, ...] = field(default=(), repr=False)
    certificates: tuple[str, ...] = ()
    token_issuer: str = ""
    token_subject: str = ""
    expires_ns: int = 0
    disabled: bool = False
    receipts: bool = False
    receipt_key: str = ""

    def __post_init__(self) -> None:
        """Refuse a registration that could not work or would be ambiguous."""
        check_tenant(self.tenant)
        if not PEP_ID.match(self.pep_id) or len(self.secret_hashes) > MAX_SECRETS:
            message = f"`{self.pep_id[:80]}` is no enforcement point: 1 to 64 of A-Z a-z 0-9 _ -, at most two secrets"
            raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
        if bool(self.token_issuer) != bool(self.token_subject):
            message = f"enforcement point `{self.pep_id}` needs both `token_issuer` and `token_subject`, or neither"
            raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
        if self.receipts and not self.receipt_key:
            message = f"enforcement point `{self.pep_id}` cannot answer for obligations without a `receipt_key`"
            raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)


class PepRegistry(Protocol):
    """Finds registered enforcement points.

    These are the only lookups without a tenant: an enforcement point says who it is before anyone knows its
    tenant, and its registration is what binds it to one. Must be thread-safe, and quick: it is asked per request.
    """

    def find(self, pep_id: str) -> RegisteredPep | None:
        """Return the enforcement point with this id."""
        ...

    def find_by_certificate(self, thumbprint: str) -> RegisteredPep | None:
        """Return the one that registered this thumbprint (base64url of SHA-256)."""
        ...

    def find_by_workload(self, issuer: str, subject: str) -> RegisteredPep | None:
        """Return the one that authenticates by JWTs of ``issuer`` with this ``sub``."""
        ...


class ReplayMemory(Protocol):
    """Remembers which proofs have been used.

    INVARIANT: of two calls with the same tenant and key, overlapping or not, at most one returns ``True``
    until ``expires_ns`` has passed. A memory that cannot promise this raises ``UnavailableError``.
    """

    @property
    def since_ns(self) -> int:
        """Moment since which nothing has been forgotten early; 0 for a durable memory."""
        ...

    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        """Return whether ``key`` is new, and remember it until ``expires_ns``."""
        ...


class KeySource(Protocol):
    """Fetches a JWKS document, bounded in size and time."""

    def fetch(self) -> bytes:
        """Return the document.

        Raises:
            UnavailableError: ``jwks_unavailable``.
        """
        ...


class JwsSigner(Protocol):
    """Signs bytes for a JWS; ``keys.SigningKey`` is one."""

    @property
    def kid(self) -> str:
        """Key id for the header."""
        ...

    @property
    def alg(self) -> str:
        """JWS algorithm name, ``EdDSA`` or ``ES256``."""
        ...

    def sign(self, data: bytes, /) -> bytes:
        """Return the raw signature (ECDSA as r || s)."""
        ...
