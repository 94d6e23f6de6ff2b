"""Impact studies that are started over HTTP: beside the loop, few at a time, each with an id, the last ones kept.

1. A candidate is named, never a path (``candidates.py``); the text of a changed file comes with the order.
2. One study of a tenant at a time, two of a process; each is given up after ``WALL_S``. The last ``KEPT`` are kept.
3. Starting is a deed on record before anything runs; the report is signed and kept as any other, and never taken away
   here: an approval may name it.
4. A process that dies leaves its studies behind as they were: after their time they are told as ``lost``.
"""

import threading
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import random_bytes
from ostiary.policy.bundle import Bundle
from ostiary.server.deeds import record_deed
from ostiary.server.impact.candidates import bundle_of, model_place
from ostiary.server.impact.order import ImpactLimits
from ostiary.server.impact.report import ImpactReport
from ostiary.server.impact.run import KIND, Kept, bundle_impact, model_impact, span_of
from ostiary.server.reports import Reports
from ostiary.server.signed_shelf import SignedShelf
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KEPT: Final = 50
WALL_S: Final = 600.0
MOST_DAYS: Final = 366.0
AT_ONCE: Final = 2
BUSY: Final = "impact_busy"
UNKNOWN: Final = "impact_unknown"
_GRACE_NS: Final = 60 * 1_000_000_000
_NS: Final = 1_000_000_000
_SHELF: Final = "impact_run"
_LIMITS: Final = ImpactLimits(wall_s=WALL_S, cpu_s=int(WALL_S), workers=1)
_places = threading.BoundedSemaphore(AT_ONCE)
_starting = threading.Lock()
State = Literal["running", "done", "failed", "lost"]


class Wish(msgspec.Struct, frozen=True):
    """What is to be tried out: ``about`` is ``policy`` or ``model``; ``file`` and ``text`` are of a changed file."""

    about: str
    candidate: str
    days: float
    file: str = ""
    text: str = ""


class Run(msgspec.Struct, frozen=True):
    """One study.

    Attributes:
        run: its id, ``imp_…``.
        digest: of the candidate; of a model empty until it is done.
        read: records of the log that were read so far.
        report: digest of the report, once it is done.
        code, text: why it failed.
    """

    run: str
    about: str
    candidate: str
    digest: str
    days: float
    by: str
    started_ns: int
    file: str = ""
    state: State = "running"
    ended_ns: int = 0
    read: int = 0
    report: str = ""
    code: str = ""
    text: str = ""


