"""Who may administer: keys of the form ``id.secret``, each bound to one tenant, or to all of them.

Only hashes are kept. A key of a tenant is as unknown to every other tenant as one that never was.

>>> name_of("adm_1"), name_of("user:ann")
('administrator:adm_1', 'user:ann')
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import hash_secret, new_secret, random_bytes, verify_secret
from ostiary.server.knowledge import SnapshotStore
from ostiary.vocabulary.clock import Clock

KIND: Final = "admin_key"
EVERY_TENANT: Final = "system"
_NOBODY: Final = "0" * 64
_MAX_SECRET: Final = 512
_PERSON: Final = "user:"
_PREFIX: Final = "adm_"


class AdminKey(msgspec.Struct, frozen=True):
    """One administrator's key as it is kept.

    Attributes:
        tenant: ``system`` when it may act for every tenant.
        by: who made it: a person of the console, another key, or empty for the command line.
        person: who of the console has seen it: whoever made it, or made the key that made it; empty for nobody.
        made_ns: when; 0 for keys from before that was kept.
    """

    key_id: str
    tenant: str
    secret_hash: str
    by: str = ""
    person: str = ""
    made_ns: int = 0


class Administrator(msgspec.Struct, frozen=True):
    """An administrator who has proved himself: by a key, or as a person of the console, whose name stands for one."""

    key_id: str
    tenant: str

    def may(self, tenant: str) -> bool:
        """Return whether he may act for ``tenant``."""
        return self.tenant in {tenant, EVERY_TENANT}


def name_of(key_id: str) -> str:
    """Return the name under which people know an administrator: a person of the console has its own name there."""
    return key_id if key_id.startswith(_PERSON) else f"administrator:{key_id}"


class KeyStore(SnapshotStore, Protocol):
    """Where keys are kept, under the tenant ``system``."""

    def all(self, tenant: str, kind: str) -> Sequence[Any]:
        """Return all of a kind, each with ``name`` and ``data``, in the order of their names."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Admins:
    """Makes and checks administrators' keys."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        """Keep keys in ``store``."""
        self._store = store
        self._clock = clock

    def create(self, tenant: str, by: str = "") -> str:
        """Make a key and return it; it is shown this once."""
        key_id, secret, now_ns = f"{_PREFIX}{random_bytes(8).hex()}", new_secret(), self._clock.now_ns()
        key = AdminKey(key_id, tenant, hash_secret(secret), by, self._person(by), now_ns)
        self._store.save(EVERY_TENANT, KIND, key_id, msgspec.json.encode(key), now_ns)
        return f"{key_id}.{secret}"

    def of_tenant(self, tenant: str) -> list[AdminKey]:
        """Return the keys that may administer this tenant and no other, the oldest first."""
        every = (msgspec.json.decode(row.data, type=AdminKey) for row in self._store.all(EVERY_TENANT, KIND))
        return sorted((key for key in every if key.tenant == tenant), key=lambda key: (key.made_ns, key.key_id))

    def same(self, one: str, other: str) -> bool:
        """Return whether two administrators may be one human being, as far as is known here.

        Whoever makes a key at the console has seen it: it counts as its maker, and so does every key made with it. Of
        a key that is gone nothing is known any more, so it may be anybody's.
        """
        gone = any(name.startswith(_PREFIX) and self._kept(name) is None for name in (one, other))
        person = self._person(one)
        return one == other or gone or bool(person and person == self._person(other))

    def _person(self, name: str) -> str:
        kept = self._kept(name)
        return kept.person if kept else name if name.startswith(_PERSON) else ""

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
        if not key_id.startswith(_PREFIX) or not key_id.isascii():
            return None
        data = self._store.load(EVERY_TENANT, KIND, key_id)
        return msgspec.json.decode(data, type=AdminKey) if data else None
