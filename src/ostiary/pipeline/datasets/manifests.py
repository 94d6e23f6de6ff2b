"""Signed manifests of datasets: what is accepted, and what it binds.

A manifest is accepted when all of this holds, in this order:

1. It is one DSSE envelope of bounded size.
2. The key of the producer that it names signed it, and that producer is one of the dataset's now.
3. It is of this tenant and this dataset, and not from the future.
4. Its sequence is larger than that of the one before: an old manifest does not come back (no replay, no rollback).
5. Every parent is a dataset of this tenant whose manifest with this very digest was accepted here: nobody can claim an
   origin that never was.

The signature is checked again at every use: a producer that was struck off vouches for nothing any more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.artifacts.dsse import seal, unseal
from ostiary.artifacts.ports import Signer
from ostiary.errors import UnavailableError, VerificationError
from ostiary.keys import sha256_hex
from ostiary.pipeline.datasets.spec import DatasetSpec
from ostiary.pipeline.datasets.statement import (
    MAX_BYTES,
    Entry,
    Manifest,
    digest_of,
    encode_manifest,
    parse_manifest,
)
from ostiary.vocabulary.unreadable import UNREADABLE

ABSENT: Final = "manifest_absent"
REPLAYED: Final = "manifest_replayed"
UNTRUSTED: Final = "manifest_untrusted"
OTHER: Final = "manifest_of_other"
FUTURE: Final = "manifest_from_future"
PARENT_UNKNOWN: Final = "manifest_parent_unknown"
MAX_ENVELOPE: Final = MAX_BYTES * 4 // 3 + 65_536
SKEW_NS: Final = 300_000_000_000
MAX_HISTORY: Final = 10_000
_KEPT: Final = 64
_ENVELOPE: Final = "dataset-manifest"
_HISTORY: Final = "dataset-history"
_HEAD: Final = "dataset-head"
# Of the whole process: the door and every administrator's request have ``Manifests`` of their own over the same store.
_ACCEPTING: Final = threading.Lock()


class Kept(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def all(self, tenant: str, kind: str) -> Sequence[Any]:
        """Return all of a kind."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one."""
        ...


class Accepted(msgspec.Struct, frozen=True):
    """One manifest that was accepted once."""

    sequence: int
    digest: str
    producer: str
    created_ns: int
    accepted_ns: int


class VerifiedManifest:
    """A manifest whose signature was checked just now; made by ``Manifests`` only.

    Attributes:
        digest: the dataset's digest.
        manifest: what the producer says.
    """

    __slots__ = ("_entries", "digest", "manifest")

    def __init__(self, digest: str, manifest: Manifest) -> None:
        """Index the objects."""
        self.digest = digest
        self.manifest = manifest
        self._entries = {entry.name: entry for entry in manifest.objects}

    def entry(self, name: str) -> Entry | None:
        """Return what it says of one object."""
        return self._entries.get(name)


def sign_manifest(manifest: Manifest, signer: Signer) -> bytes:
    """Return the envelope of a manifest, signed by its producer."""
    return seal(encode_manifest(manifest), (signer,))