class Runs:
    """The studies of one house."""

    def __init__(self, house: House) -> None:
        """Keep them on its shelf."""
        self._house = house
        self._shelf = SignedShelf(house.store.snapshots, house.ring, _SHELF, Run, "reports")

    def all(self, tenant: str) -> list[Run]:
        """Return a tenant's, newest first.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        now = self._house.clock.now_ns()
        return sorted((_now(one, now) for one in self._shelf.all(tenant)), key=lambda one: one.run, reverse=True)

    def find(self, tenant: str, run: str) -> Run:
        """Return one.

        Raises:
            RefusedError: ``impact_unknown``, the same for another tenant's.
            VerificationError: ``shelf_tampered``.
        """
        found = self._shelf.load(tenant, run)
        if found is None:
            raise RefusedError(UNKNOWN, "there is no such study, or it is not kept any more")
        return _now(found, self._house.clock.now_ns())

    def report(self, tenant: str, run: Run) -> ImpactReport | None:
        """Return the report of a study that is done, verified.

        Raises:
            RefusedError: ``report_unknown``.
            VerificationError: ``report_tampered``.
        """
        if not run.report:
            return None
        found = Reports(self._house.store.snapshots, self._house.ring).find(tenant, run.report)
        if found.kind != KIND:
            raise RefusedError("report_unknown", "there is no such report")
        return msgspec.json.decode(found.body, type=ImpactReport)

    def start(self, who: str, tenant: str, wish: Wish) -> Run:
        """Start one and return at once.

        Raises:
            RefusedError: ``impact_busy``, ``candidate_unknown``, ``candidate_changed``, ``bundle_not_in_force``.
            FaultyInputError: ``bundle_…``, ``span_invalid``.
            UnavailableError: it cannot be recorded; nothing was started.
        """
        house = self._house
        span_of(house.clock.now_ns(), wish.days)
        bundle = bundle_of(house, tenant, wish.candidate, wish.file, wish.text) if wish.about == "policy" else None
        if bundle is None:
            model_place(house, tenant)
        with _starting:
            if any(one.state == "running" for one in self.all(tenant)) or not _places.acquire(blocking=False):
                raise RefusedError(BUSY, "a study is running: look at it, and start the next one when it is done")
            try:
                run = self._noted(who, tenant, wish, bundle)
                work = threading.Thread(target=self._work, args=(who, tenant, run, bundle), daemon=True, name=run.run)
                work.start()
            except BaseException:
                _places.release()
                raise
        return run

    def _noted(self, who: str, tenant: str, wish: Wish, bundle: Bundle | None) -> Run:
        now = self._house.clock.now_ns()
        name, digest = make_id("imp", now, random_bytes(RANDOM_BYTES)), bundle.digest if bundle is not None else ""
        run = Run(name, wish.about, wish.candidate, digest, wish.days, who, now, wish.file)
        told = {"run": name, "about": wish.about, "candidate": wish.candidate, "digest": digest, "days": wish.days}
        record_deed(self._house, who, tenant, "impact.start", **told)
        self._shelf.save(tenant, name, run, now)
        for old in self._shelf.names(tenant)[:-KEPT]:  # ids are in the order of their time
            self._shelf.delete(tenant, old)
        return run

    def _work(self, who: str, tenant: str, run: Run, bundle: Bundle | None) -> None:
        """Make the study; whatever becomes of it is noted, or told as a fault of ours."""
        house = self._house

        def heard(read: int) -> None:
            self._note(tenant, run, read=read)

        try:
            kept = _made(house, who, tenant, run, bundle, heard)
            log = kept.report.log
            self._note(tenant, run, state="done", report=kept.digest, digest=kept.report.candidate, read=log.records)
        except Exception as fault:  # noqa: BLE001 - a thread of our own: what ends it is told where it is looked at
            self._failed(tenant, run, fault)
        finally:
            _places.release()

    def _failed(self, tenant: str, run: Run, fault: Exception) -> None:
        known = isinstance(fault, OstiaryError)
        code = fault.code if isinstance(fault, OstiaryError) else "impact_broken"
        text = fault.message[:500] if isinstance(fault, OstiaryError) else "it ended by a fault of ours"
        if not known:
            self._house.decider.parts.on_fault(code, fault)
        try:
            self._note(tenant, run, state="failed", code=code, text=text)
        except Exception as worse:  # noqa: BLE001 - the server is ending: after its time the study is told as lost
            self._house.decider.parts.on_fault(code, worse)

    def _note(self, tenant: str, run: Run, **changed: object) -> None:
        now = self._house.clock.now_ns()
        ended = now if changed.get("state") else 0
        self._shelf.save(tenant, run.run, msgspec.structs.replace(run, ended_ns=ended, **changed), now)


def _made(house: House, who: str, tenant: str, run: Run, bundle: Bundle | None, heard: Callable[[int], None]) -> Kept:
    span = span_of(house.clock.now_ns(), run.days)
    if bundle is not None:
        return bundle_impact(house, who, tenant, bundle, span, _LIMITS, heard)
    return model_impact(house, who, tenant, model_place(house, tenant), span, _LIMITS, heard)


def _now(run: Run, now_ns: int) -> Run:
    """Return a study as it stands: one that runs beyond its time has lost its process."""
    late = run.started_ns + int(2 * WALL_S) * _NS + _GRACE_NS  # twice: where answers could not be shared it is redone
    return msgspec.structs.replace(run, state="lost") if run.state == "running" and now_ns > late else run
