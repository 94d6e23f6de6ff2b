"""One sign-in on its way: what binds the provider's answer to the browser that began, for ten minutes and once.

1. The browser keeps an attempt in a cookie of this host, sealed with a key of this process; nothing is kept here for
   those who never come back, so nobody fills a memory by beginning.
2. ``state``, ``nonce`` and the PKCE verifier are made from the attempt with that key: the cookie does not give them
   away, and the verifier leaves us only for the provider's token endpoint (RFC 7636, RFC 9700 §2.1).
3. An answer is taken once, however it ends; what was taken is remembered until it has expired.
4. A restart forgets the key, and with it every attempt that is out: the person begins again.

>>> attempts = Attempts(bytes(32))
>>> text, _ = attempts.begin("corp", "/decisions", now_ns=1, random=bytes(16))
>>> attempts.read(text, now_ns=2).then
'/decisions'
>>> attempts.read(text, now_ns=LIFE_NS + 1)
Traceback (most recent call last):
...
ostiary.errors.RefusedError: this sign-in was not begun in this browser, or too long ago: begin again
"""

from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.oidc.reasons import WORDS, OidcRefusal, refusal
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.keys import equal, keyed_hash, sha256

LIFE_S: Final = 600
LIFE_NS: Final = LIFE_S * 1_000_000_000
RANDOM_BYTES: Final = 16
LONGEST: Final = 4096
_SEAL_BYTES: Final = 32
_LABEL: Final = "ostiary/oidc/{}/v1\0"
MOST_ATTEMPTS: Final = 100_000


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """What a browser began.

    Attributes:
        provider: its name.
        then: the path of ours that the person wanted.
        random: what tells it from all others.
        began_ns, expires_ns: no answer counts before, and from then on.
        session: the session that shall be confirmed, as its cookie names it; empty for a new sign-in.
    """

    provider: str
    then: str
    random: bytes
    began_ns: int
    expires_ns: int
    session: str = ""


class Attempts:
    """Attempts that are under way; safe for several threads."""

    def __init__(self, key: bytes, used: ReplayMemory | None = None) -> None:
        """Seal with ``key``, which nobody knows but those who share the memory ``used``."""
        self._key = key
        self._used = used or MemoryReplay(0, MOST_ATTEMPTS)

    def begin(self, provider: str, then: str, now_ns: int, random: bytes, session: str = "") -> tuple[str, Attempt]:
        """Return a new attempt, and the text that the browser keeps of it; ``random`` is fresh."""
        attempt = Attempt(provider, then, random, now_ns, now_ns + LIFE_NS, session)
        body = msgspec.msgpack.encode(attempt)
        return b64url_encode(self._made("seal", body) + body).decode(), attempt

    def read(self, text: str, now_ns: int) -> Attempt:
        """Return the attempt that a browser kept.

        Raises:
            RefusedError: ``oidc_state_wrong``: none, not ours, or too old.
        """
        raw = b64url_decode(text.encode("ascii", "replace")) if len(text) <= LONGEST else None
        if raw is None or not equal(raw[:_SEAL_BYTES], self._made("seal", raw[_SEAL_BYTES:])):
            raise refusal(OidcRefusal.STATE)
        attempt = msgspec.msgpack.decode(raw[_SEAL_BYTES:], type=Attempt)  # the seal says that we made it
        if not attempt.began_ns <= now_ns < attempt.expires_ns:
            raise refusal(OidcRefusal.STATE)
        return attempt

    def use(self, attempt: Attempt, state: str, now_ns: int) -> None:
        """Use an attempt up, when ``state`` is its own.

        Raises:
            RefusedError: ``oidc_state_wrong``, ``oidc_replayed``.
            UnavailableError: ``oidc_busy``: too many are remembered to tell a new one from a used one.
        """
        if not equal(state.encode("utf-8", "replace"), self.state(attempt).encode()):
            raise refusal(OidcRefusal.STATE)
        try:
            fresh = self._used.remember(attempt.provider, attempt.random, attempt.expires_ns, now_ns)
        except UnavailableError as full:
            raise UnavailableError(OidcRefusal.BUSY, WORDS[OidcRefusal.BUSY]) from full
        if not fresh:
            raise refusal(OidcRefusal.REPLAYED)

    def state(self, attempt: Attempt) -> str:
        """Return the ``state`` of an attempt."""
        return self._word("state", attempt)

    def nonce(self, attempt: Attempt) -> str:
        """Return the ``nonce`` that the id token must carry."""
        return self._word("nonce", attempt)

    def verifier(self, attempt: Attempt) -> str:
        """Return the PKCE ``code_verifier``."""
        return self._word("verifier", attempt)

    def challenge(self, attempt: Attempt) -> str:
        """Return the PKCE ``code_challenge`` (S256)."""
        return b64url_encode(sha256(self.verifier(attempt).encode())).decode()

    def _word(self, label: str, attempt: Attempt) -> str:
        return b64url_encode(self._made(label, msgspec.msgpack.encode(attempt))).decode()

    def _made(self, label: str, data: bytes) -> bytes:
        return keyed_hash(self._key, _LABEL.format(label).encode() + data)
