"""Tenant keys in private files: ``TENANT.VERSION.key``, 0600, in a folder of 0700 outside the database.

- ``retire`` and ``shred`` overwrite a file before they unlink it; a shredded tenant leaves a tombstone.
- Whoever copied the folder before has the keys: that is what a KMS is better at (docs/explanation/conversations.md).
"""

import threading
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys.envelope import KEY_BYTES, NONCE_BYTES, joined
from ostiary.keys.envelope_ports import Wrapped
from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.keys.hashing import random_bytes
from ostiary.vocabulary.ids import check_tenant

_TOMBSTONE: Final = b"shredded\n"


class FileWrapper:
    """Implements ``KeyWrapper`` over a folder; safe for several threads and processes."""

    def __init__(self, directory: Path) -> None:
        """Use ``directory``; it is made when the first key is."""
        self._directory = directory
        self._lock = threading.Lock()

    @override
    def __repr__(self) -> str:
        """Name the folder only."""
        return f"FileWrapper({str(self._directory)!r})"

    def wrap(self, tenant: str, key: bytes, bound: bytes) -> Wrapped:
        """Wrap a key under the current version."""
        version = self.current(tenant)
        nonce = random_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key(tenant, version)).encrypt(nonce, key, _bound(tenant, version, bound))
        return Wrapped(version, nonce + sealed)

    def unwrap(self, tenant: str, wrapped: Wrapped, bound: bytes) -> bytes:
        """Return the key."""
        self._check_living(tenant)
        cipher = AESGCM(self._key(tenant, wrapped.version))
        nonce, sealed = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, sealed, _bound(tenant, wrapped.version, bound))
        except (InvalidTag, ValueError):
            text = "the wrapped key was altered, or was wrapped for something else"
            raise VerificationError("sealed_data_refused", text) from None

    def current(self, tenant: str) -> str:
        """Return the newest version."""
        self._check_living(tenant)
        versions = self._versions(tenant)
        return str(versions[-1]) if versions else self._make(tenant, first=True)

    def rotate(self, tenant: str) -> str:
        """Make the next version."""
        self._check_living(tenant)
        return self._make(tenant, first=False)

    def retire(self, tenant: str, kept: str) -> int:
        """Erase every version older than ``kept``."""
        gone = [version for version in self._versions(tenant) if version < int(kept)]
        for version in gone:
            erase(self._file(tenant, str(version)))
        return len(gone)

    def shred(self, tenant: str) -> None:
        """Erase all versions and leave a tombstone."""
        folder = private_folder(self._directory)
        with self._lock, locked(folder):
            write_private(self._tombstone(tenant), _TOMBSTONE)
            for version in self._versions(tenant):
                erase(self._file(tenant, str(version)))

    def _make(self, tenant: str, *, first: bool) -> str:
        folder = private_folder(self._directory)
        with self._lock, locked(folder):
            self._check_living(tenant)
            versions = self._versions(tenant)
            if versions and first:  # somebody else made it meanwhile
                return str(versions[-1])
            version = str(versions[-1] + 1 if versions else 1)
            write_private(self._file(tenant, version), random_bytes(KEY_BYTES))
            return version

    def _key(self, tenant: str, version: str) -> bytes:
        path = self._file(tenant, version)
        if not version.isdecimal() or not path.exists():
            raise RefusedError("key_destroyed", f"version `{version[:20]}` of this tenant's key was destroyed")
        key = read_private(path)
        if len(key) != KEY_BYTES:
            raise UnavailableError("key_unavailable", f"the key file `{path}` is damaged")
        return key

    def _versions(self, tenant: str) -> list[int]:
        names = (path.name.split(".") for path in self._directory.glob(f"{check_tenant(tenant)}.*.key"))
        return sorted(int(name[1]) for name in names if name[1].isdecimal())

    def _check_living(self, tenant: str) -> None:
        if self._tombstone(tenant).exists():
            raise RefusedError("tenant_shredded", "the key of this tenant was erased, its data cannot be read")

    def _file(self, tenant: str, version: str) -> Path:
        return self._directory / f"{check_tenant(tenant)}.{version[:20]}.key"

    def _tombstone(self, tenant: str) -> Path:
        return self._directory / f"{check_tenant(tenant)}.shredded"


def _bound(tenant: str, version: str, bound: bytes) -> bytes:
    return joined(b"ostiary/wrapped/v1", tenant.encode(), version.encode(), bound)
