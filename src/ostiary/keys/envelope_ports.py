"""What wraps data keys: a tenant's key in private files, in Vault's transit engine or in a cloud's KMS. The contract.

- A wrapper never gives its own key away; it wraps 32 bytes and unwraps them again, for the same tenant and ``bound``.
- Each wrapped key names the version that wrapped it. ``rotate`` makes the next version; the old ones still unwrap.
- ``retire`` destroys older versions: what those wrapped can never be unwrapped again, wherever a copy lies.
- ``shred`` destroys all of a tenant's versions, for ever: the tenant's name gets no new key.
- Whatever goes wrong on the way to the key is ``UnavailableError``, so that callers fail closed.
"""

from typing import Protocol

import msgspec


class Wrapped(msgspec.Struct, frozen=True):
    """A wrapped data key and the version of the tenant's key that wrapped it."""

    version: str
    sealed: bytes


class KeyWrapper(Protocol):
    """Wraps data keys by a tenant's key."""

    def wrap(self, tenant: str, key: bytes, bound: bytes) -> Wrapped:
        """Wrap a key under the tenant's current version, made on first use.

        Raises:
            RefusedError: ``tenant_shredded``.
            UnavailableError: ``key_unavailable``.
        """
        ...

    def unwrap(self, tenant: str, wrapped: Wrapped, bound: bytes) -> bytes:
        """Return the key.

        Raises:
            VerificationError: ``sealed_data_refused`` when it was altered or was wrapped for something else.
            RefusedError: ``key_destroyed`` or ``tenant_shredded`` when its version is gone.
            UnavailableError: ``key_unavailable``.
        """
        ...

    def current(self, tenant: str) -> str:
        """Return the version that wraps now, made on first use."""
        ...

    def rotate(self, tenant: str) -> str:
        """Make the next version and return it; it wraps from now on."""
        ...

    def retire(self, tenant: str, kept: str) -> int:
        """Destroy every version older than ``kept``; return how many are gone by it."""
        ...

    def shred(self, tenant: str) -> None:
        """Destroy all of a tenant's versions, for ever."""
        ...
