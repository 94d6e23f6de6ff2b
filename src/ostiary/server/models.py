"""The registry of models, put together: rows in the store, files in a folder or an object store, people in a file.

What needs a library of an extra (signatures, object stores) is opened with its first use.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import KeyRing
from ostiary.pipeline.registered import Documents
from ostiary.pipeline.registry.approving import TwoKeyCheck
from ostiary.pipeline.registry.changing import Warden
from ostiary.pipeline.registry.folder_blobs import FolderBlobs
from ostiary.pipeline.registry.journal import Journal
from ostiary.pipeline.registry.loading import Loader
from ostiary.pipeline.registry.model import Actor
from ostiary.pipeline.registry.object_blobs import ObjectBlobs
from ostiary.pipeline.registry.people import PeopleFolder
from ostiary.pipeline.registry.ports import Blobs, Inspector, KnownDatasets, KnownRuns, ModelBook, Recorder, Releases
from ostiary.pipeline.registry.promoting import Promoter
from ostiary.pipeline.registry.registering import Registrar
from ostiary.pipeline.registry.staging import Staging
from ostiary.server.approvals import ApprovalDesk
from ostiary.server.model_approvals import QuorumForModels
from ostiary.server.model_trust import OmsInspector, OmsReleases
from ostiary.server.places import Places
from ostiary.server.settings.models import ModelsSection
from ostiary.storage.tables import Store
from ostiary.vocabulary.approvals import ApprovalCheck
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

DATASET_HISTORY: Final = "dataset-history"
ADMISSION: Final = Actor("ostiary:admission")
_log: Final = logging.getLogger(__name__)


class Models(msgspec.Struct, frozen=True):
    """Everything that has to do with models."""

    log: Recorder
    book: ModelBook
    blobs: Blobs
    people: PeopleFolder
    journal: Journal
    staging: Staging
    inspector: Inspector
    approvals: ApprovalCheck
    registrar: Registrar
    promoter: Promoter
    loader: Loader
    warden: Warden
    settings: ModelsSection

    def approved(self, tenant: str, digest: str, stage: str) -> bool:
        """Return whether the model of this root digest may be loaded from ``stage`` now.

        Raises:
            UnavailableError: it cannot be told.
        """
        for name in self.book.names(tenant):
            try:
                live = self.journal.live(tenant, name, stage)
                if live is not None and live.number and live.digest == digest:
                    self.loader.check(tenant, name, stage, ADMISSION, digest)
                    return True
            except RefusedError as no:  # recorded where it was refused; another model may have the same bytes
                _log.info("model %s is not admitted: %s", name, no.code)
        return False

    def forget_tenant(self, tenant: str) -> None:
        """Erase the files of a tenant that is gone; its rows go with the store's."""
        self.staging.forget(tenant)
        self.blobs.forget(tenant)
        self.journal.forget(tenant)


class AcceptedManifest(msgspec.Struct, frozen=True):
    """What is read of one entry in the history of a dataset's manifests."""

    digest: str


class RegisteredDatasets:
    """Knows datasets by the history that their door keeps: every manifest that was ever accepted, with its digest."""

    def __init__(self, documents: Documents) -> None:
        """Read the history among ``documents``."""
        self._documents = documents

    def knows(self, tenant: str, dataset: str, digest: str) -> bool:
        """Return whether this dataset of the tenant ever had this digest.

        Raises:
            UnavailableError: ``dataset_history_damaged``.
        """
        data = self._documents.load(tenant, DATASET_HISTORY, dataset)
        try:
            history = msgspec.json.decode(data, type=list[AcceptedManifest]) if data else []
        except UNREADABLE as fault:
            text = "what is kept of a dataset's manifests is damaged"
            raise UnavailableError("dataset_history_damaged", text) from fault
        return any(one.digest == digest for one in history)


class AskedSubject(msgspec.Struct, frozen=True):
    """The subject in a decision's input."""

    type: str
    id: str


class AskedBy(msgspec.Struct, frozen=True):
    """What is read of a decision's input."""

    subject: AskedSubject


class DecidedRuns:
    """Knows who asked for a run by the decision's own record."""

    def __init__(self, log: Recorder) -> None:
        """Read ``log``."""
        self._log = log

    def asked_by(self, tenant: str, decision_id: str) -> str:
        """Return the subject of a decision of the tenant."""
        record = self._log.get(tenant, decision_id)
        if record is None or record.kind != "decision" or record.payload is None:
            return ""
        try:
            decision = msgspec.json.decode(record.payload, type=DecisionRecord)
            asked = msgspec.json.decode(decision.input, type=AskedBy)
        except UNREADABLE:  # it was refused before anything was asked of policy
            return ""
        return f"{asked.subject.type}:{asked.subject.id}"


def open_models(
    places: Places,
    settings: ModelsSection,
    store: Store,
    log: AuditLog,
    ring: KeyRing,
    clock: Clock,
    approvals: ApprovalDesk,
) -> Models:
    """Put the registry of models together."""
    people, book = PeopleFolder(places.people), store.models
    journal = Journal(log, book, clock)
    quorum = QuorumForModels(approvals.room, people.of, journal, book) if settings.approval == "quorum" else None
    return assemble(
        settings,
        approvals=quorum,
        log=log,
        book=book,
        people=people,
        journal=journal,
        blobs=open_blobs(places, settings),
        staging=Staging(places.registry / "staging", settings.staging(), clock.now_ns),
        inspector=OmsInspector(people, clock),
        releases=OmsReleases(ring),
        datasets=RegisteredDatasets(store.snapshots),
        runs=DecidedRuns(log),
        clock=clock,
    )


def assemble(
    settings: ModelsSection,
    *,
    log: Recorder,
    book: ModelBook,
    people: PeopleFolder,
    journal: Journal,
    blobs: Blobs,
    staging: Staging,
    inspector: Inspector,
    releases: Releases,
    datasets: KnownDatasets,
    runs: KnownRuns,
    clock: Clock,
    approvals: ApprovalCheck | None = None,
) -> Models:
    """Put the parts together; a test brings others. Without ``approvals`` files of two keys count."""
    approvals = approvals or TwoKeyCheck(people.of, book.is_revoked, settings.approvers)
    return Models(
        log=log,
        book=book,
        blobs=blobs,
        people=people,
        journal=journal,
        staging=staging,
        inspector=inspector,
        approvals=approvals,
        registrar=Registrar(journal, book, blobs, inspector, datasets, runs, people.of, clock),
        promoter=Promoter(journal, book, blobs, approvals, people.of, releases, clock),
        loader=Loader(journal, blobs, inspector, approvals, people.of, clock),
        warden=Warden(journal, book, approvals, clock),
        settings=settings,
    )


def open_blobs(places: Places, settings: ModelsSection) -> Blobs:
    """Return where the files of models lie: a folder, or an object store that is opened with its first use."""
    if not settings.store:
        return FolderBlobs(places.registry / "blobs")
    return ObjectBlobs(_opened(settings.store))


def _opened(url: str) -> Callable[[], Any]:
    def open_store() -> Any:
        try:
            from obstore.store import from_url  # noqa: PLC0415 - an extra
        except ImportError:
            raise UnavailableError("blobs_unavailable", "object stores need `ostiary[pipeline]`") from None
        return from_url(url)

    return open_store
