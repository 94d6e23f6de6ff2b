"""The vault: each person's data under a key of its own, so that forgetting the key forgets the data.

- Master key (file) wraps tenant keys (files), a tenant key wraps its subjects' keys (storage). AES-256-GCM.
- Every ciphertext is bound to tenant, subject and the caller's ``aad``: moved elsewhere, it does not open.
- Nonces are 96 random bits: under one subject's key that is safe to 2**32 messages (NIST SP 800-38D §8.3).
- ``shred`` forgets one subject, ``shred_tenant`` a whole tenant; its key leaves a tombstone.
- Unwrapped keys are remembered, bounded; ``drop_cache`` forgets them: after a roll-back, or a shred elsewhere.
"""

import struct
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.keys.hashing import keyed_hash, random_bytes
from ostiary.keys.ports import WrappedKeyStore
from ostiary.vocabulary.ids import check_tenant

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
_NONCE: Final = 12
_VERSION: Final = b"\x01"
_CACHED_SUBJECTS: Final = 16_384
_TOMBSTONE: Final = b"shredded\n"


class _Subject:
    """One subject's open cipher, its tag and what every ciphertext of it is bound to."""

    __slots__ = ("bound", "cipher", "tag")

    def __init__(self, cipher: AESGCM, tag: bytes, bound: bytes) -> None:
        self.cipher = cipher
        self.tag = tag
        self.bound = bound


class _Tenant:
    __slots__ = ("cipher", "index_key")

    def __init__(self, key: bytes) -> None:
        self.cipher = AESGCM(key)
        self.index_key = keyed_hash(key, b"ostiary/subject-index/v1")


