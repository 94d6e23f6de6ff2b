"""Verifies one event token: from a string somebody sent to an event that a configured transmitter vouches for.

What must be true, in the order in which it is checked:

1. the envelope is a compact JWS within all limits (``compact``);
2. the header brings no key of its own, and ``typ`` is exactly ``secevent+jwt``: no other token can pass for one;
3. ``iss`` is the transmitter that this receiver was set up for;
4. the transmitter uses this algorithm, has a key with this id, and the algorithm fits the key;
5. the signature is the key's;
6. the claims are those of an event token: no ``sub``, no ``exp``, exactly one event (``payload``);
7. we are among its audiences, and it was made neither in the future nor too long ago.

That a token comes a second time is the receiver's to see (``response.ssf.receiving``): it alone knows what it has kept.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn, Self, final

from typing_extensions import override

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity._seal import SEAL
from ostiary.identity.algorithms import PublicKey
from ostiary.identity.compact import CompactJws, parse_compact
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.jwks import IssuerKeys
from ostiary.identity.ports import KeySource
from ostiary.identity.reasons import Refusal
from ostiary.identity.secevent.payload import SetPayload, read_payload
from ostiary.identity.secevent.reasons import SET, SetRefusal
from ostiary.identity.secevent.settings import TransmitterConfig
from ostiary.identity.secevent.signing import SET_TYPE
from ostiary.identity.settings import JwksSettings
from ostiary.identity.sources import open_source
from ostiary.identity.strict import is_name

MAX_LENGTH: Final = 32_768
_EMBEDDED: Final = frozenset({"jku", "jwk", "x5c", "x5u"})


@final
@dataclass(frozen=True, slots=True)
class UnverifiedSet:
    """A string somebody sent as an event token. Nothing in it may be believed."""

    text: str = field(repr=False)


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedSet:
    """An event that its transmitter vouches for; built only by ``SetVerifier.verify``.

    Attributes:
        tenant: whose receiver verified it.
        payload: what it says.
    """

    tenant: str
    payload: SetPayload

    def __new__(cls, *, seal: object, tenant: str, payload: SetPayload) -> Self:  # noqa: D102 - told by the class
        if seal is not SEAL:
            raise TypeError("only the identity room can verify an event token: call SetVerifier.verify")
        given = {"tenant": tenant, "payload": payload}
        verified = object.__new__(cls)
        for part in fields(cls):
            object.__setattr__(verified, part.name, given[part.name])
        return verified

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: verify again."""
        raise TypeError("a verified event token cannot be copied or pickled: verify again")


class SetVerifier:
    """Verifies the event tokens of one transmitter. Thread-safe."""

    def __init__(
        self, config: TransmitterConfig, settings: JwksSettings | None = None, source: KeySource | None = None
    ) -> None:
        """Take the transmitter to believe; nothing is fetched yet."""
        self.config = config
        wanted = settings or JwksSettings()
        self._keys = IssuerKeys(source or open_source(config.jwks, wanted), wanted, fixed=bool(config.jwks.inline))

    def refresh(self, now_ns: int) -> None:
        """Fetch the transmitter's keys, for a background task.

        Raises:
            UnavailableError: ``jwks_unavailable``.
        """
        self._keys.refresh(now_ns)

    def verify(self, token: UnverifiedSet, now_ns: int) -> VerifiedSet:
        """Return what the token says.

        Raises:
            RefusedError: one ``set_…`` code for each way to fail.
            UnavailableError: ``jwks_unavailable``.
        """
        # 1 the envelope
        jws = parse_compact(token.text, MAX_LENGTH, SET)
        # 2 no key of its own, exactly our type
        _check_header(jws.header)
        # 3 the issuer
        self._check_issuer(jws.payload)
        # 4 and 5 algorithm, key, signature
        self._check_signature(jws, now_ns)
        # 6 the claims
        payload = read_payload(jws.payload)
        # 7 audience and time
        self._check_fit(payload, now_ns)
        return VerifiedSet(seal=SEAL, tenant=self.config.tenant, payload=payload)

    def _check_issuer(self, claims: dict[str, Any]) -> None:
        if not isinstance(claims.get("iss"), str) or not claims["iss"]:
            _refuse(SetRefusal.SET_ISSUER_MISSING, "the event token names no issuer")
        if claims["iss"] != self.config.issuer:
            _refuse(SetRefusal.SET_ISSUER_UNKNOWN, "the event token's issuer is not this receiver's transmitter")

    def _check_signature(self, jws: CompactJws, now_ns: int) -> None:
        algorithm = str(jws.header["alg"])
        if algorithm not in self.config.algorithms:
            _refuse(SetRefusal.SET_ALGORITHM_NOT_ALLOWED, "the event token is signed with an algorithm not agreed on")
        kid = jws.header.get("kid")
        if not is_name(kid):
            _refuse(SetRefusal.SET_KEY_UNKNOWN, "the event token names no key")
        key = _found(self._keys, str(kid), now_ns)
        if not key.fits(algorithm):
            _refuse(SetRefusal.SET_ALGORITHM_KEY_MISMATCH, "the event token's algorithm does not fit the key it names")
        if not key.verify(algorithm, jws.signed, jws.signature):
            _refuse(SetRefusal.SET_SIGNATURE_INVALID, "the event token's signature is not its transmitter's")

    def _check_fit(self, payload: SetPayload, now_ns: int) -> None:
        if self.config.audience not in payload.for_whom:
            _refuse(SetRefusal.SET_AUDIENCE_WRONG, "the event token is for somebody else")
        issued_ns = int(payload.iat * SECOND_NS)
        if issued_ns > now_ns + self.config.clock_skew_s * SECOND_NS:
            _refuse(SetRefusal.SET_FROM_FUTURE, "the event token was made in the future")
        if issued_ns < now_ns - (self.config.max_age_s + self.config.clock_skew_s) * SECOND_NS:
            _refuse(SetRefusal.SET_TOO_OLD, f"the event token is older than {self.config.max_age_s} s")


def _check_header(header: dict[str, Any]) -> None:
    if not _EMBEDDED.isdisjoint(header):
        _refuse(SetRefusal.SET_EMBEDDED_KEY, "the event token brings its own key")
    if header.get("typ") != SET_TYPE:
        _refuse(SetRefusal.SET_TYPE_WRONG, f"the event token's type is not `{SET_TYPE}`")


def _found(keys: IssuerKeys, kid: str, now_ns: int) -> PublicKey:
    try:
        return keys.find(kid, now_ns)[0]
    except RefusedError as unknown:
        if unknown.code == Refusal.TOKEN_KEY_LOOKUP_LIMITED:
            # A key that was rotated a moment ago: the transmitter must come again, not lose the event.
            raise UnavailableError(Refusal.JWKS_UNAVAILABLE, "it is too early to ask for the key again") from unknown
        raise RefusedError(SetRefusal.SET_KEY_UNKNOWN, "the transmitter has no key with this id") from unknown


def _refuse(code: SetRefusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
