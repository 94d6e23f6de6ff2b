"""What becomes live in a stage: by promotion, by rollback, by taking away; and what stops being usable at all.

What must be true of a promotion or rollback, in this order:

1. The version is there, in use, signed for this stage, and not past its signer's own end.
2. A promotion goes to no lower number than was ever live; a rollback goes to one that was, and is not now.
3. The validation report is about this digest, passed, and signed by somebody who did not make the model.
4. Enough people approved exactly this: digest, previous digest, stage, report, metrics. None of them made the model.
5. Whoever does it did not make the model either.
6. Nobody was quicker, and the approval was never used before: told in the same transaction that makes it so.

Taking away needs none of it: it only tightens. ADR-0027.
"""

from collections.abc import Callable

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registry.journal import Journal, row_digest
from ostiary.pipeline.registry.model import Actor, Event, Kept, Live, Version
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.pipeline.registry.people import People
from ostiary.pipeline.registry.ports import Blobs, ModelBook, Releases
from ostiary.pipeline.registry.reporting import Report, check_report
from ostiary.pipeline.registry.usable import check_blobs, check_usable, nothing_live
from ostiary.vocabulary.approvals import ApprovalCheck, Approved, Wanted
from ostiary.vocabulary.clock import Clock

PROMOTE = "promote"
ROLLBACK = "rollback"
WITHDRAW = "withdraw"


class Asked(msgspec.Struct, frozen=True):
    """A promotion or rollback as somebody asks for it; ``report`` and ``approval`` as they came."""

    tenant: str
    name: str
    number: int
    stage: str
    action: str
    report: bytes
    approval: bytes


class _Ready(msgspec.Struct, frozen=True):
    version: Version
    kept: Kept
    before: Live
    report: Report
    approved: Approved


class Promoter:
    """Changes what is live."""

    def __init__(
        self,
        journal: Journal,
        book: ModelBook,
        blobs: Blobs,
        approvals: ApprovalCheck,
        people: Callable[[str], People],
        releases: Releases,
        clock: Clock,
    ) -> None:
        """Take the log with the rows, the bytes, who is asked about approvals and validators, who signs releases."""
        self._journal = journal
        self._book = book
        self._blobs = blobs
        self._approvals = approvals
        self._people = people
        self._releases = releases
        self._clock = clock

    def change(self, asked: Asked, by: Actor, *, dry: bool = False) -> Live:
        """Promote or roll back; with ``dry`` only say what would become live.

        Raises:
            RefusedError: ``model_…``, ``report_…``, ``approval_…``, ``promoter_own_work``; recorded first.
            FaultyInputError: a name or a statement is malformed.
            UnavailableError: it cannot be told or recorded, so it did not happen.
        """
        check_name(asked.name)
        check_stage(asked.stage)
        try:
            ready = self._ready(asked, by)
            live = _live(asked, ready, by, self._clock.now_ns())
            return live if dry else self._make_live(self._released(live, ready), ready)
        except (RefusedError, FaultyInputError) as fault:
            event = Event(1, asked.action, asked.name, number=asked.number, stage=asked.stage)
            self._journal.refused(asked.tenant, msgspec.structs.replace(event, decision_id=by.decision_id), fault)
            raise

    def wanted(self, asked: Asked) -> Wanted:
        """Return what an approval must say; the report is checked, the approval is not looked at.

        Raises:
            RefusedError: ``model_…``, ``report_…``.
        """
        version = self._journal.version(asked.tenant, asked.name, asked.number)
        before = self._before(asked)
        return wanted_for(asked, version, before.digest, self._report(asked, version))

    def withdraw(self, tenant: str, name: str, stage: str, by: Actor, why: str) -> Live:
        """Let nothing be live in a stage any more.

        Raises:
            RefusedError: ``model_not_live``, ``model_raced``.
        """
        before = self._journal.live(tenant, name, stage)
        if before is None or not before.number:
            raise RefusedError("model_not_live", f"nothing is live in `{stage[:40]}`")
        live = msgspec.structs.replace(
            before,
            counter=before.counter + 1,
            number=0,
            digest="",
            action=WITHDRAW,
            previous=before.digest,
            approval=b"",
            report=b"",
            release=b"",
            metrics={},
            expires_ns=0,
            by=by.subject,
            since_ns=self._clock.now_ns(),
            decision_id=by.decision_id,
        )
        event = Event(1, WITHDRAW, name, stage=stage, previous=before.digest, told={"why": why[:200]})
        self._journal.change(tenant, lambda record_id: self._put(live, record_id, event), live.since_ns)
        return live

    def _ready(self, asked: Asked, by: Actor) -> _Ready:
        kept = self._journal.find(asked.tenant, asked.name, asked.number)  # 1
        # INVARIANT: what is checked here is the very row that must still stand when it counts.
        version, now = self._journal.read_version(asked.tenant, asked.name, asked.number, kept), self._clock.now_ns()
        check_usable(version, asked.stage, now)
        check_blobs(self._blobs, version)
        before = self._before(asked)  # 2
        _check_order(asked, before)
        report = self._report(asked, version)  # 3
        wanted = wanted_for(asked, version, before.digest, report)
        approved = self._approvals.check(wanted, asked.approval, now)  # 4
        if not self._people(asked.tenant).known_as(by.names).isdisjoint(version.trainer.names):  # 5
            raise RefusedError("promoter_own_work", "whoever made the model does not promote it")
        return _Ready(version, kept, before, report, approved)

    def _before(self, asked: Asked) -> Live:
        return self._journal.live(asked.tenant, asked.name, asked.stage) or nothing_live(
            asked.tenant, asked.name, asked.stage
        )

    def _report(self, asked: Asked, version: Version) -> Report:
        return check_report(self._people, version, asked.report)

    def _released(self, live: Live, ready: _Ready) -> Live:
        sealed = self._releases.seal(live, ready.version, ready.report.metrics_digest)
        return msgspec.structs.replace(live, release=sealed)

    def _make_live(self, live: Live, ready: _Ready) -> Live:
        approved, report = ready.approved, ready.report
        ends = [end for end in (approved.expires_ns, ready.version.not_after_ns) if end]
        event = Event(
            1,
            live.action,
            live.name,
            number=live.number,
            stage=live.stage,
            digest=live.digest,
            previous=live.previous,
            decision_id=live.decision_id,
            approval=approved.digest,
            report=report.digest,
            metrics=report.metrics_digest,
            keys=approved.keys,
            expires_ns=min(ends),
        )

        def change(record_id: str) -> Event:
            now_kept = self._book.find_version(live.tenant, live.name, live.number)
            if now_kept is None or now_kept.record_id != ready.kept.record_id:  # quarantined or retired meanwhile
                raise RefusedError("model_raced", "the version was changed meanwhile")
            if self._book.is_revoked(live.tenant, approved.digest):
                raise RefusedError("approval_revoked", "the approval was revoked")
            if not self._book.use_nonce(live.tenant, approved.nonce, approved.expires_ns):
                raise RefusedError("approval_replayed", "this approval was used before")
            return self._put(live, record_id, event)

        self._journal.change(live.tenant, change, live.since_ns)  # 6
        return live

    def _put(self, live: Live, record_id: str, event: Event) -> Event:
        body = msgspec.json.encode(live)
        if not self._book.put_live(live.tenant, live.name, live.stage, live.counter, Kept(body, record_id)):
            raise RefusedError("model_raced", "somebody else changed the stage meanwhile")
        return msgspec.structs.replace(event, counter=live.counter, decision_id=live.decision_id, row=row_digest(body))