class Sealer:
    """Seals a known number of messages with nonces drawn in one go; each nonce is used once, then it is gone."""

    __slots__ = ("_at", "_nonces", "_opener")

    def __init__(self, opener: "SubjectVault", count: int) -> None:
        """Draw ``count`` nonces; use ``SubjectVault.sealer``."""
        self._opener = opener
        self._nonces = random_bytes(count * _NONCE)
        self._at = 0

    def seal(self, tenant: str, subject_key: str, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
        """Return the subject's tag and the sealed message; like ``SubjectVault.encrypt``.

        Raises:
            RefusedError: ``tenant_shredded``.
            ValueError: more messages than were announced.
        """
        subject = self._opener.open_subject(tenant, subject_key)
        nonce = self._nonces[self._at : self._at + _NONCE]
        self._at += _NONCE
        if len(nonce) != _NONCE:
            msg = "more messages than were announced"
            raise ValueError(msg)
        return subject.tag, _VERSION + nonce + subject.cipher.encrypt(nonce, plaintext, subject.bound + aad)


class Unsealer:
    """Opens what one reading finds: each subject's key is looked up once, and remembered for that reading alone."""

    __slots__ = ("_subjects", "_vault")

    def __init__(self, vault: "SubjectVault") -> None:
        """Begin to read; use ``SubjectVault.unsealer``."""
        self._vault = vault
        self._subjects: dict[tuple[str, bytes], _Subject] = {}

    def decrypt_tagged(self, tenant: str, tag: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Open sealed data; like ``SubjectVault.decrypt_tagged``, with the same errors."""
        subject = self._subjects.get((tenant, tag))
        if subject is None:
            subject = self._subjects[tenant, tag] = self._vault.open_tagged(tenant, tag)
        return _open_sealed(subject, sealed, aad)


class SubjectVault:
    """Envelope encryption by tenant and subject; thread-safe."""

    def __init__(self, directory: Path, store: WrappedKeyStore, cached_subjects: int = _CACHED_SUBJECTS) -> None:
        """Keep the master and tenant keys in ``directory`` and subjects' wrapped keys in ``store``.

        Raises:
            RefusedError: ``key_permissions`` when the folder or a key file is open to others.
        """
        self._directory = private_folder(directory)
        self._store = store
        self._cached_subjects = cached_subjects
        self._lock = threading.RLock()
        self._generation = 0
        self._tenants: dict[str, _Tenant] = {}
        self._subjects: OrderedDict[tuple[str, str], _Subject] = OrderedDict()
        self._master = AESGCM(self._master_key())

    @override
    def __repr__(self) -> str:
        """Name the folder only; nothing secret is shown."""
        return f"SubjectVault({str(self._directory)!r})"

    def encrypt(self, tenant: str, subject_key: str, plaintext: bytes, aad: bytes = b"") -> bytes:
        """Seal ``plaintext`` under the subject's key, made on first use.

        Raises:
            RefusedError: ``tenant_shredded``.
        """
        subject = self._open(tenant, subject_key, make=True)
        nonce = random_bytes(_NONCE)
        return _VERSION + nonce + subject.cipher.encrypt(nonce, plaintext, subject.bound + aad)

    def sealer(self, count: int) -> Sealer:
        """Return a sealer for ``count`` messages: cheaper than ``encrypt`` for each."""
        return Sealer(self, count)

    def open_subject(self, tenant: str, subject_key: str) -> _Subject:
        """Return a subject's open cipher, made on first use: for ``Sealer``."""
        return self._open(tenant, subject_key, make=True)

    def decrypt(self, tenant: str, subject_key: str, sealed: bytes, aad: bytes = b"") -> bytes:
        """Open what ``encrypt`` sealed for the same tenant, subject and ``aad``.

        Raises:
            RefusedError: ``subject_shredded`` or ``tenant_shredded`` when the key is gone.
            VerificationError: ``sealed_data_refused`` when it is altered or belongs elsewhere.
        """
        return _open_sealed(self._open(tenant, subject_key, make=False), sealed, aad)

    def decrypt_tagged(self, tenant: str, tag: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
        """Open sealed data knowing only the subject's tag; same errors as ``decrypt``."""
        return _open_sealed(self.open_tagged(tenant, tag), sealed, aad)

    def unsealer(self) -> Unsealer:
        """Return what opens many messages of one reading: cheaper than ``decrypt_tagged`` for each."""
        return Unsealer(self)

    def open_tagged(self, tenant: str, tag: bytes) -> _Subject:
        """Return the open cipher of a subject that is known by its tag: for ``Unsealer``.

        Raises:
            RefusedError: ``subject_shredded`` or ``tenant_shredded`` when the key is gone.
        """
        wrapped = self._store.find_key(tenant, tag)
        if wrapped is None:
            raise RefusedError("subject_shredded", "the key of this subject was erased, its data cannot be read")
        return self._unwrap(tenant, tag, wrapped)

    def tag(self, tenant: str, subject_key: str) -> bytes:
        """Return the keyed hash under which storage knows a subject: 16 bytes, different in each tenant.

        Raises:
            RefusedError: ``tenant_shredded``, or ``tenant_unknown`` when nothing was ever sealed for it.
        """
        known = self._subjects.get((tenant, subject_key))
        return known.tag if known is not None else self._tag(tenant, subject_key, make=False)

    def shred(self, tenant: str, subject_key: str) -> bool:
        """Forget a subject's key for ever; return whether there was one."""
        gone = self._store.delete_key(tenant, self.tag(tenant, subject_key))
        self.drop_cache()
        return gone

    def shred_tenant(self, tenant: str) -> int:
        """Forget a tenant's key and all its subjects' keys for ever; return how many subjects it had."""
        path = self._tenant_file(tenant)
        with locked(self._directory):
            erase(path)
            write_private(path, _TOMBSTONE)
        self.drop_cache()
        return self._store.delete_keys(tenant)

    def is_shredded(self, tenant: str) -> bool:
        """Return whether a tenant's key was destroyed."""
        path = self._tenant_file(tenant)
        return path.exists() and read_private(path) == _TOMBSTONE

    def derived(self, purpose: str) -> bytes:
        """Return 32 secret bytes for a purpose: the same wherever the master key is, and nowhere else."""
        return keyed_hash(self._master_key(), b"ostiary/derived/v1\0" + purpose.encode())

    def fingerprint(self) -> bytes:
        """Return by what the master key is known again; nothing can be learned of it from that."""
        return self.derived("fingerprint")

    def drop_cache(self) -> None:
        """Forget every unwrapped key; they are unwrapped again at the next use."""
        with self._lock:
            self._generation += 1
            self._subjects.clear()
            self._tenants.clear()

    def _open(self, tenant: str, subject_key: str, *, make: bool) -> _Subject:
        name = (tenant, subject_key)
        with self._lock:
            generation = self._generation
            known = self._subjects.get(name)
            if known is not None:
                self._subjects.move_to_end(name)
                return known
        # INVARIANT: storage is never called with our lock held: a writer holds storage's lock when it calls us
        opened = self._fetch(tenant, self._tag(tenant, subject_key, make=make), make=make)
        with self._lock:
            if generation == self._generation:  # else somebody shredded meanwhile, perhaps this very subject
                self._subjects[name] = opened
            if len(self._subjects) > self._cached_subjects:
                self._subjects.popitem(last=False)
        return opened

    def _tag(self, tenant: str, subject_key: str, *, make: bool) -> bytes:
        return keyed_hash(self._tenant(tenant, make=make).index_key, subject_key.encode())[:TAG_BYTES]

    def _fetch(self, tenant: str, tag: bytes, *, make: bool) -> _Subject:
        wrapped = self._store.find_key(tenant, tag)
        if wrapped is None and not make:
            raise RefusedError("subject_shredded", "the key of this subject was erased, its data cannot be read")
        if wrapped is None:
            fresh = _seal(self._tenant(tenant).cipher, random_bytes(KEY_BYTES), _bound(b"dek", tenant, tag))
            wrapped = self._store.put_key(tenant, tag, fresh)
        return self._unwrap(tenant, tag, wrapped)

    def _unwrap(self, tenant: str, tag: bytes, wrapped: bytes) -> _Subject:
        key = _unseal(self._tenant(tenant).cipher, wrapped, _bound(b"dek", tenant, tag))
        return _Subject(AESGCM(key), tag, _bound(b"data", tenant, tag))

    def _tenant(self, tenant: str, *, make: bool = False) -> _Tenant:
        with self._lock:
            if tenant not in self._tenants:
                self._tenants[tenant] = _Tenant(self._tenant_key(tenant, make=make))
            return self._tenants[tenant]

    def _tenant_key(self, tenant: str, *, make: bool) -> bytes:
        path = self._tenant_file(tenant)
        with locked(self._directory):
            if not path.exists() and not make:
                raise RefusedError("tenant_unknown", f"nothing was ever sealed for a tenant `{tenant}`")
            if not path.exists():
                write_private(path, _seal(self._master, random_bytes(KEY_BYTES), _bound(b"kek", tenant, b"")))
            wrapped = read_private(path)
        if wrapped == _TOMBSTONE:
            raise RefusedError("tenant_shredded", "the key of this tenant was erased, its data cannot be read")
        return _unseal(self._master, wrapped, _bound(b"kek", tenant, b""))

    def _tenant_file(self, tenant: str) -> Path:
        return self._directory / f"tenant-{check_tenant(tenant)}.key"

    def _master_key(self) -> bytes:
        path = self._directory / "master.key"
        with locked(self._directory):
            if not path.exists():
                write_private(path, random_bytes(KEY_BYTES))
            key = read_private(path)
        if len(key) != KEY_BYTES:
            raise UnavailableError(
                "key_unavailable", f"the master key `{path}` is damaged: it must have {KEY_BYTES} bytes"
            )
        return key


def _bound(use: bytes, tenant: str, tag: bytes) -> bytes:
    """Return unambiguous associated data: every part is length-prefixed."""
    parts = (b"ostiary/vault/v1", use, tenant.encode(), tag)
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)


def _seal(cipher: AESGCM, plaintext: bytes, aad: bytes) -> bytes:
    nonce = random_bytes(_NONCE)
    return _VERSION + nonce + cipher.encrypt(nonce, plaintext, aad)


def _unseal(cipher: AESGCM, sealed: bytes, aad: bytes) -> bytes:
    text = "the sealed data was altered, or belongs to another tenant, subject or record"
    if sealed[:1] != _VERSION:
        raise VerificationError("sealed_data_refused", text)
    try:
        return cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], aad)
    except (InvalidTag, ValueError):
        raise VerificationError("sealed_data_refused", text) from None


def _open_sealed(subject: _Subject, sealed: bytes, aad: bytes) -> bytes:
    return _unseal(subject.cipher, sealed, subject.bound + aad)
