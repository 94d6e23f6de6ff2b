"""Does one auditor's job at a time: takes the oldest, tells how far it is, and says how it ended.

1. One worker of one server works at a time: a lock on the folder, which a process that ends lets go.
2. A job ends by its own word, by a fault, by being too long, or because the server ends; then it is done again.
3. Whatever goes wrong is the job's outcome, in a sentence; it never reaches an answer to anybody else.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.keys.files import private_folder
from ostiary.server.auditing.jobs import MOST_TRIES, Job, Jobs
from ostiary.server.auditing.packing import make_pack, remove_old, remove_pack
from ostiary.server.auditing.verifying import FOLDER, verify_log
from ostiary.server.wiring import House

MOST_S: Final = 1_800.0
TELL_S: Final = 0.5
LOOK_NS: Final = 600 * 1_000_000_000
OnFault = Callable[[str, BaseException], None]


class Ended(Exception):  # noqa: N818 - no error: the server ends, and the job waits for the next one
    """The server is about to end."""


class Working:
    """Works on the jobs of one server."""

    def __init__(self, house: House, draining: Callable[[], bool], on_fault: OnFault) -> None:
        """Take the house, whether the server is about to end, and whom to tell of faults."""
        self._house = house
        self._jobs = Jobs(house)
        self._draining = draining
        self._on_fault = on_fault
        self._looked_ns = 0

    def turn(self) -> bool:
        """Do the oldest job, if there is one and nobody else works; return whether there was one."""
        now_ns = self._now()
        if now_ns - self._looked_ns > LOOK_NS:
            self._looked_ns = now_ns
            remove_old(self._house.places, now_ns)
        if not self._jobs.any_open():
            return False
        with _alone(self._house.places.root / FOLDER) as alone:
            job = self._jobs.next() if alone else None
            if job is None:
                return False
            self._work(job)
        return True

    def _work(self, job: Job) -> None:
        if job.tries >= MOST_TRIES:
            self._jobs.close(_ended(job, self._now, ("audit_job_failed", "the server ended twice while it was made")))
            return
        telling = _Telling(self._jobs, job, self._draining, self._now)
        try:
            done = self._done(telling)
        except Ended:
            self._jobs.keep(msgspec.structs.replace(job, state="waiting"))  # not its fault: this was no try
            return
        except OstiaryError as fault:
            self._on_fault(fault.code, fault)
            done = _ended(telling.job, self._now, (fault.code, fault.message))
        except Exception as fault:  # noqa: BLE001 - told, and the job has failed
            self._on_fault("audit_job_failed", fault)
            done = _ended(telling.job, self._now, ("audit_job_failed", "something failed that should not"))
        self._jobs.close(done)
        for old in self._jobs.trim(job.tenant):
            remove_pack(self._house.places, old)

    def _done(self, telling: "_Telling") -> Job:
        job, places, store = telling.job, self._house.places, self._house.settings.store
        if job.kind == "verify":
            report = verify_log(places, store, telling, since=job.since)
            return msgspec.structs.replace(_ended(telling.job, self._now), report=report)
        earlier = [one for one in self._jobs.of(job.tenant) if one.kind == "pack" and one.state == "done"]
        report = verify_log(places, store, telling)
        pack = make_pack(self._house, job, report, earlier[0] if earlier else None, telling)
        return msgspec.structs.replace(_ended(telling.job, self._now), report=report, pack=pack)

    def _now(self) -> int:
        return self._house.clock.now_ns()


class _Telling:
    """Tells how far a job is, and ends it when it must end."""

    def __init__(self, jobs: Jobs, job: Job, draining: Callable[[], bool], now: Callable[[], int]) -> None:
        self.job = msgspec.structs.replace(job, state="running", began_ns=now(), beat_ns=now(), tries=job.tries + 1)
        self._jobs = jobs
        self._draining = draining
        self._now = now
        self._began = time.monotonic()
        self._told = 0.0
        jobs.keep(self.job)

    def __call__(self, step: str, done: int, total: int) -> None:
        at = time.monotonic()
        if self._draining():
            raise Ended
        if at - self._began > MOST_S:
            raise UnavailableError("audit_job_late", f"it took longer than {MOST_S / 60:g} minutes: ask for less")
        if at - self._told >= TELL_S or step != self.job.step:
            self._told = at
            self.job = msgspec.structs.replace(self.job, step=step, done=done, total=total, beat_ns=self._now())
            self._jobs.keep(self.job)


def _ended(job: Job, now: Callable[[], int], fault: tuple[str, str] = ("", "")) -> Job:
    return msgspec.structs.replace(job, state="failed" if fault[0] else "done", ended_ns=now(), fault=fault)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock, or say that somebody else does."""
    handle = os.open(private_folder(folder) / ".working", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)
