"""Challenges: 32 random bytes and SHA-256 over all that the answer is good for.

1. The digest covers tenant, subject, session, action, resource, decision and expiry: an answer to one request is none
   to another, even where somebody swaps what the page shows.
2. A challenge is recognised by a seal of ours, so that nothing is kept for those that nobody answers: whoever
   knows a link can ask as often as he likes, crowd nobody out, and fill no memory (ADR-0015).
3. Used once: a verified answer's challenge is remembered until it has expired. Of two racing answers one wins.
4. Whoever forgets what was used has a new key for its seal (``server.shared``): every challenge that is still out is
   worthless then, and the page asks for a new one.

>>> book = Challenges(key=bytes(32))
>>> binding = Binding("step_up", "acme", "user:ann", "s1", "read", "doc", "1", "dec_1", expires_ns=10)
>>> given = book.issue(binding, bytes(32))
>>> book.check(given.challenge, given.seal, binding, now_ns=9)
>>> book.check(given.challenge, given.seal, binding, now_ns=10)
Traceback (most recent call last):
    ...
ostiary.errors.RefusedError: the time to answer is over
"""

from typing import Final, Literal

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.keys import equal, keyed_hash, sha256

RANDOM_BYTES: Final = 32
CHALLENGE_BYTES: Final = 64
MOST_CHALLENGES: Final = 100_000
"""Used ones that one process remembers for a tenant."""
_BOUND: Final = b"ostiary/webauthn/binding/v1\0"
_SEALED: Final = b"ostiary/webauthn/seal/v1\0"
_encode: Final = msgspec.json.Encoder().encode

Purpose = Literal["step_up", "enrol", "confirm", "sign_in"]


class Binding(msgspec.Struct, frozen=True):
    """All that one answer is good for; the member order is what is hashed.

    Attributes:
        purpose: ``step_up``, ``sign_in``, ``enrol`` (a new passkey) or ``confirm`` (with a kept one, before a new one).
        subject: ``type:id``.
        session: the session's name in the ledger, empty without one.
        cause: id of the decision, or the hash of the invitation, that this is about.
        expires_ns: no answer counts from this moment on.
        confirmed_by: for ``enrol``: the kept passkey that has just confirmed, empty when there was none.
    """

    purpose: Purpose
    tenant: str
    subject: str
    session: str
    action: str
    resource_type: str
    resource_id: str
    cause: str
    expires_ns: int
    confirmed_by: str = ""

    @property
    def digest(self) -> bytes:
        """SHA-256 over the canonical form."""
        return sha256(_BOUND + _encode(self))


class Issued(msgspec.Struct, frozen=True):
    """A challenge as it goes out: the browser hands back ``seal`` beside its answer."""

    challenge: bytes
    seal: bytes


class Challenges:
    """Issues and redeems challenges; safe for several threads."""

    def __init__(self, key: bytes, used: ReplayMemory | None = None) -> None:
        """Seal with ``key``, which nobody knows but those who share the memory ``used``."""
        self._key = key
        self._used = used or MemoryReplay(0, MOST_CHALLENGES)

    def issue(self, binding: Binding, random: bytes) -> Issued:
        """Return a challenge for ``binding``; ``random`` is 32 fresh bytes."""
        challenge = random + binding.digest
        return Issued(challenge, self._seal(challenge))

    def check(self, challenge: bytes, seal: bytes, binding: Binding, now_ns: int) -> None:
        """Refuse a challenge that is not ours, is for something else, or came too late; it is not used up.

        Raises:
            RefusedError: ``challenge_unknown``, ``challenge_other_request``, ``challenge_expired``.
        """
        if len(challenge) != CHALLENGE_BYTES or not equal(seal, self._seal(challenge)):
            raise refusal(StepUpRefusal.CHALLENGE_UNKNOWN)
        if not equal(challenge[RANDOM_BYTES:], binding.digest):
            raise refusal(StepUpRefusal.CHALLENGE_OTHER_REQUEST)
        if now_ns >= binding.expires_ns:
            raise refusal(StepUpRefusal.CHALLENGE_EXPIRED)

    def use(self, challenge: bytes, binding: Binding, now_ns: int) -> None:
        """Use a checked challenge up, for ever.

        Raises:
            RefusedError: ``challenge_used``.
            UnavailableError: ``step_up_busy``: too many are remembered to tell a new one from a used one.
        """
        try:
            fresh = self._used.remember(binding.tenant, challenge, binding.expires_ns, now_ns)
        except UnavailableError as full:
            raise UnavailableError(StepUpRefusal.STEP_UP_BUSY, WORDS[StepUpRefusal.STEP_UP_BUSY]) from full
        if not fresh:
            raise refusal(StepUpRefusal.CHALLENGE_USED)

    def _seal(self, challenge: bytes) -> bytes:
        return keyed_hash(self._key, _SEALED + challenge)
