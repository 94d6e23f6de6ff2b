"""Signs models and releases: every file is hashed as it lies, and what a verifier would refuse is not signed.

- The hash is BLAKE3 or SHA-256; BLAKE2b is verified only.
- Whoever holds the key decides what is built in: ``KeySigner`` and ``CertificateSigner`` here, any ``BundleSigner``
  else.
- A Sigstore identity signs through Sigstore's own client, which has to speak to Fulcio and Rekor: give it the payload
  of ``model_payload``, and its bundle is what ``verify_model`` reads.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts.dsse import pae
from ostiary.artifacts.oms.bundle import (
    BUNDLE_NAME,
    RELEASE_NAME,
    Chain,
    KeyHint,
    Material,
    RawBytes,
    make_bundle,
    tobase64,
)
from ostiary.artifacts.oms.digests import Work, hash_all
from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.names import check_distinct, check_path
from ostiary.artifacts.oms.ports import BundleSigner
from ostiary.artifacts.oms.release import Release, write_release
from ostiary.artifacts.oms.staging import CheckOnly, StagedFile
from ostiary.artifacts.oms.statement import Covered, Piece, read_statement, write_statement
from ostiary.artifacts.oms.tree import Walk, open_root
from ostiary.artifacts.statement import PAYLOAD_TYPE
from ostiary.errors import FaultyInputError
from ostiary.keys.certificates import Certificate
from ostiary.keys.curves import CurveKey

_SIGNING_HASHES: Final = frozenset({"sha256", "blake3"})
_OWN: Final = (BUNDLE_NAME, RELEASE_NAME)


class Hashing(msgspec.Struct, frozen=True):
    """How content is hashed.

    Attributes:
        algorithm: ``sha256`` or ``blake3``.
        shard_bytes: size of a shard; 0 hashes whole files.
    """

    algorithm: str = "blake3"
    shard_bytes: int = 0


class SignedModel(msgspec.Struct, frozen=True):
    """What was signed.

    Attributes:
        name: the model's name.
        root: OMS root digest, ``sha256:…``.
        digest: ``sha256:…`` of the signed statement.
        files: number of files.
        total_bytes: size of all files.
        bundle: the Sigstore bundle, JSON.
    """

    name: str
    root: str
    digest: str
    files: int
    total_bytes: int
    bundle: bytes


class KeySigner:
    """Signs with a bare key."""

    def __init__(self, key: CurveKey) -> None:
        """Sign with ``key``."""
        self._key = key

    def seal(self, payload: bytes) -> bytes:
        """Return the bundle; its hint is the digest of the key in PEM, as ``model-signing`` compares it."""
        hint = KeyHint(hint=hashlib.sha256(self._key.public.pem()).hexdigest())
        return make_bundle(
            payload, self._key.sign(pae(PAYLOAD_TYPE, payload)), Material(public_key=hint, tlog_entries=[])
        )


class CertificateSigner:
    """Signs with a key for which there is a certificate.

    Raises:
        FaultyInputError: ``key_mismatch`` when the certificate is of another key.
    """

    def __init__(self, key: CurveKey, chain: Sequence[Certificate]) -> None:
        """Sign with ``key``; ``chain`` is the leaf and its issuers, the root may be left out."""
        if not chain or chain[0].public != key.public:
            raise FaultyInputError("key_mismatch", "the certificate is not of the key that signs")
        self._key, self._chain = key, chain

    def seal(self, payload: bytes) -> bytes:
        """Return the bundle, with the chain."""
        chain = Chain(certificates=[RawBytes(raw_bytes=tobase64(one.der)) for one in self._chain])
        material = Material(x509_certificate_chain=chain, tlog_entries=[])
        return make_bundle(payload, self._key.sign(pae(PAYLOAD_TYPE, payload)), material)


def sign_model(
    path: Path,
    signer: BundleSigner,
    *,
    name: str = "",
    hashing: Hashing | None = None,
    limits: ModelLimits | None = None,
) -> SignedModel:
    """Sign every file of the folder ``path``; the caller writes ``bundle`` (``write_file(path / BUNDLE_NAME, …)``).

    Raises:
        FaultyInputError: ``artifact_absent``, ``artifact_empty``, ``artifact_empty_file``, ``artifact_algorithm``.
        VerificationError: what lies there would not be accepted: a link, an odd name or mode, too many bytes.
    """
    payload, total = model_payload(path, name=name, hashing=hashing, limits=limits)
    statement = read_statement(payload, limits)
    return SignedModel(
        name=statement.name,
        root=statement.root,
        digest="sha256:" + hashlib.sha256(payload).hexdigest(),
        files=len(statement.files),
        total_bytes=total,
        bundle=signer.seal(payload),
    )


def sign_release(release: Release, signer: BundleSigner, *, root: str, digest: str) -> bytes:
    """Return the bundle of the release statement that binds ``release`` to the model of ``root`` and ``digest``.

    Both are told by ``sign_model`` and by ``verify_model``, so that promoting signs a new release of verified files.

    Raises:
        FaultyInputError: ``release_malformed``.
    """
    return signer.seal(write_release(release, root=root, digest=digest))


def model_payload(
    path: Path, *, name: str = "", hashing: Hashing | None = None, limits: ModelLimits | None = None
) -> tuple[bytes, int]:
    """Return the OMS statement over the folder ``path``, unsigned, and how many bytes it covers."""
    how = hashing or Hashing()
    if how.algorithm not in _SIGNING_HASHES or how.shard_bytes < 0:
        raise FaultyInputError("artifact_algorithm", f"`{how.algorithm[:20]}` is not signed with: use blake3 or sha256")
    called = name or path.resolve().name
    check_path(called)
    root = open_root(path)
    try:
        files = Walk(limits or ModelLimits(), own=_OWN).into(root)
        if not files:
            raise FaultyInputError("artifact_empty", f"`{path}` holds no file to sign")
        check_distinct(files)
        covered, total = _cover(root, files, how)
    finally:
        os.close(root)
    return write_statement(called, covered, how.algorithm, how.shard_bytes, _OWN), total


def _cover(root: int, files: dict[str, int], how: Hashing) -> tuple[list[Covered], int]:
    taken = CheckOnly().take(root, files)
    try:
        staged = [taken.file(path) for path in files]
        ranges = [_ranges(file, how.shard_bytes) for file in staged]
        works = [Work(file, start, end) for file, parts in zip(staged, ranges, strict=True) for start, end in parts]
        digests = iter(hash_all(works, how.algorithm))
    finally:
        taken.drop()
    covered = [
        Covered(file.name, how.algorithm, tuple(Piece(start, end, next(digests)) for start, end in parts))
        for file, parts in zip(staged, ranges, strict=True)
    ]
    return covered, sum(file.size for file in staged)


def _ranges(file: StagedFile, shard_bytes: int) -> list[tuple[int, int | None]]:
    if not shard_bytes:
        return [(0, None)]
    if not file.size:  # OMS v1.0 has no shard of nothing, so the file would not be covered
        raise FaultyInputError("artifact_empty_file", f"`{file.name}` is empty: sign files instead of shards")
    return [(at, min(at + shard_bytes, file.size)) for at in range(0, file.size, shard_bytes)]