def wanted_for(asked: Asked, version: Version, previous: str, report: Report) -> Wanted:
    """Return the deed that an approval must be for."""
    return Wanted(
        tenant=asked.tenant,
        action=asked.action,
        model=asked.name,
        version=version.number,
        stage=asked.stage,
        digest=version.digest,
        previous=previous,
        metrics=report.metrics_digest,
        report=report.digest,
        own=version.trainer.names,
        own_keys=frozenset(version.trainer.keys),
    )


def _check_order(asked: Asked, before: Live) -> None:
    if asked.action == PROMOTE and asked.number < before.highest:
        text = f"version {before.highest} was live here: going back to {asked.number} is a rollback"
        raise RefusedError("model_downgrade", text)
    if asked.action == ROLLBACK and (asked.number not in before.was or asked.number == before.number):
        raise RefusedError("model_never_live", f"version {asked.number} was not live in `{asked.stage}` before")
    if asked.action not in {PROMOTE, ROLLBACK}:
        raise FaultyInputError("model_action", f"`{asked.action[:40]}` is no promotion and no rollback")


def _live(asked: Asked, ready: _Ready, by: Actor, now_ns: int) -> Live:
    before, number = ready.before, asked.number
    return Live(
        tenant=asked.tenant,
        name=asked.name,
        stage=asked.stage,
        counter=before.counter + 1,
        number=number,
        digest=ready.version.digest,
        action=asked.action,
        highest=max(before.highest, number),
        was=before.was if number in before.was else (*before.was, number),
        previous=before.digest,
        approval=asked.approval,
        report=asked.report,
        metrics=ready.report.findings.metrics,
        expires_ns=ready.approved.expires_ns,
        by=by.subject,
        since_ns=now_ns,
        decision_id=by.decision_id,
    )
