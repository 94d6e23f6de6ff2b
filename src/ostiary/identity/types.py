"""What a caller presents, and what Ostiary believes after checking it.

Rules:

- ``Unverified…`` and ``Presented…`` hold what somebody said; nobody decides on them, and their ``repr`` hides secrets.
- ``VerifiedIdentity`` exists only after verification: the class refuses everyone who lacks the room's seal, and
  copying, replacing fields, pickling and subclassing are refused too. Every deciding function takes this type.
- A verified identity is deeply frozen, because a cached one is shared between requests and threads.

>>> UnverifiedToken("eyJhbGciOiJub25lIn0.e30.")
UnverifiedToken()
>>> PepIdentity(pep_id="gateway-1", tenant="acme").subjects
'token'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn, Self, final

from ostiary.identity._seal import SEAL

Assurance = Literal["asserted", "token"]
Proof = Literal["dpop", "mtls", "none"]
ProofRequired = Literal["", "dpop", "mtls"]
PepMethod = Literal["", "api_key", "client_secret_basic", "jwt", "mtls"]

_SECOND_NS: Final = 1_000_000_000
_NO_CLAIMS: Final[Mapping[str, Any]] = MappingProxyType({})
_NOT_HANDED_ON: Final = "a verified identity cannot be copied, changed, pickled or subclassed: verify again"
_NOT_YOURS: Final = "only the identity room can say who somebody is: call SubjectVerifier.verify"


def _refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise TypeError(_NOT_HANDED_ON)


@final
@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A string somebody presented as a token. Nothing in it may be believed; a bearer token is a secret."""

    text: str = field(repr=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedSubject:
    """What an enforcement point presents on behalf of a subject; all of it unverified.

    Attributes:
        token: the subject's access token.
        dpop: the DPoP proof that came with it (RFC 9449).
        htm: HTTP method of the request that carried the proof.
        htu: HTTP URI of that request.
        client_cert_sha256: SHA-256 of the DER client certificate seen by the enforcement point, hex or base64url.
    """

    token: str | None = field(default=None, repr=False)
    dpop: str | None = field(default=None, repr=False)
    htm: str | None = None
    htu: str | None = None
    client_cert_sha256: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedPep:
    """What a caller presents to be recognised as an enforcement point; all of it unverified.

    Attributes:
        authorization: the ``Authorization`` header.
        client_cert_sha256: thumbprint of the client certificate of this very connection, from the TLS listener
            or from a trusted proxy; never from an untrusted header.
    """

    authorization: str | None = field(default=None, repr=False)
    client_cert_sha256: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PepIdentity:
    """An authenticated enforcement point.

    Attributes:
        subjects: ``token`` (it must present a token for every subject) or ``asserted`` (its word is taken).
        proof_required: how the tokens it presents must be bound to their holder, if at all.
        method: how it authenticated.
        scopes: what its token is for; ``None`` when it did not authenticate by a token, which limits nothing.
    """

    pep_id: str
    tenant: str
    subjects: Assurance = "token"
    proof_required: ProofRequired = ""
    method: PepMethod = ""
    scopes: tuple[str, ...] | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTraits:
    """How a verified token is made, for signals of its use; no decision rests on it alone.

    Attributes:
        token_id: its ``jti``, or a digest of its signed text.
        issued_ns, expires_ns: ``iat`` and ``exp``, or ``None`` when not told.
        audience, algorithm, key_id: ``aud``, ``alg`` and ``kid``, empty when not told.
        shape: digest of the names of its header's and its own members.
        delegation_depth: how many actors are nested in ``act``.
    """

    token_id: str
    issued_ns: int | None = None
    expires_ns: int | None = None
    audience: str = ""
    algorithm: str = ""
    key_id: str = ""
    shape: str = ""
    delegation_depth: int = 0


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedIdentity:
    """A subject as Ostiary believes it to be. Built only by ``SubjectVerifier.verify``.

    Attributes:
        subject_type: type given by the issuer's configuration (or by the enforcement point, when ``asserted``).
        assurance: ``token`` (an issuer vouches) or ``asserted`` (only the enforcement point does).
        acr: authentication context class, empty when not told.
        amr: authentication methods, such as ``("pwd", "hwk")``.
        auth_time: when the subject last authenticated, Unix seconds, or ``None`` when not told.
        proof: what showed that the presenter holds the token's key.
        key: thumbprint of that key (RFC 9449 ``jkt``, RFC 8705 ``x5t#S256``), or empty.
        expires_ns: the identity must not be used after this moment; 0 when asserted (this one request).
        claims: the further claims that the issuer's configuration keeps, deeply frozen.
        token: how its token is made, or ``None`` when asserted.
        exchanged: whether the token is one of Ostiary's own, for one resource (``identity.exchange``).
    """

    tenant: str
    subject_type: str
    subject_id: str
    assurance: Assurance
    issuer: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int | None
    scopes: tuple[str, ...]
    client_id: str
    session_id: str
    proof: Proof
    key: str
    expires_ns: int
    claims: Mapping[str, Any] = field(repr=False)
    token: TokenTraits | None = field(repr=False)
    exchanged: bool

    # There is no __init__: it could be called again on a living instance, and would change it before refusing.
    def __new__(  # noqa: D102 - told by the class
        cls,
        *,
        seal: object,
        tenant: str,
        subject_type: str,
        subject_id: str,
        assurance: Assurance,
        issuer: str = "",
        acr: str = "",
        amr: tuple[str, ...] = (),
        auth_time: int | None = None,
        scopes: tuple[str, ...] = (),
        client_id: str = "",
        session_id: str = "",
        proof: Proof = "none",
        key: str = "",
        expires_ns: int = 0,
        claims: Mapping[str, Any] = _NO_CLAIMS,
        token: TokenTraits | None = None,
        exchanged: bool = False,
    ) -> Self:
        if seal is not SEAL:
            raise TypeError(_NOT_YOURS)
        given = locals()
        identity = object.__new__(cls)
        for name in _FIELDS:
            object.__setattr__(identity, name, given[name])
        return identity

    def auth_age_s(self, now_ns: int) -> float | None:
        """Return seconds since the subject last authenticated (never negative), or ``None`` when not told."""
        if self.auth_time is None:
            return None
        return max(0.0, now_ns / _SECOND_NS - self.auth_time)

    def document(self, now_ns: int) -> dict[str, Any]:
        """Return the identity as plain JSON values, as policy and the record see it; a fresh copy each time."""
        return {
            "assurance": self.assurance,
            "issuer": self.issuer,
            "acr": self.acr,
            "amr": list(self.amr),
            "auth_age_s": self.auth_age_s(now_ns),
            "proof": self.proof,
            "scopes": list(self.scopes),
            "client_id": self.client_id,
            "session_id": self.session_id,
            "exchanged": self.exchanged,
            "claims": thaw(self.claims),
        }

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __replace__ = _refuse
    __getstate__ = __setstate__ = _refuse  # a dataclass with slots would otherwise get a __setstate__ that changes it
    __init_subclass__ = classmethod(_refuse)


_FIELDS: Final = tuple(part.name for part in fields(VerifiedIdentity))


def freeze(value: Any) -> Any:
    """Return JSON ``value`` with tuples for lists and read-only mappings for dicts, all the way down."""
    if isinstance(value, str):  # most are
        return value
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Undo ``freeze`` into fresh plain values."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value
