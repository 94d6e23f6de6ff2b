"""Writing into a dataset: an object with its declared digest, a signed manifest, a removal.

- The decision comes before the first byte of a body is read; what is refused is not taken in.
- Nothing shows before it is whole, has its digest, and is on disk. What changes a dataset is recorded first, as what
  is about to be done, and again as what was done: a crash between the two leaves the intention.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.pipeline.datasets.book import Dataset
from ostiary.pipeline.datasets.manifests import MAX_ENVELOPE
from ostiary.pipeline.datasets.names import check_name
from ostiary.pipeline.datasets.uploads import TOO_LARGE, Upload, read_digest
from ostiary.server.bulk import SLOWEST
from ostiary.server.datasets.asking import Asking, Visit
from ostiary.server.datasets.parts import MIB
from ostiary.server.datasets.records import Outcome
from ostiary.server.wire import BODY_LATE, Reply, json_reply
from ostiary.vocabulary.reasons import Reason

WRITE: Final = "dataset.write"
DELETE: Final = "dataset.delete"
LENGTH_MISSING: Final = "length_missing"
CONDITION_MISSING: Final = "condition_missing"
_BATCH: Final = MIB
_DIGITS: Final = 15


class Writing:
    """Answers PUT and DELETE."""

    def __init__(self, asking: Asking) -> None:
        """Take what asks and records."""
        self._asking = asking
        self._parts = asking.parts
        self._running = 0

    async def put(self, visit: Visit, path: str) -> Reply:
        """Take one object in.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(WRITE, visit.dataset, path, "refused")
        try:
            name, declared = check_name(path), read_digest(visit.request.header(b"repr-digest"))
            length, replaces = _length(visit), _replaces(visit)
            told = {"bytes": length, "operation": "create" if replaces is None else "replace"}
            passed = await self._asking.ask(visit, WRITE, name, told, {})
            outcome = msgspec.structs.replace(
                outcome, decision=passed.decision_id, length=length, digest=f"sha256:{declared.hex()}"
            )
            dataset = await asyncio.to_thread(self._parts.book.find, visit.caller.tenant, visit.dataset)
            reply = await self._taken(visit, dataset, name, declared, replaces, outcome)
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        return reply

    async def _taken(
        self, visit: Visit, dataset: Dataset, name: str, declared: bytes, replaces: str | None, outcome: Outcome
    ) -> Reply:
        most = self._most(dataset)
        if outcome.length > most:
            raise FaultyInputError(TOO_LARGE, f"an object of this dataset has at most {most} bytes")
        if self._running >= self._parts.settings.max_uploads:
            raise UnavailableError(Reason.OVERLOADED.value, "too many objects come in at once, try again in a moment")
        self._running += 1
        try:
            return await self._come_in(visit, dataset, name, declared, replaces, outcome)
        except TimeoutError:
            raise FaultyInputError(BODY_LATE, "the object came too slowly") from None
        finally:
            self._running -= 1

    async def _come_in(
        self, visit: Visit, dataset: Dataset, name: str, declared: bytes, replaces: str | None, outcome: Outcome
    ) -> Reply:
        objects = await asyncio.to_thread(self._parts.book.objects, dataset)
        upload = await asyncio.to_thread(Upload, objects, declared, outcome.length)
        try:
            async with asyncio.timeout(self._parts.settings.stall_s + outcome.length / SLOWEST):
                async for batch in self._batches(visit, outcome.length):
                    await asyncio.to_thread(upload.write, batch)
            intended = msgspec.structs.replace(outcome, outcome="begun", bytes=upload.size)
            await asyncio.to_thread(self._asking.records.write, visit.caller, intended)
            taken = await asyncio.to_thread(upload.publish, name, replaces=replaces)
        finally:
            await asyncio.to_thread(upload.discard)
        done = msgspec.structs.replace(outcome, outcome="done", bytes=taken.stat.size, etag=taken.stat.etag)
        self._asking.records.queue(visit.caller, done)
        told = {"name": name, "size": taken.stat.size, "sha256": taken.sha256, "etag": taken.stat.etag}
        return json_reply(201 if replaces is None else 200, told, (b"etag", b'"%s"' % taken.stat.etag.encode()))

    async def _batches(self, visit: Visit, length: int) -> AsyncIterator[list[bytes]]:
        batch, size = list[bytes](), 0
        async for chunk in visit.request.chunks(length, self._parts.settings.stall_s):
            batch.append(chunk)
            size += len(chunk)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
        yield batch

    def _most(self, dataset: Dataset) -> int:
        ours = self._parts.settings.max_object_mb * MIB
        return min(dataset.spec.max_object_bytes or ours, ours)

    async def delete(self, visit: Visit, path: str) -> Reply:
        """Remove one version of an object, which ``If-Match`` names.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(DELETE, visit.dataset, path, "refused")
        try:
            name, etag = check_name(path), _replaces(visit)
            if etag is None:
                raise FaultyInputError(CONDITION_MISSING, "name the version to remove with `If-Match`")
            passed = await self._asking.ask(visit, DELETE, name, {}, {})
            outcome = msgspec.structs.replace(outcome, decision=passed.decision_id, etag=etag)
            await asyncio.to_thread(self._removed, visit, name, outcome)
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        self._asking.records.queue(visit.caller, msgspec.structs.replace(outcome, outcome="done"))
        return Reply(204, headers=())

    def _removed(self, visit: Visit, name: str, outcome: Outcome) -> None:
        objects = self._parts.book.objects(self._parts.book.find(visit.caller.tenant, visit.dataset))
        self._asking.records.write(visit.caller, msgspec.structs.replace(outcome, outcome="begun"))
        objects.delete(name, outcome.etag)

    async def manifest(self, visit: Visit) -> Reply:
        """Accept a signed manifest; who sends it is nothing, who signed it is what counts.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(WRITE, visit.dataset, "", "refused")
        try:
            length = _length(visit)
            passed = await self._asking.ask(visit, WRITE, "", {"operation": "manifest", "bytes": length}, {})
            outcome = msgspec.structs.replace(outcome, decision=passed.decision_id, length=length)
            envelope = await visit.request.body(MAX_ENVELOPE, self._parts.settings.stall_s)
            told = await asyncio.to_thread(self._accepted, visit, envelope, outcome)
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        return json_reply(201, told)

    def _accepted(self, visit: Visit, envelope: bytes, outcome: Outcome) -> dict[str, object]:
        tenant, manifests = visit.caller.tenant, self._parts.book.manifests
        dataset = self._parts.book.find(tenant, visit.dataset)
        found = manifests.check(tenant, dataset.id, dataset.spec, envelope)
        told = msgspec.structs.replace(outcome, outcome="begun", bytes=len(envelope), manifest=found.digest)
        self._asking.records.write(visit.caller, told)
        manifests.accept(tenant, dataset.id, dataset.spec, envelope)
        self._asking.records.queue(visit.caller, msgspec.structs.replace(told, outcome="done"))
        return {"digest": found.digest, "sequence": found.manifest.sequence, "objects": len(found.manifest.objects)}


def _length(visit: Visit) -> int:
    told = visit.request.header(b"content-length")
    if told is None or not told.isascii() or not told.isdecimal() or len(told) > _DIGITS:
        raise FaultyInputError(LENGTH_MISSING, "say how long the body is with `Content-Length`")
    return int(told)


def _replaces(visit: Visit) -> str | None:
    """Return the version that is named by ``If-Match``; without it there must be no such object yet."""
    told = visit.request.header(b"if-match")
    if told is None:
        return None
    if len(told) < 3 or told[0] != '"' or told[-1] != '"' or '"' in told[1:-1]:  # noqa: PLR2004 - two quotes and a tag
        raise FaultyInputError(CONDITION_MISSING, 'name one version as `If-Match: "…"`')
    return told[1:-1]
