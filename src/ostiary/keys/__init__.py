"""All cryptography of Ostiary: signing keys, envelope encryption, random bytes. Nobody else imports a crypto library.

- ``SigningKey`` and ``VerifyingKey``: Ed25519, ES256 and RS256, nothing else.
- ``KeyRing``: which key signs for a tenant and a purpose, with rotation and JWKS.
- ``SubjectVault``: data under one key a subject, so that a person can be forgotten.
- ``EnvelopeKeys``: conversations under a key of their own, wrapped by a tenant's key in files, Vault or a KMS.
- Nothing secret is ever in a ``repr``, an error text or a log line.
"""

from pathlib import Path

from ostiary.keys.envelope import MAX_SEALS, ConversationKey, Place, joined
from ostiary.keys.envelope_file import FileWrapper
from ostiary.keys.envelope_keys import EnvelopeKeys
from ostiary.keys.envelope_ports import KeyWrapper, Wrapped
from ostiary.keys.hashing import (
    equal,
    hash_secret,
    keyed_hash,
    new_secret,
    random_bytes,
    sha256,
    sha256_hex,
    verify_secret,
)
from ostiary.keys.ports import WrappedKeyStore
from ostiary.keys.ring import KeyRing, RingEntry
from ostiary.keys.signing import SigningKey
from ostiary.keys.tenant_secrets import TenantSecrets
from ostiary.keys.vault import Sealer, SubjectVault, Unsealer
from ostiary.keys.verifying import ALGORITHMS, EDDSA, ES256, RS256, VerifyingKey
from ostiary.vocabulary.clock import Clock

__all__ = [
    "ALGORITHMS",
    "EDDSA",
    "ES256",
    "MAX_SEALS",
    "RS256",
    "ConversationKey",
    "EnvelopeKeys",
    "FileWrapper",
    "KeyRing",
    "KeyWrapper",
    "Place",
    "RingEntry",
    "Sealer",
    "SigningKey",
    "SubjectVault",
    "TenantSecrets",
    "Unsealer",
    "VerifyingKey",
    "Wrapped",
    "equal",
    "hash_secret",
    "joined",
    "keyed_hash",
    "new_secret",
    "open_keys",
    "random_bytes",
    "sha256",
    "sha256_hex",
    "verify_secret",
]


def open_keys(directory: Path, store: WrappedKeyStore, clock: Clock) -> tuple[KeyRing, SubjectVault]:
    """Open the ring and the vault of one data directory, each in a folder of its own.

    Raises:
        RefusedError: ``key_permissions`` when a folder or file is open to others.
        UnavailableError: ``key_unavailable``.
    """
    return KeyRing(directory / "ring", clock), SubjectVault(directory / "vault", store)
