"""A model is handed out: everything that let it become live is asked again, now, and the bytes are hashed as they pass.

What must be true at every load:

1. Something is live in the stage, and it is the digest that the caller began with, if it names one.
2. The version is still usable here; every file is there.
3. The signature is good and its key is pinned still.
4. The report still counts, and so does the approval: not expired, not revoked, its people still approvers.

Then it is recorded, and only then handed out. The last piece of every file is held back until its digest is right:
what was swapped on the way never becomes a whole file. ADR-0027.
"""

import hashlib
from collections.abc import Callable, Iterator

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.pipeline.registry.journal import Journal
from ostiary.pipeline.registry.model import Actor, Event, Live, ModelFile, Version
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.pipeline.registry.people import People
from ostiary.pipeline.registry.ports import Blobs, Inspector
from ostiary.pipeline.registry.promoting import Asked, wanted_for
from ostiary.pipeline.registry.reporting import check_report
from ostiary.pipeline.registry.usable import check_blobs, check_usable
from ostiary.vocabulary.approvals import ApprovalCheck
from ostiary.vocabulary.clock import Clock


class Ticket(msgspec.Struct, frozen=True):
    """A model that may be loaded now: what is live, and the version that it is."""

    live: Live
    version: Version


class Loader:
    """Hands models out."""

    def __init__(
        self,
        journal: Journal,
        blobs: Blobs,
        inspector: Inspector,
        approvals: ApprovalCheck,
        people: Callable[[str], People],
        clock: Clock,
    ) -> None:
        """Take the log with the rows, the bytes, and everybody who is asked again."""
        self._journal = journal
        self._blobs = blobs
        self._inspector = inspector
        self._approvals = approvals
        self._people = people
        self._clock = clock

    def load(self, tenant: str, name: str, stage: str, by: Actor) -> Ticket:
        """Return what may be loaded now; it is on record when this returns.

        Raises:
            RefusedError: ``model_…``, ``report_…``, ``approval_…``; recorded before it is raised.
            UnavailableError: it cannot be told or recorded, so it must not be loaded.
        """
        ticket = self.check(tenant, name, stage, by)
        live = ticket.live
        event = Event(1, "load", name, number=live.number, stage=stage, digest=live.digest, counter=live.counter)
        self._journal.note(tenant, msgspec.structs.replace(event, decision_id=by.decision_id))
        return ticket

    def check(self, tenant: str, name: str, stage: str, by: Actor, digest: str = "") -> Ticket:
        """Return what may be loaded now, without the record of a load; a refusal is recorded.

        Raises:
            RefusedError: as ``load``; ``model_changed`` when another digest than ``digest`` is live.
        """
        check_name(name)
        check_stage(stage)
        try:
            return self._checked(tenant, name, stage, digest)
        except (RefusedError, FaultyInputError) as fault:
            event = Event(1, "load", name, stage=stage, digest=digest, decision_id=by.decision_id)
            self._journal.refused(tenant, event, fault)
            raise

    def _checked(self, tenant: str, name: str, stage: str, digest: str) -> Ticket:
        live = self._journal.live(tenant, name, stage)  # 1
        if live is None or not live.number:
            raise RefusedError("model_not_live", f"no version of `{name}` is live in `{stage}`")
        if digest and digest != live.digest:
            raise RefusedError("model_changed", "another version has become live meanwhile: begin again")
        version = self._journal.version(tenant, name, live.number)
        now = self._clock.now_ns()
        if version.digest != live.digest:
            raise VerificationError("model_row_tampered", "what is live is not what was registered")
        check_usable(version, stage, now)  # 2
        check_blobs(self._blobs, version)
        signed = self._inspector.still_trusted(tenant, version.digest, version.documents, now)  # 3
        if signed.key != version.signed.key:
            raise VerificationError("model_row_tampered", "the model is signed by another key than when it came in")
        self._approved(live, version, now)  # 4
        return Ticket(live, version)

    def _approved(self, live: Live, version: Version, now: int) -> None:
        asked = Asked(live.tenant, live.name, live.number, live.stage, live.action, live.report, live.approval)
        report = check_report(self._people, version, live.report)
        self._approvals.check(wanted_for(asked, version, live.previous, report), live.approval, now)

    def file(self, ticket: Ticket, path: str) -> ModelFile:
        """Return one file of a model.

        Raises:
            RefusedError: ``model_file_unknown``.
        """
        found = next((one for one in ticket.version.files if one.path == path), None)
        if found is None:
            raise RefusedError("model_file_unknown", "the model has no such file")
        return found

    def read(self, ticket: Ticket, file: ModelFile, by: Actor) -> Iterator[bytes]:
        """Yield a file's bytes; the last piece only once all of them are right.

        Raises:
            VerificationError: ``model_file_swapped``; recorded before it is raised.
        """
        live = ticket.live
        try:
            yield from verified(self._blobs.read(live.tenant, file.sha256), file)
        except VerificationError as fault:
            event = Event(1, "load", live.name, number=live.number, stage=live.stage, digest=live.digest)
            told = msgspec.structs.replace(event, decision_id=by.decision_id, told={"path": file.path})
            self._journal.refused(live.tenant, told, fault)
            raise


def verified(pieces: Iterator[bytes], file: ModelFile) -> Iterator[bytes]:
    """Yield ``pieces``, holding each back until the next has come, and the last until size and digest are right.

    Raises:
        VerificationError: ``model_file_swapped``.
    """
    digest, length, held = hashlib.sha256(), 0, b""
    for piece in pieces:
        length += len(piece)
        if length > file.size:
            break
        digest.update(piece)
        if held:
            yield held
        held = piece
    if length != file.size or digest.hexdigest() != file.sha256:
        raise VerificationError("model_file_swapped", f"`{file.path}` is not the file that was registered")
    if held:
        yield held
