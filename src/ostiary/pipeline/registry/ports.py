"""What the registry needs of others: a place for rows, a place for bytes, the log, and who knows models and datasets.

The contract of ``ModelBook``:

- Writes happen inside the transaction of their own record in the audit log (``AuditLog.append_effect``): row and
  record appear together or not at all. Reads outside see what is committed.
- ``next_number`` never gives a number twice, whatever was retired or erased since, for as long as the tenant lives.
- ``put_live`` replaces only the row before it (``counter`` one higher); of two writers one wins.
- Every row belongs to a tenant; another tenant's is as unknown as one that never was.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import msgspec

from ostiary.audit.pending import Appended, Effect, StoredRecord
from ostiary.pipeline.registry.model import Kept, Live, ModelFile, Signed, Version


class Row(msgspec.Struct, frozen=True):
    """A stored row with its key: ``number`` of a version, ``counter`` of a stage."""

    number: int
    kept: Kept


class ModelBook(Protocol):
    """Versions, stages, used nonces and revoked approvals: see the contract at the top."""

    def next_number(self, tenant: str, name: str) -> int:
        """Take the next version number of a model."""
        ...

    def add_version(self, tenant: str, name: str, number: int, digest: str, kept: Kept) -> bool:
        """Add a version; return false when its number or its digest is there already."""
        ...

    def replace_version(self, tenant: str, name: str, number: int, revision: int, kept: Kept) -> bool:
        """Replace a version by the one of ``revision``; return false when that does not follow the stored one."""
        ...

    def find_version(self, tenant: str, name: str, number: int) -> Kept | None:
        """Return one version."""
        ...

    def find_digest(self, tenant: str, name: str, digest: str) -> Row | None:
        """Return the version with this root digest."""
        ...

    def versions(self, tenant: str, name: str) -> Sequence[Row]:
        """Return the versions of a model in the order of their numbers."""
        ...

    def names(self, tenant: str) -> Sequence[str]:
        """Return the names of a tenant's models, in order."""
        ...

    def put_live(self, tenant: str, name: str, stage: str, counter: int, kept: Kept) -> bool:
        """Replace what is live in a stage; return false when ``counter`` does not follow the stored one."""
        ...

    def find_live(self, tenant: str, name: str, stage: str) -> Kept | None:
        """Return what is live in a stage."""
        ...

    def lives(self, tenant: str, name: str) -> Sequence[Kept]:
        """Return what is live in every stage of a model, in the order of the stages' names."""
        ...

    def use_nonce(self, tenant: str, nonce: str, expires_ns: int) -> bool:
        """Use an approval's nonce up; return false when it was used before."""
        ...

    def revoke(self, tenant: str, approval: str, at_ns: int) -> bool:
        """Revoke an approval by its digest; return false when it was already."""
        ...

    def is_revoked(self, tenant: str, approval: str) -> bool:
        """Return whether an approval was revoked."""
        ...


class Blobs(Protocol):
    """Bytes by tenant and SHA-256 (hex)."""

    def adopt(self, tenant: str, sha256: str, path: Path) -> None:
        """Take the file at ``path``, whose digest was checked, and keep it for good; the path may be gone then.

        Raises:
            UnavailableError: ``blobs_unavailable``.
        """
        ...

    def size(self, tenant: str, sha256: str) -> int | None:
        """Return how many bytes there are, ``None`` when they are missing.

        Raises:
            UnavailableError: ``blobs_unavailable``.
        """
        ...

    def read(self, tenant: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes, piece by piece, unchecked.

        Raises:
            UnavailableError: ``blobs_unavailable``.
        """
        ...

    def forget(self, tenant: str) -> None:
        """Erase all that a tenant has."""
        ...


class Recorder(Protocol):
    """The part of the audit log that the registry uses."""

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Appended]:
        """Queue one record."""
        ...

    def append_effect(self, tenant: str, kind: str, record_id: str, time_ns: int, effect: Effect) -> Future[Appended]:
        """Do something inside the record's own transaction."""
        ...

    def get(self, tenant: str, record_id: str) -> StoredRecord | None:
        """Return one record."""
        ...

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        """Yield a tenant's records, oldest first."""
        ...


class Inspected(msgspec.Struct, frozen=True):
    """A folder whose signature, release statement and formats were verified.

    Attributes:
        digest: root digest, ``sha256:…``.
        statement: digest of the signed manifest, which covers the files' names too.
        format: what loads it.
        files: every file with its digest, in the order of their paths.
        signed: by whom.
        not_after_ns: the signer's own end of use; 0 when it named none.
        training_run: which run the signer says it comes from; empty when it says none.
        datasets: digests of the datasets that the signer names.
        stages: the stages that the signer made it for; empty for any.
        version: the version that the signer calls it.
        quarantine: why it must not be loaded though it may be kept; empty when nothing was found.
    """

    digest: str
    statement: str
    format: str
    files: tuple[ModelFile, ...]
    signed: Signed
    not_after_ns: int = 0
    training_run: str = ""
    datasets: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    version: str = ""
    quarantine: str = ""


class Inspector(Protocol):
    """Verifies models: whole, when they come in; their signature alone, whenever they are used."""

    def inspect(self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], now_ns: int) -> Inspected:
        """Verify a folder that nobody else can write to.

        Raises:
            VerificationError: ``model_…`` or ``artifact_…``.
        """
        ...

    def still_trusted(self, tenant: str, digest: str, documents: dict[str, bytes], now_ns: int) -> Signed:
        """Verify the signature alone: the key is pinned still, and the manifest is that of ``digest``.

        Raises:
            VerificationError: ``model_…`` or ``artifact_…``.
        """
        ...


class Releases(Protocol):
    """Signs, in the tenant's name, what has become live: so that whoever loads can tell without asking (ADR-0026)."""

    def seal(self, live: Live, version: Version, metrics: str) -> bytes:
        """Return the signed release of ``version`` as ``live``; its counter is the stage's, its end the approval's.

        Raises:
            UnavailableError: nothing can be signed now.
        """
        ...


class KnownRuns(Protocol):
    """Who asked for what, by the decision that permitted it."""

    def asked_by(self, tenant: str, decision_id: str) -> str:
        """Return the subject of a decision, ``type:id``; empty when there is no such decision."""
        ...


class KnownDatasets(Protocol):
    """Which datasets are registered."""

    def knows(self, tenant: str, dataset: str, digest: str) -> bool:
        """Return whether this dataset of the tenant ever had this digest."""
        ...
