"""A registry of models with its people: Tess trains, Val validates, Alice, Bob and Carol approve, Dora deploys.

Everything but the signature of the files is the real thing; ``FakeInspector`` stands for it where a test is not about
signatures.

    scene = ModelScene(log, book, clock, tmp_path)
    version = scene.register()
    scene.promote(version)
    scene.load().version.digest
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from ostiary.audit import AuditLog
from ostiary.errors import VerificationError
from ostiary.keys import SigningKey, random_bytes, sha256_hex
from ostiary.pipeline.registry.approving import TwoKeyCheck, make_approval
from ostiary.pipeline.registry.changing import Warden
from ostiary.pipeline.registry.folder_blobs import FolderBlobs
from ostiary.pipeline.registry.journal import Journal
from ostiary.pipeline.registry.loading import Loader, Ticket
from ostiary.pipeline.registry.model import Actor, Live, ModelFile, Signed, Version
from ostiary.pipeline.registry.people import PeopleFolder
from ostiary.pipeline.registry.ports import Inspected, Inspector, ModelBook, Releases
from ostiary.pipeline.registry.promoting import PROMOTE, Asked, Promoter
from ostiary.pipeline.registry.provenance import Dependency, make_provenance
from ostiary.pipeline.registry.registering import Registrar
from ostiary.pipeline.registry.reporting import Findings, make_report
from ostiary.vocabulary.approvals import ApprovalCheck, Wanted
from ostiary.vocabulary.clock import Clock

TENANT: Final = "default"
NAME: Final = "fraud"
STAGE: Final = "production"
BUILDER: Final = "https://ostiary.example/builder/sandbox"
DATASET: Final = "sha256:" + "d" * 64
TRAINER: Final = Actor("ci_job:train", ("user:tess",), "dec_register")
PROMOTER: Final = Actor("user:paul", (), "dec_promote")
DEPLOYER: Final = Actor("service:dora", (), "dec_load")
DAY_NS: Final = 86_400 * 10**9


class Cast:
    """Who is there, each with a key of their own, as the people file of a tenant."""

    def __init__(self) -> None:
        """Make the keys."""
        names = ("tess", "val", "alice", "bob", "carol", "builder", "mallory")
        self.keys = {name: SigningKey.generate(name) for name in names}
        self.approvers = {"alice": ["alice"], "bob": ["bob"], "carol": ["carol"], "tess": ["tess"]}
        self.validators = ["val"]
        self.also: dict[str, list[str]] = {}

    def text(self) -> str:
        """Return the people file."""
        approvers = [self._entry(f"user:{who}", keys) for who, keys in self.approvers.items()]
        validators = [self._entry(f"service:{who}", [who]) for who in self.validators]
        builders = [self._entry(BUILDER, ["builder"])]
        return yaml.safe_dump({"approvers": approvers, "validators": validators, "builders": builders})

    def _entry(self, name: str, keys: list[str]) -> dict[str, Any]:
        also = self.also.get(name.removeprefix("user:"), [])
        return {"person": name, "also": also, "keys": [self.keys[key].public.pem().decode() for key in keys]}


class FakeInspector:
    """Implements ``Inspector`` without a signature library: the ``signature`` names a root digest and a signer."""

    def __init__(self) -> None:
        """Trust the signer ``ci`` alone."""
        self.trusted = {"ci"}
        self.quarantine = ""
        self.stages: tuple[str, ...] = ()
        self.not_after_ns = 0

    def inspect(self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], now_ns: int) -> Inspected:
        """Hash the folder and compare."""
        del name
        files = files_of(folder)
        signed = self.still_trusted(tenant, root_of(files), documents, now_ns)
        return Inspected(
            digest=root_of(files),
            statement=root_of(files),
            format="folder",
            files=files,
            signed=signed,
            not_after_ns=self.not_after_ns,
            stages=self.stages,
            quarantine=self.quarantine,
        )

    def still_trusted(self, tenant: str, digest: str, documents: dict[str, bytes], now_ns: int) -> Signed:
        """Return who signed."""
        del tenant, now_ns
        said = msgspec.json.decode(documents["signature"])
        if said["root"] != digest:
            raise VerificationError("artifact_modified", "the files are not those that were signed")
        if said["signer"] not in self.trusted:
            raise VerificationError("artifact_untrusted_key", "the signer is not trusted")
        return Signed(said["signer"], "sha256:" + sha256_hex(said["signer"].encode()))


class FakeReleases:
    """Implements ``Releases`` with the facts alone."""

    def seal(self, live: Live, version: Version, metrics: str) -> bytes:
        """Return the facts."""
        return msgspec.json.encode([live.stage, live.counter, version.digest, metrics])


class AllDatasets:
    """Knows one dataset."""

    def knows(self, tenant: str, dataset: str, digest: str) -> bool:
        """Return whether it is that one."""
        return (tenant, dataset, digest) == (TENANT, "payments", DATASET)


class SomeRuns:
    """Knows the run ``dec_run`` of user Trudy."""

    def asked_by(self, tenant: str, decision_id: str) -> str:
        """Return who asked."""
        return "user:trudy" if (tenant, decision_id) == (TENANT, "dec_run") else ""


def files_of(folder: Path) -> tuple[ModelFile, ...]:
    """Return the files of a folder with their digests."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        ModelFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_hex(path.read_bytes()))
        for path in found
    )


