"""A model that verified: its facts, and the very bytes whose digests were compared."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec

from ostiary.artifacts.oms.release import Release
from ostiary.artifacts.oms.signers import SignerProof
from ostiary.artifacts.oms.staging import StagedFile, Taken


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
        total_bytes: size of all files.
    """

    __slots__ = (
        "_taken",
        "digest",
        "files",
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
        taken: Taken,
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
        self.files = MappingProxyType(files)
        self.release = release
        self.releaser = releaser
        self.release_digest = release_digest
        self.total_bytes = sum(file.size for file in files.values())
        self._taken = taken

    @property
    def folder(self) -> Path | None:
        """The private folder, when staged in one; the loader may be pointed there and nowhere else."""
        return self._taken.folder

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the staged bytes back; refuse when they may have changed while they were used.

        Raises:
            VerificationError: ``artifact_changed_in_use``, only from staging without a copy.
        """
        try:
            if fault is None:
                self.check()
        finally:
            self.close()

    def check(self) -> None:
        """Refuse when the bytes may have changed since they were verified; sealed copies never do.

        Raises:
            VerificationError: ``artifact_changed_in_use``.
        """
        for file in self.files.values():
            file.check()

    def close(self) -> None:
        """Give the staged bytes back; views of them end with it."""
        for file in self.files.values():
            file.close()
        self._taken.drop()

    def facts(self) -> dict[str, Any]:
        """Return what was proven, for records and ``--json``."""
        return {
            "name": self.name,
            "root": self.root,
            "digest": self.digest,
            "hash": self.hashed_with,
            "files": sorted(self.files),
            "bytes": self.total_bytes,
            "signer": msgspec.to_builtins(self.signer),
            "release": msgspec.to_builtins(self.release),
            "releaser": msgspec.to_builtins(self.releaser),
            "release_digest": self.release_digest,
        }
