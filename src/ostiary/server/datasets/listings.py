"""Listing a dataset, and its manifest: what is there, as far as the token goes."""

import asyncio
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.pipeline.datasets.book import DATASET_UNKNOWN
from ostiary.pipeline.datasets.listing import MAX_PAGE, PAGE_INVALID, Page, inside, page_of
from ostiary.server.datasets.asking import Asking, Visit
from ostiary.server.datasets.records import Outcome
from ostiary.server.wire import Reply, json_reply

LIST: Final = "dataset.list"
READ: Final = "dataset.read"
_MEMBERS: Final = frozenset({"deep", "limit", "page", "prefix"})
_DIGITS: Final = 5


class Wanted(msgspec.Struct, frozen=True):
    """What a listing is asked for."""

    folder: str
    page: str
    limit: int
    deep: bool


class Listing:
    """Answers listings and what goes with them."""

    def __init__(self, asking: Asking) -> None:
        """Take what asks and records."""
        self._asking = asking
        self._parts = asking.parts

    async def answer(self, visit: Visit) -> Reply:
        """Answer one page: ``?prefix=&deep=1&limit=&page=``.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(LIST, visit.dataset, visit.request.query.get("prefix", ""), "refused")
        try:
            wanted = self._wanted(visit)
            outcome = msgspec.structs.replace(outcome, object=wanted.folder)
            passed = await self._asking.ask(visit, LIST, wanted.folder, {}, {})
            outcome = msgspec.structs.replace(outcome, decision=passed.decision_id)
            page = await asyncio.to_thread(self._page, visit, wanted)
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        told = msgspec.structs.replace(outcome, outcome="done", length=len(page.entries))
        self._asking.records.queue(visit.caller, told)
        return json_reply(200, _shown(page))

    async def manifest(self, visit: Visit) -> Reply:
        """Answer with the signed manifest, which names all objects: a token for a folder of them does not reach.

        Raises:
            TurnedAway: it is refused.
        """
        outcome = Outcome(READ, visit.dataset, "", "refused")
        try:
            passed = await self._asking.ask(visit, READ, "", {"manifest": True}, {})
            outcome = msgspec.structs.replace(outcome, decision=passed.decision_id)
            manifests = self._parts.book.manifests
            envelope = await asyncio.to_thread(partial(manifests.envelope, visit.caller.tenant, visit.dataset))
        except OstiaryError as no:
            raise self._asking.refuse(visit, outcome, no) from no
        self._asking.records.queue(visit.caller, msgspec.structs.replace(outcome, outcome="done", bytes=len(envelope)))
        return Reply(200, envelope, ((b"content-type", b"application/vnd.dsse.envelope+json"),))

    async def budget(self, visit: Visit) -> Reply:
        """Answer with what the caller's own token has used: nothing of the dataset is in it.

        Raises:
            TurnedAway: the token is for another dataset.
        """
        detail = visit.caller.detail
        if detail is None or (detail.resource_type, detail.identifier) != ("dataset", visit.dataset):
            no = RefusedError(DATASET_UNKNOWN, "there is no such dataset")
            raise self._asking.refuse(visit, Outcome("dataset.budget", visit.dataset, "", "refused"), no)
        budget = self._asking.budget(visit)
        used = await asyncio.to_thread(self._parts.meter.used, budget)
        told = {"max_bytes": budget.max_bytes, "max_objects": budget.max_objects}
        return json_reply(200, {"bytes": used.bytes, "objects": used.objects, **told})

    def _wanted(self, visit: Visit) -> Wanted:
        query = visit.request.query
        limit = query.get("limit", str(MAX_PAGE))
        if not query.keys() <= _MEMBERS or not limit.isdecimal() or len(limit) > _DIGITS or not limit.isascii():
            raise FaultyInputError(PAGE_INVALID, "a listing is asked for with prefix, deep, limit and page")
        detail = visit.caller.detail
        folder = inside(query.get("prefix", ""), detail.prefix if detail is not None else "")
        return Wanted(folder, query.get("page", ""), int(limit), query.get("deep", "0") == "1")

    def _page(self, visit: Visit, wanted: Wanted) -> Page:
        dataset = self._parts.book.find(visit.caller.tenant, visit.dataset)
        objects = self._parts.book.objects(dataset)
        return page_of(objects, wanted.folder, wanted.page, wanted.limit, deep=wanted.deep)


def _shown(page: Page) -> dict[str, Any]:
    entries = [
        {"name": one.name, "type": "folder"}
        if one.is_folder
        else {
            "name": one.name,
            "type": "object",
            "size": one.size,
            "etag": one.etag,
            "modified_ns": one.modified_ns,
        }
        for one in page.entries
    ]
    return {"entries": entries, "next": page.next}
