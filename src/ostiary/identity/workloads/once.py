"""Tokens that are good for one request: each ``jti`` of an issuer is accepted once.

Rules:

- Asked last, after everything else about the subject has held: a token that is refused is not used up.
- The memory keeps a token until its end. One that forgets with the process (``since_ns``) refuses tokens issued
  before it began, since nobody can tell whether they were used: a CI job simply asks for a new one.
- A memory that is full, away or absent lets nobody in.

>>> from ostiary.identity.replay import MemoryReplay
>>> SingleUse(MemoryReplay(since_ns=0, max_per_tenant=1000)).memory.since_ns
0
"""

from dataclasses import dataclass
from typing import Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.facts import TokenFacts
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.reasons import Refusal
from ostiary.keys.hashing import sha256

_DIGEST: Final = "digest-"  # how ``traits`` calls a token without a ``jti``


@dataclass(frozen=True, slots=True)
class SingleUse:
    """Accepts each token once. Thread-safe as far as its memory is."""

    memory: ReplayMemory

    def check(self, facts: TokenFacts, tenant: str, now_ns: int) -> None:
        """Use the token up.

        Raises:
            RefusedError: ``workload_replayed``, ``workload_before_restart``, ``workload_id_missing``.
            UnavailableError: ``workload_replay_memory_unavailable``.
        """
        traits = facts.traits
        if traits is None or traits.token_id.startswith(_DIGEST) or traits.issued_ns is None:
            raise RefusedError(Refusal.WORKLOAD_ID_MISSING, "the token has no `jti`, and may be used only once")
        if traits.issued_ns < self.memory.since_ns:
            raise RefusedError(Refusal.WORKLOAD_BEFORE_RESTART, "the token is older than the memory of used tokens")
        key = sha256(f"{len(facts.issuer)}:{facts.issuer}{traits.token_id}".encode())
        if not self._remember(tenant, key, facts.until_ns, now_ns):
            raise RefusedError(Refusal.WORKLOAD_REPLAYED, "the token has been used")

    def _remember(self, tenant: str, key: bytes, until_ns: int, now_ns: int) -> bool:
        try:
            return self.memory.remember(tenant, key, until_ns, now_ns)
        except UnavailableError as error:
            raise unavailable(error.message) from error


def unavailable(message: str) -> UnavailableError:
    """Return the error of a memory that cannot tell whether a token was used."""
    return UnavailableError(Refusal.WORKLOAD_REPLAY_MEMORY_UNAVAILABLE, message)
