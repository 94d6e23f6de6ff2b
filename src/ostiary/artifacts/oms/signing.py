"""Signs models and releases (stub)."""

from pathlib import Path

import msgspec

from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.ports import BundleSigner
from ostiary.artifacts.oms.release import Release


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


def sign_model(
    path: Path,
    signer: BundleSigner,
    *,
    name: str = "",
    hashing: Hashing | None = None,
    limits: ModelLimits | None = None,
) -> SignedModel:
    """Sign every file of the folder ``path``; the caller writes ``bundle`` (``write_file(path / BUNDLE_NAME, …)``)."""
    raise NotImplementedError


def sign_release(release: Release, signer: BundleSigner, *, root: str, digest: str) -> bytes:
    """Return the bundle of the release statement that binds ``release`` to the model of ``root`` and ``digest``.

    Both are told by ``sign_model`` and by ``verify_model``, so that promoting signs a new release of verified files.
    """
    raise NotImplementedError
