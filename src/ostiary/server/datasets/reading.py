"""Reading one object: decided, charged, verified where that is asked, and counted to the byte.

1. The object is opened, which pins its version, and the range is worked out; nothing is read.
2. The decision is asked about this very range, with how many bytes it is and whether a manifest vouches for them.
3. The token's budget is charged with all of it, or it is refused.
4. Where only verified objects are handed out, the version must agree with the manifest before its first byte leaves.
5. The bytes leave for as long as the caller's access stands (``lasting``), and what left is recorded; what did not is
   given back.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.pipeline.datasets.book import DATASET_UNKNOWN, Dataset
from ostiary.pipeline.datasets.budgets import Budget
from ostiary.pipeline.datasets.manifests import VerifiedManifest
from ostiary.pipeline.datasets.names import check_name
from ostiary.pipeline.datasets.ports import OBJECT_UNKNOWN, OpenObject
from ostiary.pipeline.datasets.ranges import RANGE_UNSATISFIABLE, Span, read_range
from ostiary.pipeline.datasets.statement import Entry
from ostiary.pipeline.datasets.verified import listed
from ostiary.server.bulk import BulkReply, in_background
from ostiary.server.datasets.asking import Asking, Visit
from ostiary.server.datasets.lasting import Lasting
from ostiary.server.datasets.records import Outcome
from ostiary.server.doors import TurnedAway
from ostiary.server.wire import Reply
from ostiary.sessions import Asked

READ: Final = "dataset.read"
_LOOKS: Final = ThreadPoolExecutor(4, "looks")


class Look(msgspec.Struct, frozen=True):
    """What was found before the decision.

    Attributes:
        dataset: registered, or ``None``.
        one: the open object, or ``None``.
        span: which bytes, or ``None``.
        manifest: what vouches for the dataset, or ``None``.
        state: how things stand with the manifest, for policy.
        no: what is wrong; told only to whom the decision lets in.
    """

    dataset: Dataset | None = None
    one: OpenObject | None = None
    span: Span | None = None
    manifest: VerifiedManifest | None = None
    state: str = "unknown"
    no: OstiaryError | None = None

    def close(self) -> None:
        """Close the object."""
        if self.one is not None:
            self.one.close()

    @property
    def properties(self) -> dict[str, Any]:
        """What policy is told of the access."""
        span = self.span or Span(0, 0)
        verified = self.dataset is not None and self.dataset.spec.reads == "verified"
        return {"bytes": span.length, "range": [span.start, span.stop], "verified": verified}


def _with_size(away: TurnedAway, look: Look, no: OstiaryError) -> TurnedAway:
    """Add the object's size to a refusal of a range behind its end (RFC 9110 §15.5.17)."""
    if no.code != RANGE_UNSATISFIABLE or look.one is None:
        return away
    size = (b"content-range", b"bytes */%d" % look.one.stat.size)
    return TurnedAway(msgspec.structs.replace(away.reply, headers=(*away.reply.headers, size)))


