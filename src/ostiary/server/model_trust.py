"""Who signs models, and how their signatures are checked: the registry's ports, filled by ``artifacts.oms`` (ADR-0026).

- Trusted are the tenant's pinned signers (``trust/people/TENANT.yaml``), and nobody whom a bundle names.
- A version comes in verified whole: files, signature, release if there is one, formats.
- At every load the signature is checked again, with the signers that are pinned then.
- What becomes live is released under a key of the tenant's own, so that whoever loads needs no word of ours to see it.
"""

import contextlib
import hashlib
import mmap
from pathlib import Path
from typing import Final

from ostiary.artifacts.formats import check_format, format_of
from ostiary.artifacts.oms import (
    CheckOnly,
    KeySigner,
    ModelPolicy,
    Release,
    SignerProof,
    TrustedCertificate,
    TrustedIdentity,
    TrustedKey,
    TrustedSigner,
    VerifiedModel,
    read_trusted_root,
    sign_release,
    verify_model,
)
from ostiary.artifacts.oms.bundle import parse_bundle
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.statement import read_statement
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys import ES256, KeyRing
from ostiary.keys.certificates import read_pems
from ostiary.keys.curve_of import curve_of
from ostiary.keys.curves import CurvePublicKey
from ostiary.pipeline.registry.model import Live, ModelFile, Signed, Version
from ostiary.pipeline.registry.people import PeopleFolder, SignerEntry
from ostiary.pipeline.registry.ports import Inspected
from ostiary.vocabulary.clock import Clock

RELEASE_PURPOSE: Final = "model-release"
_PIECE: Final = 1 << 20
_BESIDE: Final = frozenset({"json", "text"})


class OmsInspector:
    """Implements ``pipeline.registry.ports.Inspector``."""

    def __init__(self, people: PeopleFolder, clock: Clock) -> None:
        """Take who is pinned, and the time."""
        self._people = people
        self._clock = clock

    def inspect(self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], now_ns: int) -> Inspected:
        """Verify a folder whole; nobody but us can write to it, so digests are enough."""
        del now_ns  # the clock says the same
        policy = ModelPolicy(signers=self._signers(tenant), release_needed=False, tenant=tenant)
        with verify_model(
            folder,
            policy,
            CheckOnly(),
            clock=self._clock,
            name=name,
            bundle=documents["signature"],
            release=documents.get("release"),
        ) as model:
            return _inspected(model, folder)

    def still_trusted(self, tenant: str, digest: str, documents: dict[str, bytes], now_ns: int) -> Signed:
        """Verify the signature alone."""
        proof, payload = prove(parse_bundle(documents["signature"]), self._signers(tenant), now_ns)
        if read_statement(payload).root != digest:
            raise VerificationError("artifact_modified", "the signature is not that of the registered model")
        return _signed(proof)

    def _signers(self, tenant: str) -> tuple[TrustedSigner, ...]:
        entries = self._people.of(tenant).signers
        try:
            return tuple(signer for entry in entries for signer in _trusted(entry))
        except FaultyInputError as fault:
            raise UnavailableError(
                "people_unreadable", f"the pinned signers cannot be read: {fault.message}"
            ) from fault


class OmsReleases:
    """Implements ``pipeline.registry.ports.Releases`` with a key of the tenant's own."""

    def __init__(self, ring: KeyRing) -> None:
        """Sign with the ring's keys."""
        self._ring = ring

    def seal(self, live: Live, version: Version, metrics: str) -> bytes:
        """Return the signed release: its version is the stage's counter, so that it never falls, not by a rollback."""
        ends = [end for end in (live.expires_ns, version.not_after_ns) if end]
        release = Release(
            name=live.name,
            version=live.counter,
            stage=live.stage,
            not_after_ns=min(ends),
            released_ns=live.since_ns,
            tenant=live.tenant,
            training_run=version.origin.run[:256],
            datasets={f"dataset-{index}": one for index, one in enumerate(version.origin.datasets)},
            metrics=metrics,
            label=str(version.number),
        )
        key = self._ring.active(live.tenant, RELEASE_PURPOSE, ES256)
        return sign_release(release, KeySigner(curve_of(key)), root=version.digest, digest=version.statement)


def _trusted(entry: SignerEntry) -> list[TrustedSigner]:
    if entry.trusted_root:
        root = read_trusted_root(entry.trusted_root.encode())
        return [TrustedIdentity(root, entry.identity, entry.issuer, entry.name)]
    if entry.roots:
        roots = tuple(one.der for pem in entry.roots for one in read_pems(pem.encode()))
        return [TrustedCertificate(roots, entry.identity_kind, entry.identity, entry.name)]
    return [TrustedKey(CurvePublicKey.from_pem(pem.encode()), entry.name) for pem in entry.keys]


def _inspected(model: VerifiedModel, folder: Path) -> Inspected:
    formats: set[str] = set()
    files: list[ModelFile] = []
    for name in sorted(model.files):
        path = folder / name
        formats.add(judge_file(name, path))
        files.append(_file(name, path))
    loaded = formats - _BESIDE
    release = model.release
    return Inspected(
        digest=model.root,
        statement=model.digest,
        format=loaded.pop() if len(loaded) == 1 else "folder",
        files=tuple(files),
        signed=_signed(model.signer),
        not_after_ns=release.not_after_ns if release else 0,
        training_run=release.training_run if release else "",
        datasets=tuple(release.datasets.values()) if release else (),
        stages=(release.stage,) if release else (),
        version=release.label if release else "",
    )


def judge_file(name: str, path: Path) -> str:
    """Return the format that a file claims and has; it is mapped, not read into memory.

    Raises:
        VerificationError: ``artifact_format_refused``.
    """
    size = path.stat().st_size
    if not size:
        check_format(name, b"")
        return format_of(name)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
    try:
        check_format(name, memoryview(mapped))
    finally:
        with contextlib.suppress(BufferError):  # a refusal holds on to what it saw: the memory goes with it
            mapped.close()
    return format_of(name)


def _file(name: str, path: Path) -> ModelFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return ModelFile(name, size, digest.hexdigest())


def _signed(proof: SignerProof) -> Signed:
    return Signed(proof.name or proof.identity, proof.fingerprint)
