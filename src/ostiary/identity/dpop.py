"""Checks DPoP proofs of possession (RFC 9449 §4.3): the presenter holds the key to which the token is bound.

What must be true of a proof, in the order in which it is checked:

1. it is a compact JWS within limits, of type ``dpop+jwt``, with an allowed asymmetric algorithm;
2. its header brings a public key, nothing private, and the algorithm fits it;
3. that key is the one the token is bound to (``cnf.jkt``, RFC 9449 §6.1);
4. the signature is that key's;
5. method and URI are those of the request; query and fragment do not count;
6. it is for this very access token (``ath``), made just now, and carries our nonce when nonces are on;
7. it has not been used before. This comes last: only a proof that is good in all else is worth remembering.

At a token endpoint (RFC 9449 §5) there is no access token yet: the proof has no ``ath`` to check and its key is the one
that the new token will be bound to. ``holder`` checks all but 7 then, and ``use`` checks that when all else has held.
"""

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.algorithms import KeyRefusedError, PublicKey, import_public
from ostiary.identity.codes import DPOP
from ostiary.identity.compact import CompactJws, parse_compact
from ostiary.identity.dates import SECOND_NS, as_date_ns
from ostiary.identity.htu import normalise
from ostiary.identity.nonces import Nonces
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import DpopSettings
from ostiary.identity.strict import b64url_encode, is_name
from ostiary.identity.types import PresentedSubject
from ostiary.keys.hashing import sha256

MAX_LENGTH: Final = 8192
_TYPE: Final = "dpop+jwt"


@dataclass(frozen=True, slots=True)
class HolderProof:
    """A good proof that came without an access token, not used up yet."""

    jkt: str
    until_ns: int
    claims: dict[str, Any]


class DpopVerifier:
    """Checks proofs. Thread-safe as far as its replay memory is."""

    def __init__(self, settings: DpopSettings, memory: ReplayMemory, nonces: Nonces | None = None) -> None:
        """Take the settings, the memory of used proofs, and the nonces when they are on.

        Raises:
            ValueError: nonces are on in the settings but not given, or the other way round.
        """
        if bool(settings.nonce_s) != (nonces is not None):
            msg = "nonces must be given exactly when `nonce_s` is set"
            raise ValueError(msg)
        self._settings = settings
        self._memory = memory
        self._nonces = nonces

    def nonce(self, tenant: str, now_ns: int) -> str | None:
        """Return the nonce to hand to clients (``DPoP-Nonce``), or ``None`` when nonces are off."""
        return self._nonces.issue(tenant, now_ns) if self._nonces else None

    def verify(self, presented: PresentedSubject, jkt: str, tenant: str, now_ns: int) -> None:
        """Check the proof in ``presented`` for its token, which is bound to ``jkt``.

        Raises:
            RefusedError: one ``dpop_…`` code for each way to fail.
            UnavailableError: ``dpop_replay_memory_full``.
        """
        if presented.dpop is None or presented.token is None:
            _refuse(Refusal.DPOP_PROOF_MISSING, "the token is bound to a key and no proof of possession came with it")
        # 1 to 4 envelope, key, binding, signature
        jws, key = self._opened(presented.dpop)
        if key.thumbprint != jkt:
            _refuse(Refusal.DPOP_KEY_WRONG, "the proof is made with another key than the token is bound to")
        _check_signature(jws, key)
        # 5 the request
        _check_request(jws.payload, presented)
        # 6 the token, the time, the nonce
        _check_token_hash(jws.payload, presented.token)
        until_ns = self._check_time(jws.payload, now_ns)
        self._check_nonce(jws.payload, tenant, now_ns)
        # 7 never before
        self._check_fresh(jws.payload, jkt, tenant, until_ns, now_ns)

    def holder(self, presented: PresentedSubject, tenant: str, now_ns: int) -> HolderProof:
        """Check a proof at a token endpoint: whose key a new token will be bound to.

        Raises:
            RefusedError: one ``dpop_…`` code for each way to fail.
        """
        if presented.dpop is None:
            _refuse(Refusal.DPOP_PROOF_MISSING, "no proof of possession came with the request")
        jws, key = self._opened(presented.dpop)
        _check_signature(jws, key)
        _check_request(jws.payload, presented)
        until_ns = self._check_time(jws.payload, now_ns)
        self._check_nonce(jws.payload, tenant, now_ns)
        return HolderProof(key.thumbprint, until_ns, jws.payload)

    def use(self, proof: HolderProof, tenant: str, now_ns: int) -> None:
        """Use a proof up.

        Raises:
            RefusedError: ``dpop_replayed``, ``dpop_id_invalid``.
            UnavailableError: ``dpop_replay_memory_full``.
        """
        self._check_fresh(proof.claims, proof.jkt, tenant, proof.until_ns, now_ns)

    def _opened(self, proof: str) -> tuple[CompactJws, PublicKey]:
        jws = parse_compact(proof, MAX_LENGTH, DPOP)
        return jws, _key(jws.header, self._algorithm(jws.header))

    def _algorithm(self, header: dict[str, Any]) -> str:
        kind = header.get("typ")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") != _TYPE:
            _refuse(Refusal.DPOP_TYPE_WRONG, f"the proof is not of type `{_TYPE}`")
        if header["alg"] not in self._settings.algorithms:
            _refuse(Refusal.DPOP_ALGORITHM_NOT_ALLOWED, "the proof is signed with an algorithm that is not allowed")
        return str(header["alg"])

    def _check_time(self, claims: dict[str, Any], now_ns: int) -> int:
        issued = as_date_ns(claims.get("iat"))
        if issued is None:
            _refuse(Refusal.DPOP_ISSUED_AT_INVALID, "`iat` of the proof is no date")
        skew = self._settings.clock_skew_s * SECOND_NS
        until_ns = issued + self._settings.max_age_s * SECOND_NS + skew
        if issued - skew > now_ns:
            _refuse(Refusal.DPOP_FROM_FUTURE, "the proof was made in the future")
        if until_ns <= now_ns:
            _refuse(Refusal.DPOP_TOO_OLD, f"the proof is older than {self._settings.max_age_s} s")
        # `iat` has whole seconds, so a proof of the second in which we started is given the benefit of the doubt
        if issued + SECOND_NS <= self._memory.since_ns:
            _refuse(Refusal.DPOP_BEFORE_RESTART, "the proof is older than the memory of used proofs, make a new one")
        return until_ns

    def _check_nonce(self, claims: dict[str, Any], tenant: str, now_ns: int) -> None:
        if self._nonces is None:
            return
        nonce = claims.get("nonce")
        if nonce is None:
            _refuse(Refusal.DPOP_NONCE_MISSING, "the proof must carry a nonce of ours")
        if not isinstance(nonce, str) or not self._nonces.accepts(tenant, nonce, now_ns):
            _refuse(Refusal.DPOP_NONCE_WRONG, "the nonce in the proof is not ours or too old")

    def _check_fresh(self, claims: dict[str, Any], jkt: str, tenant: str, until_ns: int, now_ns: int) -> None:
        jti = claims.get("jti")
        if not is_name(jti):
            _refuse(Refusal.DPOP_ID_INVALID, "the proof has no proper `jti`")
        # One proof is one use, at whatever URI: stricter than RFC 9449 §11.1, which allows one use for each URI.
        used = sha256(f"{jkt}\0{jti}".encode())
        if not self._memory.remember(tenant, used, until_ns, now_ns):
            _refuse(Refusal.DPOP_REPLAYED, "the proof has been used before")


