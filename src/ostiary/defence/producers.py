"""Who may send events that train: producers with a key each, registered by a tenant's administrators.

Rules:

- A name and a key are given once, and never again to anybody, not after revoking either: what is in the log under a
  name means one producer for ever.
- Ed25519 only. The same key at another tenant does no harm: a batch's header names its tenant.
- A revoked producer's batches are refused, whenever they were signed: a stolen key can put any time on them.
- ``distrusted_ns`` says from when on what it sent before is not believed any more; such rows train nothing.
- The head of a producer's chain moves by compare-and-set: of two batches for one place one is taken.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import EDDSA, VerifyingKey

MAX_PRODUCERS: Final = 1_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_MAX_KEY: Final = 4_096


class Producer(msgspec.Struct, frozen=True):
    """One registered producer.

    Attributes:
        tenant, name: whose it is, and what it is called.
        key: 32 bytes of its public key.
        thumbprint: of the key.
        added_ns: when it was registered.
        revoked_ns: when it was revoked, 0 while it is not.
        distrusted_ns: batches signed from then on train nothing; ``None`` while all are believed.
        sequence, head, head_ns: of its last batch that was taken: number, digest, time.
    """

    tenant: str
    name: str
    key: bytes
    thumbprint: str
    added_ns: int
    revoked_ns: int = 0
    distrusted_ns: int | None = None
    sequence: int = 0
    head: str = ""
    head_ns: int = 0

    @property
    def verifier(self) -> VerifyingKey:
        """Its public key."""
        return VerifyingKey.from_raw(self.name, EDDSA, self.key)

    @property
    def revoked(self) -> bool:
        """Whether it may send nothing any more."""
        return self.revoked_ns > 0


class ProducerStore(Protocol):
    """Keeps producers by tenant and name.

    INVARIANT: ``advance`` moves a chain only from where the caller saw it, and never that of a revoked producer; what
    it returned ``True`` for is on disk.
    """

    def find(self, tenant: str, name: str) -> Producer | None:
        """Return one, revoked or not."""
        ...

    def of_tenant(self, tenant: str) -> Sequence[Producer]:
        """Return a tenant's, in the order of their names."""
        ...

    def add(self, producer: Producer) -> bool:
        """Keep a new one; ``False`` when its name or its key was ever given in this tenant."""
        ...

    def revoke(self, tenant: str, name: str, at_ns: int, distrusted_ns: int | None) -> bool:
        """Revoke one, keeping the first time; return whether it is there."""
        ...

    def advance(self, before: Producer, sequence: int, head: str, head_ns: int) -> bool:
        """Move the head of a chain on, if it still stands where ``before`` says."""
        ...

    def refused(self, tenant: str, code: str) -> None:
        """Count one refused batch."""
        ...

    def refusals(self, tenant: str) -> dict[str, int]:
        """Return how many were refused, by code."""
        ...


class Producers:
    """The producers of all tenants."""

    def __init__(self, store: ProducerStore) -> None:
        """Keep them in ``store``."""
        self._store = store

    def of_tenant(self, tenant: str) -> Sequence[Producer]:
        """Return a tenant's, in the order of their names."""
        return self._store.of_tenant(tenant)

    def find(self, tenant: str, name: str) -> Producer:
        """Return one, revoked or not.

        Raises:
            RefusedError: ``producer_unknown``; another tenant's is as unknown as none.
        """
        found = self._store.find(tenant, name)
        if found is None:
            raise RefusedError("producer_unknown", "there is no such producer")
        return found

    def draft(self, tenant: str, name: str, key: VerifyingKey, now_ns: int) -> Producer:
        """Return a producer that may be added, so that the deed can be recorded before it counts.

        Raises:
            FaultyInputError: ``producer_name_invalid``, ``key_malformed``.
            RefusedError: ``producer_exists``, ``producer_key_used``, ``producer_limit``.
        """
        if not _NAME.match(name):
            raise FaultyInputError("producer_name_invalid", "a producer's name is 1 to 63 of a-z, 0-9, `.`, `_`, `-`")
        if key.alg != EDDSA:
            raise FaultyInputError("key_malformed", "a producer's key is an Ed25519 key")
        known = self._store.of_tenant(tenant)
        made = Producer(tenant, name, key.raw, key.thumbprint(), now_ns)
        if any(one.name == name for one in known):
            raise RefusedError("producer_exists", f"the name `{name}` was given before; choose another")
        if any(one.key == made.key for one in known):
            raise RefusedError("producer_key_used", "this key was given to a producer before; make a new one")
        if len(known) >= MAX_PRODUCERS:
            raise RefusedError("producer_limit", f"a tenant has at most {MAX_PRODUCERS} producers")
        return made

    def add(self, producer: Producer) -> None:
        """Register one.

        Raises:
            RefusedError: ``producer_exists``: somebody was quicker.
        """
        if not self._store.add(producer):
            raise RefusedError("producer_exists", "this name or key was given before; choose another")

    def revoke(self, tenant: str, name: str, now_ns: int, distrusted_ns: int | None = None) -> Producer:
        """Revoke one for ever; with ``distrusted_ns`` what it sent from then on trains nothing any more.

        Raises:
            RefusedError: ``producer_unknown``.
        """
        if not self._store.revoke(tenant, name, now_ns, distrusted_ns):
            raise RefusedError("producer_unknown", "there is no such producer")
        return self.find(tenant, name)


def read_key(data: bytes) -> VerifyingKey:
    """Return the public key in a JWK or PEM file.

    Raises:
        FaultyInputError: ``key_malformed``; a private key is refused too: it must not travel.
    """
    if len(data) > _MAX_KEY:
        raise FaultyInputError("key_malformed", f"a public key file of {len(data)} bytes is too large")
    if data.lstrip()[:1] != b"{":
        return VerifyingKey.from_pem("", data)
    try:
        jwk = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise FaultyInputError("key_malformed", "the file holds no JSON Web Key") from fault
    if "d" in jwk:
        raise FaultyInputError("key_malformed", "this is a private key: keep it where it is, give the public one")
    return VerifyingKey.from_jwk(jwk)
