"""What an auditor asks for and has to wait for: verifications and packs, one at a time, beside everything else.

1. A job is asked for by whoever may, written down in the log first, and kept signed: no worker believes another's word
   in the database. Any worker of the server does it; a lock on the folder lets one work at a time.
2. How far it is, is told at most every half second. Whoever holds the lock and finds a job running knows that its
   worker ended: it is done again, once.
3. Only so many may wait, and only so many are remembered.
"""

from typing import Final, Literal

import msgspec

from ostiary.audit import SYSTEM_TENANT
from ostiary.audit.verifier import Report
from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import random_bytes
from ostiary.server.signed_shelf import SignedShelf
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "audit_job"
OPEN_KIND: Final = "audit_job_open"
PURPOSE: Final = "audit-jobs"
MOST_WAITING: Final = 4
MOST_KEPT: Final = 20
MOST_TRIES: Final = 2
State = Literal["waiting", "running", "done", "failed"]


class PackWanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which records a pack is to hold; empty means any."""

    from_ns: int = 0
    to_ns: int = 0
    kind: str = ""
    by: str = ""
    subject: str = ""


class PackMade(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pack that can be taken away.

    Attributes:
        records: how many it holds; ``withheld`` of them without their payload.
        bytes: its size.
        digest: ``sha256:…`` of what was signed, which the record of its making names.
        paper: whether there is a printed report in it.
        checkpoint: what the log had signed then, for the next pack's proof that it only grew.
    """

    records: int
    withheld: int
    bytes: int
    digest: str
    paper: bool = False
    checkpoint: str = ""


class Job(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One job.

    Attributes:
        by: who asked.
        withhold: the person whose own records go into a pack without payload, for who is scored sees no score; its
            other names follow on lines of their own.
        since: of a verification, whether only what is new was read.
        step, done, total: how far it is.
        beat_ns: when somebody last worked on it.
        report: what a verification found.
        pack: what was made.
        fault: why it failed: a code and a sentence.
    """

    id: str
    tenant: str
    kind: Literal["verify", "pack"]
    by: str
    asked_ns: int
    state: State = "waiting"
    withhold: str = ""
    since: bool = False
    wanted: PackWanted | None = None
    step: str = ""
    done: int = 0
    total: int = 0
    began_ns: int = 0
    beat_ns: int = 0
    ended_ns: int = 0
    tries: int = 0
    report: Report | None = None
    pack: PackMade | None = None
    fault: tuple[str, str] = ("", "")


class Waiting(msgspec.Struct, frozen=True):
    """That a tenant has a job that is not done; the job itself is the tenant's, and goes with it."""

    tenant: str
    kind: str


class Jobs:
    """The jobs of all tenants."""

    def __init__(self, house: House) -> None:
        """Keep each tenant's under its own key, and which of them are open under the deployment's."""
        self._house = house
        self._shelf = SignedShelf[Job](house.store.snapshots, house.ring, KIND, Job, PURPOSE)
        self._open = SignedShelf[Waiting](house.store.snapshots, house.ring, OPEN_KIND, Waiting, PURPOSE)

    def ask(
        self,
        tenant: str,
        kind: Literal["verify", "pack"],
        by: str,
        *,
        withhold: str = "",
        since: bool = False,
        wanted: PackWanted | None = None,
    ) -> Job:
        """Ask for one; its deed is on record already.

        Raises:
            RefusedError: ``audit_job_waiting`` when one of this kind is wanted already.
            UnavailableError: ``audit_busy`` when too many wait.
        """
        open_ = self._open.all(SYSTEM_TENANT)
        if Waiting(tenant, kind) in open_:
            raise RefusedError("audit_job_waiting", "one is being made already: wait for it")
        if len(open_) >= MOST_WAITING:
            raise UnavailableError("audit_busy", "too much is being verified and packed: try again in a while")
        now_ns = self._house.clock.now_ns()
        job = Job(
            id=make_id("job", now_ns, random_bytes(RANDOM_BYTES)),
            tenant=tenant,
            kind=kind,
            by=by,
            asked_ns=now_ns,
            withhold=withhold,
            since=since,
            wanted=wanted,
        )
        self.keep(job)
        self._open.save(SYSTEM_TENANT, job.id, Waiting(tenant, kind), now_ns)
        return job

    def keep(self, job: Job) -> None:
        """Write down how far one is."""
        self._shelf.save(job.tenant, job.id, job, self._house.clock.now_ns())

    def close(self, job: Job) -> None:
        """Write down how one ended."""
        self.keep(job)
        self._open.delete(SYSTEM_TENANT, job.id)

    def of(self, tenant: str) -> list[Job]:
        """Return the jobs of a tenant, newest first.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        return self._shelf.all(tenant)[::-1]

    def find(self, tenant: str, job: str) -> Job:
        """Return one.

        Raises:
            RefusedError: ``audit_job_unknown``, for another tenant's as for none.
        """
        found = self._shelf.load(tenant, job)
        if found is None:
            raise RefusedError("audit_job_unknown", "there is no such verification or pack")
        return found

    def next(self) -> Job | None:
        """Return the one to be worked on next, the oldest first; only for whoever holds the lock."""
        for name in self._open.names(SYSTEM_TENANT):
            waiting = self._open.load(SYSTEM_TENANT, name)
            living = waiting is not None and self._house.tenants.find(waiting.tenant) is not None
            found = self._shelf.load(waiting.tenant, name) if waiting is not None and living else None
            if found is not None and found.state in {"waiting", "running"}:
                return found
            self._open.delete(SYSTEM_TENANT, name)  # it ended, or its tenant did
        return None

    def any_open(self) -> bool:
        """Return whether there may be something to do; cheap, and nothing is verified."""
        return bool(self._open.names(SYSTEM_TENANT))

    def trim(self, tenant: str) -> list[Job]:
        """Forget all but the newest of a tenant, and return what was forgotten."""
        ended = [one for one in self.of(tenant) if one.state in {"done", "failed"}]
        for one in ended[MOST_KEPT:]:
            self._shelf.delete(tenant, one.id)
        return ended[MOST_KEPT:]


def last_verified(jobs: list[Job]) -> Job | None:
    """Return the newest verification that came to an end, of jobs that are newest first."""
    return next((one for one in jobs if one.kind == "verify" and one.state == "done"), None)
