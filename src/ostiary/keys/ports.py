"""What ``keys`` needs from storage: a place for wrapped data keys.

INVARIANT: ``put_key`` never replaces. Two writers that make a key for one subject at once both get the first one
back, so nothing is ever sealed under a key that is not stored.
"""

from typing import Protocol


class WrappedKeyStore(Protocol):
    """Keeps each subject's data key, wrapped by its tenant's key; ``tag`` is a keyed hash, never the subject's name."""

    def find_key(self, tenant: str, tag: bytes) -> bytes | None:
        """Return the wrapped key of a subject, or ``None``."""
        ...

    def put_key(self, tenant: str, tag: bytes, wrapped: bytes) -> bytes:
        """Store a wrapped key unless there is one, and return the one that is stored now."""
        ...

    def delete_key(self, tenant: str, tag: bytes) -> bool:
        """Remove a wrapped key for ever; return whether there was one."""
        ...

    def delete_keys(self, tenant: str) -> int:
        """Remove every wrapped key of a tenant for ever; return how many there were."""
        ...