def root_of(files: tuple[ModelFile, ...]) -> str:
    """Return one digest over all files."""
    return "sha256:" + sha256_hex(msgspec.json.encode(files))


class ModelScene:
    """The registry and everybody around it."""

    def __init__(
        self,
        log: AuditLog,
        book: ModelBook,
        clock: Clock,
        root: Path,
        *,
        inspector: Inspector | None = None,
        releases: Releases | None = None,
        approvals: Callable[["ModelScene"], ApprovalCheck] | None = None,
    ) -> None:
        """Put it together below ``root``; without ``approvals`` files of two keys count."""
        self.log, self.book, self.clock, self.root = log, book, clock, root
        self.cast = Cast()
        self.inspector = inspector or FakeInspector()
        self.people = PeopleFolder(root / "people")
        self.blobs = FolderBlobs(root / "blobs")
        self.write_people()
        self.journal = Journal(log, book, clock)
        by_files = TwoKeyCheck(self.people.of, book.is_revoked)
        self.approvals: ApprovalCheck = approvals(self) if approvals else by_files
        people, fakes = self.people.of, releases or FakeReleases()
        self.registrar = Registrar(
            self.journal, book, self.blobs, self.inspector, AllDatasets(), SomeRuns(), people, clock
        )
        self.promoter = Promoter(self.journal, book, self.blobs, self.approvals, people, fakes, clock)
        self.loader = Loader(self.journal, self.blobs, self.inspector, self.approvals, people, clock)
        self.warden = Warden(self.journal, book, self.approvals, clock)

    def write_people(self) -> None:
        """Write the people file anew."""
        folder = self.root / "people"
        folder.mkdir(exist_ok=True)
        draft = folder / "draft"
        draft.write_text(self.cast.text())
        draft.replace(folder / f"{TENANT}.yaml")

    def folder(self, content: bytes = b"weights", **files: bytes) -> Path:
        """Return a fresh folder of files."""
        place = self.root / f"staged-{random_bytes(6).hex()}"
        (place / "weights").mkdir(parents=True)
        (place / "weights" / "model.bin").write_bytes(content)
        for name, data in files.items():
            (place / name).write_bytes(data)
        return place

    def documents(
        self, folder: Path, *, builder: str = "builder", dataset: str = DATASET, **more: Any
    ) -> dict[str, bytes]:
        """Return signature and provenance of a folder."""
        root = root_of(files_of(folder))
        dependencies = [Dependency("ostiary://payments", {"sha256": dataset.removeprefix("sha256:")})]
        given = {"subject": "user:tess", **more}
        keys = [self.cast.keys[builder]]
        provenance = make_provenance(NAME, root, BUILDER, "run-1", dependencies, keys, **given)
        return {"signature": msgspec.json.encode({"root": root, "signer": "ci"}), "provenance": provenance}

    def register(self, content: bytes = b"weights", *, by: Actor = TRAINER, name: str = NAME) -> Version:
        """Let a version in."""
        folder = self.folder(content)
        return self.registrar.register(TENANT, name, folder, self.documents(folder), by)

    def report(self, version: Version, *, by: str = "val", passed: bool = True, **metrics: float) -> bytes:
        """Return a validation report."""
        found = Findings(TENANT, version.name, version.statement, metrics or {"auc": 0.91}, passed, self.clock.now_ns())
        return make_report(version.name, version.digest, found, [self.cast.keys[by]])

    def asked(
        self, version: Version, *, stage: str = STAGE, action: str = PROMOTE, report: bytes | None = None
    ) -> Asked:
        """Return a promotion without its approval."""
        given = self.report(version) if report is None else report
        return Asked(version.tenant, version.name, version.number, stage, action, given, b"")

    def approval(self, wanted: Wanted, *who: str, life_ns: int = 30 * DAY_NS, nonce: str = "") -> bytes:
        """Return an approval of ``wanted`` by these."""
        now = self.clock.now_ns()
        keys = [self.cast.keys[one] for one in who or ("alice", "bob")]
        fresh = nonce or random_bytes(16).hex()
        return make_approval(wanted, issued_ns=now, expires_ns=now + life_ns, nonce=fresh, keys=keys)

    def approved(self, asked: Asked, *who: str, **more: Any) -> Asked:
        """Return a promotion with its approval."""
        return msgspec.structs.replace(asked, approval=self.approval(self.promoter.wanted(asked), *who, **more))

    def promote(self, version: Version, *who: str, by: Actor = PROMOTER, **more: Any) -> Live:
        """Make a version live."""
        return self.promoter.change(self.approved(self.asked(version, **more), *who), by)

    def load(self, *, name: str = NAME, stage: str = STAGE, by: Actor = DEPLOYER) -> Ticket:
        """Load what is live."""
        return self.loader.load(TENANT, name, stage, by)