def _key(header: dict[str, Any], algorithm: str) -> PublicKey:
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        _refuse(Refusal.DPOP_KEY_MISSING, "the proof brings no key")
    try:
        key = import_public(jwk)
    except KeyRefusedError as error:
        code = Refusal.DPOP_KEY_PRIVATE if error.private else Refusal.DPOP_KEY_INVALID
        raise RefusedError(code, f"the key in the proof is unacceptable: {error}") from error
    if not key.fits(algorithm):
        _refuse(Refusal.DPOP_ALGORITHM_KEY_MISMATCH, "the proof's algorithm does not fit its key")
    return key


def _check_signature(jws: CompactJws, key: PublicKey) -> None:
    if not key.verify(jws.header["alg"], jws.signed, jws.signature):
        _refuse(Refusal.DPOP_SIGNATURE_INVALID, "the proof's signature is not its key's")


def _check_request(claims: dict[str, Any], presented: PresentedSubject) -> None:
    if not presented.htm or not presented.htu:
        _refuse(Refusal.DPOP_HTTP_REQUEST_MISSING, "the enforcement point did not say for which request the proof came")
    if claims.get("htm") != presented.htm:
        _refuse(Refusal.DPOP_HTTP_METHOD_WRONG, "the proof is for another HTTP method")
    wanted = normalise(presented.htu)
    if wanted is None:
        _refuse(Refusal.DPOP_HTTP_URI_INVALID, "the HTTP URI of the request cannot be compared")
    given = claims.get("htu")
    if not isinstance(given, str) or normalise(given) != wanted:
        _refuse(Refusal.DPOP_HTTP_URI_WRONG, "the proof is for another HTTP URI")


def _check_token_hash(claims: dict[str, Any], token: str) -> None:
    given = claims.get("ath")
    if given is None:
        _refuse(Refusal.DPOP_ACCESS_TOKEN_HASH_MISSING, "the proof does not say for which token it is")
    if given != b64url_encode(sha256(token.encode())).decode():
        _refuse(Refusal.DPOP_ACCESS_TOKEN_HASH_WRONG, "the proof is for another token")


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
