"""Retrieval over HTTP, under the asker's own rights.

    POST /rag/TENANT/search          {"index": "handbook", "query": "…", "k": 10}
    GET  /rag/TENANT/indexes/INDEX   whose vectors it holds

1. Who comes proves itself with its own token; an API key names a program and nobody's rights.
2. One decision a search, with its record: may this asker search this index at all? An index that is not there and one
   that the asker may not search are answered with the same words.
3. Then the search (``rag.retrieval``), then its record of kind ``retrieval``, then the answer: passages with their
   labels, and nothing about what else there is.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.rag.ports import Asker, Passage
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Passed, TurnedAway
from ostiary.server.retrieval.asking import asker_of
from ostiary.server.wire import BODY_LATE, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/rag"
DOOR: Final = "rag"
ACTION: Final = "rag.search"
TYPE: Final = "index"
MAX_BODY: Final = 65_536
USUAL_K: Final = 10
REFUSED: Final = "access_denied"
_LIMITS: Final = BodyLimits(MAX_BODY, 4)
_STATUS: Final = {BODY_LATE: 408, Reason.BODY_TOO_LARGE.value: 413}
_FORBIDDEN: Final = 403
_MAX_NAME: Final = 128
T = TypeVar("T")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One search."""

    index: str
    query: str
    k: int = USUAL_K


class RagFace:
    """Answers those who search."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Open the door."""
        settings = desk.house.settings.rag
        self._desk = desk
        self._rag = desk.house.rag
        self._claims = settings.claims
        self._every_s = settings.sync_s
        self._keeper = desk.keeper(DOOR, bound=False)
        self._threads = ThreadPoolExecutor(settings.parallel, "rag")
        desk.house.opened.callback(self._threads.shutdown)
        self._most = settings.parallel * 8
        self._waiting = 0

    def chores(self) -> Sequence[Chore]:
        """Look at the sources."""
        return (Chore("rag_not_read", self._every_s, self.sync, once=True),)

    def sync(self) -> None:
        """Read what has changed in all sources of all tenants."""
        self._rag.read_all([row.tenant for row in self._desk.house.tenants.living()])

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        tenant, *what = request.path.removeprefix(PREFIX + "/").split("/")
        try:
            if request.method == "POST" and what == ["search"]:
                return await self._search(request, tenant)
            if request.method == "GET" and what[:1] == ["indexes"] and len(what) == len(("indexes", "name")):
                return await self._show(request, tenant, what[1])
        except TurnedAway as no:
            return _uniform(no.reply)
        except OstiaryError as fault:
            return self._refused(fault)
        return json_reply(404, {"code": "not_found", "message": "there is nothing here"})

    async def _search(self, request: Request, tenant: str) -> Reply:
        caller = await self._keeper.caller(request, tenant)
        told = _question(parse_object(await request.body(MAX_BODY, self._desk.receive_timeout_s), _LIMITS))
        passed = await self._ask(caller, told.index, told.k)
        asker = asker_of(caller, passed, self._claims)
        passages, record = await self._beside(partial(self._found, asker, told, passed.decision_id))
        body = {
            "decision_id": passed.decision_id,
            "retrieval_id": record,
            "passages": [shown(one) for one in passages],
        }
        return json_reply(200, body, (b"x-ostiary-decision", passed.decision_id.encode("ascii")))

    def _found(self, asker: Asker, told: Question, decision: str) -> tuple[tuple[Passage, ...], str]:
        return self._rag.search(asker, told.index, told.query, told.k, decision=decision)

    async def _show(self, request: Request, tenant: str, index: str) -> Reply:
        caller = await self._keeper.caller(request, tenant)
        passed = await self._ask(caller, index[:_MAX_NAME], 1)
        _, _, embedder = await self._beside(partial(self._rag.states, tenant, index))
        return json_reply(200, {"decision_id": passed.decision_id, "index": index, "embedder": embedder})

    async def _ask(self, caller: Caller, index: str, passages: int) -> Passed:
        return await self._keeper.ask(caller, Asked(ACTION, TYPE, index, properties={"passages": passages}))

    async def _beside(self, work: Callable[[], T]) -> T:
        """Do work beside the loop, by a few threads of its own and a bounded queue."""
        if self._waiting >= self._most:
            raise UnavailableError(Reason.OVERLOADED.value, "too many searches at once, try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _refused(self, fault: OstiaryError) -> Reply:
        if isinstance(fault, UnavailableError):
            if fault.code != Reason.OVERLOADED:
                self._desk.faults(fault.code, fault)
            # Which source cannot be asked, and that there is one, is nobody's business here.
            code = fault.code if fault.code == Reason.OVERLOADED else "rag_unavailable"
            return json_reply(503, {"code": code, "message": "nothing can be searched now"}, (b"retry-after", b"1"))
        usual = _FORBIDDEN if isinstance(fault, RefusedError) else 400
        status = _STATUS.get(fault.code, usual)
        headers = ((b"connection", b"close"),) if status in {408, 413} else ()
        return json_reply(status, {"code": fault.code, "message": fault.message}, *headers)


def shown(one: Passage) -> dict[str, Any]:
    """Return a passage as it is answered."""
    return {
        "chunk": one.chunk,
        "document": one.document,
        "title": one.title,
        "text": one.text,
        "score": one.score,
        "digest": one.digest,
        "canary": one.canary,
        "label": {**msgspec.structs.asdict(one.label), "integrity": int(one.label.integrity)},
    }


def _question(given: dict[str, Any]) -> Question:
    try:
        told = msgspec.convert(given, Question)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the body is no search: {fault}") from fault
    if not 1 <= len(told.index) <= _MAX_NAME:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"`index` has 1 to {_MAX_NAME} characters")
    return told


def _uniform(reply: Reply) -> Reply:
    """Return a refusal that does not say whether there is such an index: no reasons, no remedy."""
    if reply.status != _FORBIDDEN:
        return reply
    told = msgspec.json.decode(reply.body)
    body = {"code": REFUSED, "message": "Access is denied.", "decision_id": told.get("decision_id", "")}
    return msgspec.structs.replace(reply, body=msgspec.json.encode(body))


def face(desk: FaceDesk) -> RagFace | None:
    """Return the face, where indexes can be served."""
    return RagFace(desk) if desk.house.rag.served else None
