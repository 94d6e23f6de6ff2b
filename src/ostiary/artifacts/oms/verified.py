"""A model that verified: its facts, and the very bytes whose digests were compared."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ostiary.artifacts.oms.release import Release
from ostiary.artifacts.oms.signers import SignerProof
from ostiary.artifacts.oms.staging import StagedFile


class VerifiedModel:
    """Made by ``verify_model`` only. Close it, or use it in a ``with``, to give the staged bytes back.

    Attributes:
        name: the model's name.
        root: OMS root digest, ``sha256:…``: the subject of releases, approvals and provenance.
        digest: ``sha256:…`` of the signed OMS statement, which covers file names too.
        hashed_with: the content hash.
        signer: who signed the files.
        release: the release statement, or ``None`` when the policy needs none and there is none.
        releaser: who signed the release.
        release_digest: ``sha256:…`` of the signed release; empty without one.
        files: staged content by path.
        folder: the private folder, when staged in one.
        total_bytes: size of all files.
    """

    __slots__ = (
        "digest",
        "files",
        "folder",
        "hashed_with",
        "name",
        "release",
        "release_digest",
        "releaser",
        "root",
        "signer",
        "total_bytes",
    )

    def __init__(
        self,
        *,
        name: str,
        root: str,
        digest: str,
        hashed_with: str,
        signer: SignerProof,
        files: Mapping[str, StagedFile],
        folder: Path | None = None,
        release: Release | None = None,
        releaser: SignerProof | None = None,
        release_digest: str = "",
    ) -> None:
        """Keep what was proven."""
        self.name = name
        self.root = root
        self.digest = digest
        self.hashed_with = hashed_with
        self.signer = signer
        self.files = files
        self.folder = folder
        self.release = release
        self.releaser = releaser
        self.release_digest = release_digest
        self.total_bytes = sum(file.size for file in files.values())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the staged bytes back."""
        self.close()

    def close(self) -> None:
        """Give the staged bytes back; views of them end with it."""
        for file in self.files.values():
            file.close()