class Reading:
    """Answers GET and HEAD of objects."""

    def __init__(self, asking: Asking, lasting: Lasting) -> None:
        """Take what asks and records, and what judges a read again."""
        self._asking = asking
        self._parts = asking.parts
        self._lasting = lasting

    async def answer(self, visit: Visit, path: str) -> Reply | BulkReply:
        """Answer one read.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(READ, visit.dataset, path, "refused")
        try:
            name = check_name(path)
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        look = Look()
        if self._asking.may_look(visit, READ, name):
            look = await asyncio.to_thread(self._look, visit, name)
        try:
            passed = await self._asking.ask(visit, READ, name, look.properties, {"manifest": look.state})
            outcome = msgspec.structs.replace(outcome, decision=passed.decision_id)
            return await self._answer(self._ready(visit, look, outcome, passed.decided.asked))
        except OstiaryError as no:
            look.close()
            raise _with_size(self._asking.refuse(visit, outcome, no), look, no) from no
        except BaseException:
            look.close()
            raise

    def _look(self, visit: Visit, name: str) -> Look:
        dataset = self._asking.find(visit)
        if dataset is None:
            return Look()
        manifest, state = self._manifest(dataset)
        found = Look(dataset=dataset, manifest=manifest, state=state)
        try:
            one = self._parts.book.objects(dataset).open(name)
        except OstiaryError as no:
            return msgspec.structs.replace(found, no=no)
        try:
            span = self._span(visit, one)
        except OstiaryError as no:
            return msgspec.structs.replace(found, one=one, no=no)
        return msgspec.structs.replace(found, one=one, span=span)

    def _manifest(self, dataset: Dataset) -> tuple[VerifiedManifest | None, str]:
        try:
            return self._parts.book.manifest_of(dataset.tenant, dataset.id), "verified"
        except VerificationError as no:
            return None, no.code

    @staticmethod
    def _span(visit: Visit, one: OpenObject) -> Span:
        if visit.request.method == "HEAD":
            return Span(0, 0)
        wanted, condition = visit.request.header(b"range"), visit.request.header(b"if-range")
        if condition is not None and condition != f'"{one.stat.etag}"':  # RFC 9110 §13.1.5: another version, so all
            wanted = None
        return read_range(wanted, one.stat.size)

    def _ready(self, visit: Visit, look: Look, outcome: Outcome, asked: Asked | None) -> "Ready":
        """Return what may be read now.

        Raises:
            OstiaryError: what was wrong before the decision was asked.
        """
        if look.dataset is None:
            raise RefusedError(DATASET_UNKNOWN, "there is no such dataset")
        if look.no is not None:
            raise look.no
        if look.one is None or look.span is None:
            raise RefusedError(OBJECT_UNKNOWN, "there is no such object")
        told = msgspec.structs.replace(
            outcome, start=look.span.start, length=look.span.length, etag=look.one.stat.etag, outcome="done"
        )
        return Ready(visit, look.dataset, look.one, look.span, told, asked)

    async def _answer(self, ready: "Ready") -> Reply | BulkReply:
        request, etag = ready.visit.request, ready.tag
        if request.header(b"if-none-match") == etag.decode():
            ready.one.close()
            self._asking.records.queue(ready.visit.caller, ready.outcome)
            return Reply(304, headers=((b"etag", etag),))
        if request.method == "HEAD":
            return self._reply(ready, iter(()))
        budget = self._asking.budget(ready.visit)
        await self._charged(budget, ready)
        if ready.dataset.spec.reads != "verified":
            return self._reply(ready, ready.one.pieces(ready.span.start, ready.span.length))
        try:
            ready, entry = await asyncio.to_thread(self._vouched, ready)
            return self._reply(ready, await self._verified(ready, entry))
        except OstiaryError:
            in_background(partial(self._parts.meter.give_back, budget, ready.span.length), self._not_given_back)
            raise

    async def _charged(self, budget: Budget, ready: "Ready") -> None:
        if budget.bounded:  # it is on disk before the first byte leaves
            await asyncio.to_thread(self._charge, budget, ready)
        else:  # it is counted in memory: a thread would cost more than the count
            self._charge(budget, ready)

    def _charge(self, budget: Budget, ready: "Ready") -> None:
        stat = ready.one.stat
        self._parts.meter.charge(budget, ready.dataset.id, stat.name, stat.etag, ready.span.length)

    def _vouched(self, ready: "Ready") -> tuple["Ready", Entry]:
        """Return what the manifest says of the object now: the decision took a while."""
        manifest = self._parts.book.manifest_of(*ready.scope)
        entry = listed(manifest.entry(ready.one.stat.name))
        told = f"{entry.algorithm}:{entry.digest}"
        outcome = msgspec.structs.replace(ready.outcome, digest=told, manifest=manifest.digest)
        return msgspec.structs.replace(ready, outcome=outcome), entry

    async def _verified(self, ready: "Ready", entry: Entry) -> Iterator[memoryview]:
        """Return bytes that agree with the manifest, after a look at all of the object if it is the first."""
        reads, look = self._parts.reads, partial(self._parts.reads.blocks, ready.scope, ready.one, entry)
        # A look takes long: it has some threads of its own, so that neither decisions nor other reads wait for it.
        threads = None if reads.known(ready.scope, ready.one, entry) else _LOOKS
        blocks = await asyncio.get_running_loop().run_in_executor(threads, look)
        return reads.pieces(ready.one, blocks, ready.span.start, ready.span.length)

    def _reply(self, ready: "Ready", pieces: Iterator[memoryview]) -> BulkReply:
        request, stat, span = ready.visit.request, ready.one.stat, ready.span
        head = request.method == "HEAD"
        whole = head or span.length == stat.size
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"accept-ranges", b"bytes"),
            (b"etag", ready.tag),
            (b"ostiary-decision", ready.outcome.decision.encode()),
        ]
        if not whole:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (span.start, span.stop - 1, stat.size)))
        if ready.outcome.digest:
            headers.append((b"ostiary-digest", ready.outcome.digest.encode()))
        return BulkReply(
            status=200 if whole else 206,
            pieces=self._lasting.pieces(ready.asked, pieces),
            length=stat.size if head else span.length,
            headers=tuple(headers),
            head=head,
            stall_s=self._parts.settings.stall_s,
            bulk=request.bulk,
            abort=request.abort,
            ended=partial(self._ended, ready),
        )

    def _ended(self, ready: "Ready", count: int, fault: BaseException | None) -> None:
        """Record what left, and give back what did not."""
        ready.one.close()
        whole = fault is None and (ready.visit.request.method == "HEAD" or count == ready.span.length)
        code = "" if whole else getattr(fault, "code", "caller_gone")
        told = msgspec.structs.replace(ready.outcome, bytes=count, outcome="done" if whole else "broken_off", code=code)
        self._asking.records.queue(ready.visit.caller, told)
        left = ready.span.length - count
        if left > 0:
            budget = self._asking.budget(ready.visit)
            in_background(partial(self._parts.meter.give_back, budget, left), self._not_given_back)

    def _not_given_back(self, fault: BaseException) -> None:
        self._asking.records.on_fault("dataset_not_given_back", fault)


class Ready(msgspec.Struct, frozen=True):
    """A read that the decision let in."""

    visit: Visit
    dataset: Dataset
    one: OpenObject
    span: Span
    outcome: Outcome
    asked: Asked | None

    @property
    def scope(self) -> tuple[str, str]:
        """Tenant and dataset."""
        return self.dataset.tenant, self.dataset.id

    @property
    def tag(self) -> bytes:
        """The entity tag of the version, as it stands in a header."""
        return b'"%s"' % self.one.stat.etag.encode()
