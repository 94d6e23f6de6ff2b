"""Nonces that a device must sign: made without remembering any, so that nobody fills our memory by asking.

- A nonce says until when it is good and is sealed by a keyed hash, which a fresh secret at each start makes worthless.
- It is for one purpose; a nonce for enrolling never attests.
- It is used once: used nonces are remembered until they expire, and only those of callers that proved themselves, so
  the memory grows with devices and not with strangers.

>>> from ostiary.identity.replay import MemoryReplay
>>> challenges = Challenges(bytes(32), MemoryReplay(0, 10), life_s=60)
>>> nonce = challenges.issue("attest", now_ns=0)
>>> challenges.check("attest", nonce, now_ns=1)
>>> challenges.use("acme", nonce, now_ns=1)
"""

from typing import Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.keys.hashing import equal, keyed_hash, random_bytes, sha256

_TIME: Final = 8
_RANDOM: Final = 16
_MARK: Final = 16
_LENGTH: Final = _TIME + _RANDOM + _MARK
ENROL: Final = "enrol"
ATTEST: Final = "attest"
PURPOSES: Final = (ATTEST, ENROL)


def extra_for(purpose: str, nonce: str, *binding: str) -> bytes:
    """Return the 32 bytes that a quote must carry: the nonce, bound to the purpose and to who answers it."""
    return sha256("\0".join(("ostiary/device/v1", purpose, nonce, *binding)).encode())


class Challenges:
    """Issues and checks nonces; thread-safe as far as its memory is."""

    def __init__(self, secret: bytes, memory: ReplayMemory, life_s: int) -> None:
        """Take a secret of at least 32 random bytes and the memory of used nonces."""
        self._secret = secret
        self._memory = memory
        self.life_s = life_s

    def issue(self, purpose: str, now_ns: int) -> str:
        """Return a fresh nonce."""
        body = (now_ns + self.life_s * SECOND_NS).to_bytes(_TIME, "big") + random_bytes(_RANDOM)
        return b64url_encode(body + self._mark(purpose, body)).decode()

    def check(self, purpose: str, nonce: object, now_ns: int) -> None:
        """Refuse what is not ours, for another purpose, or too old.

        Raises:
            RefusedError: ``device_challenge_invalid`` or ``device_challenge_expired``.
        """
        raw = b64url_decode(nonce.encode()) if isinstance(nonce, str) and nonce.isascii() else None
        if raw is None or len(raw) != _LENGTH or not equal(self._mark(purpose, raw[:-_MARK]), raw[-_MARK:]):
            raise RefusedError(DeviceRefusal.DEVICE_CHALLENGE_INVALID, "the nonce is not one of ours for this purpose")
        if int.from_bytes(raw[:_TIME], "big") <= now_ns:
            raise RefusedError(DeviceRefusal.DEVICE_CHALLENGE_EXPIRED, "the nonce is too old, ask for another")

    def use(self, tenant: str, nonce: str, now_ns: int) -> None:
        """Use a checked nonce up.

        Raises:
            RefusedError: ``device_challenge_used``.
            UnavailableError: ``device_challenge_memory_full``.
        """
        try:
            fresh = self._memory.remember(tenant, sha256(nonce.encode()), self._until(nonce), now_ns)
        except UnavailableError as full:
            code = DeviceRefusal.DEVICE_CHALLENGE_MEMORY_FULL
            raise UnavailableError(code, "too many nonces are remembered, try again later") from full
        if not fresh:
            raise RefusedError(DeviceRefusal.DEVICE_CHALLENGE_USED, "the nonce has been used")

    @staticmethod
    def _until(nonce: str) -> int:
        return int.from_bytes((b64url_decode(nonce.encode()) or bytes(_TIME))[:_TIME], "big")

    def _mark(self, purpose: str, body: bytes) -> bytes:
        return keyed_hash(self._secret, b"ostiary/device-nonce/v1\0" + purpose.encode() + b"\0" + body)[:_MARK]
