"""A version comes in: verified as it was signed, from a builder and datasets that are known, then kept by content.

1. Name and documents are plain and small.
2. Signature by a pinned signer, release statement and formats hold, over files that nobody else can write to.
3. The provenance is about exactly this model (``provenance``).
4. The bytes are published under their own digests; only then the version is there, in one step with its record.

Whatever fails is recorded as a refusal first.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registry.journal import Journal, row_digest
from ostiary.pipeline.registry.model import Actor, Event, Kept, State, Trainer, Version
from ostiary.pipeline.registry.naming import check_name, check_path
from ostiary.pipeline.registry.people import People
from ostiary.pipeline.registry.ports import Blobs, Inspected, Inspector, KnownDatasets, KnownRuns, ModelBook
from ostiary.pipeline.registry.provenance import Checked, check_provenance
from ostiary.vocabulary.clock import Clock

DOCUMENTS: Final = ("signature", "release", "provenance")
MAX_DOCUMENT: Final = 4 << 20
MAX_FILES: Final = 4096


class Registrar:
    """Lets versions in."""

    def __init__(
        self,
        journal: Journal,
        book: ModelBook,
        blobs: Blobs,
        inspector: Inspector,
        datasets: KnownDatasets,
        runs: KnownRuns,
        people: Callable[[str], People],
        clock: Clock,
    ) -> None:
        """Take the log with the rows, the place for bytes, who verifies, and who is known."""
        self._journal = journal
        self._book = book
        self._blobs = blobs
        self._inspector = inspector
        self._datasets = datasets
        self._runs = runs
        self._people = people
        self._clock = clock

    def register(
        self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], by: Actor, *, dry: bool = False
    ) -> Version:
        """Let a staged folder in; with ``dry`` only say what it would become (number 0).

        Args:
            tenant: whose it is.
            name: of the model.
            folder: where the files lie, written by nobody any more; published files are moved out of it.
            documents: ``signature``, ``release`` (may be absent) and ``provenance``.
            by: who brings it.
            dry: check only; a refusal is recorded all the same.

        Raises:
            RefusedError: ``provenance_…``, ``model_digest_known``, or a ``VerificationError`` of the inspector.
            FaultyInputError: ``model_name_invalid``, ``model_path_invalid``, ``model_documents``.
            UnavailableError: it cannot be kept or recorded.
        """
        check_name(name)  # 1
        try:
            version = self._checked(tenant, name, folder, documents, by)
            return version if dry else self._admit(version, folder)
        except (RefusedError, FaultyInputError) as fault:
            self._journal.refused(tenant, Event(1, "register", name, decision_id=by.decision_id), fault)
            raise

    def _checked(self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], by: Actor) -> Version:
        _check_documents(documents)
        now = self._clock.now_ns()
        inspected = self._inspector.inspect(tenant, name, folder, documents, now)  # 2
        if len(inspected.files) > MAX_FILES:
            raise FaultyInputError("model_documents", f"a model has at most {MAX_FILES} files")
        for file in inspected.files:
            check_path(file.path)
        if self._book.find_digest(tenant, name, inspected.digest) is not None:
            raise RefusedError("model_digest_known", f"`{inspected.digest}` is registered already")
        people, evidence = self._people(tenant), documents.get("provenance", b"")
        checked = check_provenance(people, self._datasets, self._runs, tenant, inspected, evidence)  # 3
        return _version(tenant, name, inspected, checked, documents, by, now)

    def _admit(self, version: Version, folder: Path) -> Version:
        for file in version.files:  # 4
            self._blobs.adopt(version.tenant, file.sha256, folder / file.path)
        admitted: list[Version] = []

        def change(record_id: str) -> Event:
            number = self._book.next_number(version.tenant, version.name)
            numbered = msgspec.structs.replace(version, number=number)
            body = msgspec.json.encode(numbered)
            kept = Kept(body, record_id)
            if not self._book.add_version(version.tenant, version.name, number, version.digest, kept):
                raise RefusedError("model_digest_known", f"`{version.digest}` is registered already")
            admitted.append(numbered)
            return _event(numbered, body)

        self._journal.change(version.tenant, change, version.registered_ns)
        return admitted[-1]


def _check_documents(documents: dict[str, bytes]) -> None:
    unknown = documents.keys() - set(DOCUMENTS)
    if unknown or not documents.get("signature"):
        raise FaultyInputError("model_documents", f"a model comes with {', '.join(DOCUMENTS)} and nothing else")
    if any(len(one) > MAX_DOCUMENT for one in documents.values()):
        raise FaultyInputError("model_documents", f"a document has at most {MAX_DOCUMENT} bytes")


def _version(
    tenant: str, name: str, inspected: Inspected, checked: Checked, documents: dict[str, bytes], by: Actor, now: int
) -> Version:
    keys = (inspected.signed.key, *checked.keys)
    return Version(
        tenant=tenant,
        name=name,
        number=0,
        digest=inspected.digest,
        statement=inspected.statement,
        format=inspected.format,
        files=inspected.files,
        signed=inspected.signed,
        trainer=Trainer(by.subject, tuple(dict.fromkeys((*by.also, *checked.names))), tuple(dict.fromkeys(keys))),
        origin=checked.origin,
        documents=documents,
        registered_ns=now,
        decision_id=by.decision_id,
        not_after_ns=inspected.not_after_ns,
        stages=inspected.stages,
        label=inspected.version,
        state=State.QUARANTINED if inspected.quarantine else State.REGISTERED,
        why=inspected.quarantine,
    )


def _event(version: Version, body: bytes) -> Event:
    return Event(
        1,
        "register",
        version.name,
        number=version.number,
        digest=version.digest,
        decision_id=version.decision_id,
        row=row_digest(body),
        told={
            "state": version.state.value,
            "format": version.format,
            "files": str(len(version.files)),
            "signer_key": version.signed.key,
            "builder": version.origin.builder,
            "run": version.origin.run,
            "provenance": version.origin.digest,
        },
    )