class Manifests:
    """The accepted manifests of all datasets."""

    def __init__(self, kept: Kept, now_ns: Callable[[], int]) -> None:
        """Keep them among ``kept``."""
        self._kept = kept
        self._now = now_ns
        self._read: OrderedDict[tuple[str, str, bytes, bytes], VerifiedManifest] = OrderedDict()
        self._lock = threading.Lock()

    def manifest_of(self, tenant: str, dataset: str, spec: DatasetSpec) -> VerifiedManifest:
        """Return the manifest of a dataset, verified now.

        Raises:
            VerificationError: ``manifest_absent``, ``manifest_untrusted`` or another of this file's codes.
        """
        # The head is short and says which envelope is the one of now; a long one is read and checked once.
        head = self._kept.load(tenant, _HEAD, dataset)
        if head is None:
            raise VerificationError(ABSENT, f"no manifest of `{dataset}` was accepted yet")
        key = (tenant, dataset, head, msgspec.json.encode(spec.producers))
        with self._lock:
            found = self._read.get(key)
            if found is None:
                found = self._verified(tenant, dataset, spec, self.envelope(tenant, dataset))
                self._read[key] = found
                if len(self._read) > _KEPT:
                    self._read.popitem(last=False)
            return found

    def envelope(self, tenant: str, dataset: str) -> bytes:
        """Return the signed bytes of a dataset's manifest, for whoever wants to verify them without us.

        Raises:
            VerificationError: ``manifest_absent``.
        """
        envelope = self._kept.load(tenant, _ENVELOPE, dataset)
        if envelope is None:
            raise VerificationError(ABSENT, f"no manifest of `{dataset}` was accepted yet")
        return envelope

    def state(self, tenant: str, dataset: str, spec: DatasetSpec) -> str:
        """Return in one word how things stand: ``verified``, or the code of what is wrong."""
        try:
            self.manifest_of(tenant, dataset, spec)
        except VerificationError as no:
            return no.code
        return "verified"

    def check(self, tenant: str, dataset: str, spec: DatasetSpec, envelope: bytes) -> VerifiedManifest:
        """Return a new manifest that may be accepted; nothing is kept yet.

        Raises:
            VerificationError: one of this file's codes.
        """
        found = self._verified(tenant, dataset, spec, envelope)
        manifest, now = found.manifest, self._now()
        if manifest.created_ns > now + SKEW_NS:
            raise VerificationError(FUTURE, "the manifest was made in the future")
        known = self.history(tenant, dataset)
        if known and manifest.sequence <= known[-1].sequence:
            text = f"the manifest has the sequence {manifest.sequence}, and {known[-1].sequence} was accepted before"
            raise VerificationError(REPLAYED, text)
        for parent in manifest.parents:
            digests = {one.digest for one in self.history(tenant, parent.dataset)}
            if parent.digest not in digests:
                text = f"`{parent.dataset}` never had the manifest that this one calls its parent"
                raise VerificationError(PARENT_UNKNOWN, text)
        return found

    def accept(self, tenant: str, dataset: str, spec: DatasetSpec, envelope: bytes) -> VerifiedManifest:
        """Keep a manifest that ``check`` lets through; of two at once with one sequence, one is accepted.

        Raises:
            VerificationError: one of this file's codes.
        """
        with _ACCEPTING:
            found = self.check(tenant, dataset, spec, envelope)
            manifest, now = found.manifest, self._now()
            one = Accepted(manifest.sequence, found.digest, manifest.producer, manifest.created_ns, now)
            history = [*self.history(tenant, dataset), one][-MAX_HISTORY:]
            # The history first: after a crash between the two, the sequence is used up, and nothing is accepted twice.
            self._kept.save(tenant, _HISTORY, dataset, msgspec.json.encode(history), now)
            self._kept.save(tenant, _ENVELOPE, dataset, envelope, now)
            self._kept.save(tenant, _HEAD, dataset, sha256_hex(envelope).encode(), now)
            return found

    def history(self, tenant: str, dataset: str) -> list[Accepted]:
        """Return what was accepted of a dataset, oldest first; also of one that was removed since."""
        data = self._kept.load(tenant, _HISTORY, dataset)
        if data is None:
            return []
        try:
            return msgspec.json.decode(data, type=list[Accepted])
        except UNREADABLE as fault:
            raise UnavailableError("manifest_damaged", "what is kept of a dataset's manifests is damaged") from fault

    def forget(self, tenant: str, dataset: str) -> None:
        """Erase the manifest of a dataset that is no more; its history stays, for those that name it as a parent."""
        self._kept.delete(tenant, _HEAD, dataset)
        self._kept.delete(tenant, _ENVELOPE, dataset)

    def _verified(self, tenant: str, dataset: str, spec: DatasetSpec, envelope: bytes) -> VerifiedManifest:
        if len(envelope) > MAX_ENVELOPE:
            raise VerificationError("manifest_invalid", f"the manifest is longer than {MAX_ENVELOPE} bytes")
        keys = spec.keys()
        try:
            payload = unseal(envelope, keys.values(), threshold=1, max_signatures=4)
        except VerificationError as no:
            raise VerificationError(UNTRUSTED, "no producer of this dataset signed the manifest") from no
        manifest = parse_manifest(payload)
        signer = keys.get(manifest.producer)
        # A producer may not sign in another's name: the key that counts is that of the one who is named.
        if signer is None:
            raise VerificationError(UNTRUSTED, f"`{manifest.producer}` is no producer of this dataset")
        try:
            unseal(envelope, (signer,), threshold=1, max_signatures=4)
        except VerificationError as no:
            raise VerificationError(UNTRUSTED, f"`{manifest.producer}` did not sign the manifest") from no
        if (manifest.tenant, manifest.dataset) != (tenant, dataset):
            raise VerificationError(OTHER, "the manifest is that of another dataset")
        return VerifiedManifest(digest_of(payload), manifest)
