"""Who may administer: keys of the form ``id.secret``, each bound to one tenant, or to all of them.

Only hashes are kept. A key of a tenant is as unknown to every other tenant as one that never was.
"""

from typing import Final, Protocol

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import hash_secret, new_secret, random_bytes, verify_secret
from ostiary.server.knowledge import SnapshotStore
from ostiary.vocabulary.clock import Clock

KIND: Final = "admin_key"
EVERY_TENANT: Final = "system"
_NOBODY: Final = "0" * 64
_MAX_SECRET: Final = 512


class AdminKey(msgspec.Struct, frozen=True):
    """One administrator's key as it is kept; ``tenant`` is ``system`` when it may act for every tenant."""

    key_id: str
    tenant: str
    secret_hash: str


class Administrator(msgspec.Struct, frozen=True):
    """An administrator who has proved himself."""

    key_id: str
    tenant: str

    def may(self, tenant: str) -> bool:
        """Return whether he may act for ``tenant``."""
        return self.tenant in {tenant, EVERY_TENANT}


class KeyStore(SnapshotStore, Protocol):
    """Where keys are kept, under the tenant ``system``."""

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Admins:
    """Makes and checks administrators' keys."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        """Keep keys in ``store``."""
        self._store = store
        self._clock = clock

    def create(self, tenant: str) -> str:
        """Make a key and return it; it is shown this once."""
        key_id, secret = f"adm_{random_bytes(8).hex()}", new_secret()
        key = AdminKey(key_id, tenant, hash_secret(secret))
        self._store.save(EVERY_TENANT, KIND, key_id, msgspec.json.encode(key), self._clock.now_ns())
        return f"{key_id}.{secret}"

    def revoke(self, key_id: str) -> bool:
        """Forget a key; return whether there was one."""
        return self._store.delete(EVERY_TENANT, KIND, key_id)

    def tenant_of(self, key_id: str) -> str | None:
        """Return the tenant that a key may administer, or ``None`` when there is no such key."""
        kept = self._kept(key_id)
        return kept.tenant if kept else None

    def authenticate(self, authorization: str | None) -> Administrator:
        """Return who an ``Authorization`` header belongs to.

        Raises:
            RefusedError: ``admin_unauthenticated``, whatever went wrong.
        """
        scheme, _, presented = (authorization or "").partition(" ")
        key_id, _, secret = presented.partition(".")
        kept = self._kept(key_id) if scheme.lower() == "bearer" and len(secret) <= _MAX_SECRET else None
        # An unknown id is checked against a secret that nobody has, so that it takes as long as a known one.
        if not verify_secret(secret[:_MAX_SECRET], kept.secret_hash if kept else _NOBODY) or kept is None:
            raise RefusedError("admin_unauthenticated", "the administrator did not authenticate")
        return Administrator(kept.key_id, kept.tenant)

    def knows(self, authorization: str | None) -> bool:
        """Return whether an ``Authorization`` header is an administrator's."""
        try:
            self.authenticate(authorization)
        except RefusedError:
            return False
        return True

    def _kept(self, key_id: str) -> AdminKey | None:
        if not key_id.startswith("adm_") or not key_id.isascii():
            return None
        data = self._store.load(EVERY_TENANT, KIND, key_id)
        return msgspec.json.decode(data, type=AdminKey) if data else None
