"""Small values that take effect later, kept signed: what lies in the database was put there by Ostiary, and there.

1. Signed are the bytes together with tenant, kind and name: a row that was moved to another name or tenant is no row.
2. Whoever can write to the database, but has no key, can take a value away, and put back an older one of the same
   name. What must not come back is therefore said by a second value (``Ending``), which nothing ever takes away.
3. A value that does not verify is an error, never a missing value.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from ostiary.errors import VerificationError
from ostiary.keys import KeyRing, VerifyingKey
from ostiary.vocabulary.unreadable import UNREADABLE

_DOMAIN: Final = b"ostiary.shelf.v1\0"
T = TypeVar("T", bound=msgspec.Struct)


class ShelfStore(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def add(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> bool:
        """Store one unless there is one; return whether it was stored."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def all(self, tenant: str, kind: str) -> Sequence[Any]:
        """Return all of a kind, each with ``name`` and ``data``, in the order of their names."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Signed(msgspec.Struct, array_like=True, frozen=True):
    """A value as it is kept."""

    body: bytes
    kid: str
    signature: bytes


class SignedShelf(Generic[T]):
    """Values of one kind, by tenant and name; safe for several threads."""

    def __init__(self, store: ShelfStore, ring: KeyRing, kind: str, of: type[T], purpose: str) -> None:
        """Keep values of the type ``of`` in ``store`` under ``kind``, signed with the tenant's key for ``purpose``."""
        self._store = store
        self._ring = ring
        self._kind = kind
        self._purpose = purpose
        self._decoder = msgspec.msgpack.Decoder(of)

    def save(self, tenant: str, name: str, value: T, now_ns: int) -> None:
        """Sign and keep one."""
        self._store.save(tenant, self._kind, name, self._sealed(tenant, name, value), now_ns)

    def add(self, tenant: str, name: str, value: T, now_ns: int) -> bool:
        """Sign and keep one unless there is one; return whether it was kept: of several processes, one is first."""
        return self._store.add(tenant, self._kind, name, self._sealed(tenant, name, value), now_ns)

    def load(self, tenant: str, name: str) -> T | None:
        """Return one, verified, or ``None``.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        data = self._store.load(tenant, self._kind, name)
        return None if data is None else self._read(tenant, name, data, self._keys(tenant))

    def all(self, tenant: str) -> list[T]:
        """Return all of a tenant's, verified, in the order of their names.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        rows = self._store.all(tenant, self._kind)
        keys = self._keys(tenant) if rows else {}
        return [self._read(tenant, row.name, row.data, keys) for row in rows]

    def names(self, tenant: str) -> list[str]:
        """Return the names of a tenant's, in order; nothing is verified, so nothing may be believed of them."""
        return [row.name for row in self._store.all(tenant, self._kind)]

    def delete(self, tenant: str, name: str) -> bool:
        """Take one away; return whether it was there."""
        return self._store.delete(tenant, self._kind, name)

    def _sealed(self, tenant: str, name: str, value: T) -> bytes:
        body = msgspec.msgpack.encode(value)
        key = self._ring.active(tenant, self._purpose)
        return msgspec.msgpack.encode(Signed(body, key.kid, key.sign(self._signed(tenant, name, body))))

    def _signed(self, tenant: str, name: str, body: bytes) -> bytes:
        head = msgspec.json.encode([self._purpose, tenant, self._kind, name])
        return _DOMAIN + len(head).to_bytes(4, "big") + head + body

    def _keys(self, tenant: str) -> dict[str, VerifyingKey]:
        return {key.kid: key for key in self._ring.all_public(tenant, self._purpose)}

    def _read(self, tenant: str, name: str, data: bytes, keys: Mapping[str, VerifyingKey]) -> T:
        try:
            kept = msgspec.msgpack.decode(data, type=Signed)
            if kept.kid in keys and keys[kept.kid].verify(kept.signature, self._signed(tenant, name, kept.body)):
                return self._decoder.decode(kept.body)
        except UNREADABLE as fault:
            raise _tampered(self._kind) from fault
        raise _tampered(self._kind)


def _tampered(kind: str) -> VerificationError:
    return VerificationError("shelf_tampered", f"what is kept as `{kind}` is not what was signed")
