"""Conversations over HTTP, for their owners.

    GET    /conversations/TENANT[?before=ID&limit=N]          your conversations, newest first
    GET    /conversations/TENANT/ID[?start=N&limit=N]         one, with its messages
    GET    /conversations/TENANT/ID/export                    one, whole, as a file
    GET    /conversations/TENANT/export                       all of them, one a line
    DELETE /conversations/TENANT/ID                           shred one

1. Who comes proves itself by a token of its own. Policy is told whose conversation it is only if it is the caller's:
   for another user's, another tenant's and one that never was it hears the same, and so does the caller: 404.
2. Each access is a decision with its record; deleting and exporting leave a record of kind ``conversation`` beside it,
   with ids and digests only.
3. Finding, opening and sealing are done beside the loop, by a few threads and a bounded queue.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.gateway.conversations import Conversation
from ostiary.gateway.conversations.changes import ChangeRecord
from ostiary.keys import sha256_hex
from ostiary.server.chores import Chore
from ostiary.server.conversations import tend, transcript_told
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Passed, TurnedAway
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/conversations"
DOOR: Final = "conversations"
OWN: Final = "own"
EXPORT: Final = "export"
UNKNOWN: Final = "conversation_unknown"
_THREADS: Final = 4
_QUEUE: Final = 64
_PAGE: Final = 100
_PAGES: Final = 1_000
_DIGITS: Final = 9
_FORBIDDEN: Final = 403
_NDJSON: Final = (b"content-type", b"application/x-ndjson")
_ATTACHED: Final = (b"content-disposition", b'attachment; filename="conversations.jsonl"')
T = TypeVar("T")


class Visit(msgspec.Struct, frozen=True):
    """One request: who comes, for which conversation, to do what."""

    caller: Caller
    conversation: str
    action: str

    @property
    def user(self) -> str:
        """Who it is."""
        return f"{self.caller.identity.subject_type}:{self.caller.identity.subject_id}"


class ConversationsFace:
    """Answers owners of conversations."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Open the door."""
        self._desk = desk
        self._house = desk.house
        self._keeper = desk.keeper(DOOR, bound=False)
        self._threads = ThreadPoolExecutor(_THREADS, "conversations")
        desk.house.opened.callback(self._threads.shutdown)
        self._waiting = 0
        self._swept = False

    def chores(self) -> Sequence[Chore]:
        """Bring older messages under current keys, and destroy what is shredded."""
        return (Chore("conversations_not_tended", self._house.settings.conversations.tend_s, self.tend, once=True),)

    def tend(self) -> None:
        """Tend all tenants; the first time, what was shredded long ago as well."""
        tend(self._house, again=not self._swept)
        self._swept = True

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        tenant, conversation, action = _meant(request)
        if not action:
            return json_reply(404, {"code": "not_found", "message": "there is nothing here"})
        try:
            caller = await self._keeper.caller(request, tenant)
            return await self._answer(request, Visit(caller, conversation, action))
        except TurnedAway as no:
            return no.reply
        except OstiaryError as fault:
            return self._refused(fault)

    async def _answer(self, request: Request, visit: Visit) -> Reply:
        level = await self._beside(lambda: self._level(visit))
        passed = await self._ask(visit, level)
        return await self._beside(lambda: self._do(request, visit, passed))

    def _level(self, visit: Visit) -> int | None:
        """Return how confidential it is, if it is the caller's; what cannot be read is told of after the decision."""
        conversations, tenant = self._house.conversations, visit.caller.tenant
        try:
            if visit.conversation:
                return _level(conversations.find(tenant, visit.user, visit.conversation))
            if visit.action == "conversation.export":
                return max((_level(one) for one in conversations.all(tenant, visit.user)), default=0)
        except RefusedError:
            return None
        return 0

    async def _ask(self, visit: Visit, level: int | None) -> Passed:
        mine = not visit.conversation or await self._beside(lambda: self._owns(visit))
        told: dict[str, Any] = {} if level is None else {"confidentiality": level}
        asked = Asked(
            action=visit.action,
            resource_type="conversation",
            resource_id=visit.conversation or OWN,
            resource_properties={**told, "owner": visit.user} if mine else {},
        )
        try:
            passed = await self._keeper.ask(visit.caller, asked)
        except TurnedAway as no:
            if mine or no.reply.status != _FORBIDDEN:
                raise
            raise _nothing(msgspec.json.decode(no.reply.body).get("decision_id", "")) from no
        if not mine:  # whatever a policy says: it is not there for this caller
            raise _nothing(passed.decision_id)
        return passed

    def _owns(self, visit: Visit) -> bool:
        return self._house.conversations.owns(visit.caller.tenant, visit.user, visit.conversation)

    def _do(self, request: Request, visit: Visit, passed: Passed) -> Reply:
        conversations, tenant = self._house.conversations, visit.caller.tenant
        head = (b"x-ostiary-decision", passed.decision_id.encode("ascii"))
        if visit.action == "conversation.delete":
            conversations.delete(tenant, visit.user, visit.conversation, passed.decision_id)
            return Reply(204, b"", (head,))
        if visit.action == "conversation.export":
            return self._export(visit, passed, head)
        limit = _number(request, "limit", _PAGE if not visit.conversation else _PAGES, _PAGES)
        if visit.conversation:
            start = _number(request, "start", 0)
            told = conversations.read(tenant, visit.user, visit.conversation, start, limit)
            return json_reply(200, transcript_told(told), head)
        page = conversations.page(tenant, visit.user, request.query.get("before", ""), limit)
        return json_reply(200, {"conversations": page}, head)

    def _export(self, visit: Visit, passed: Passed, head: tuple[bytes, bytes]) -> Reply:
        conversations, tenant = self._house.conversations, visit.caller.tenant
        if visit.conversation:
            found = iter((conversations.read(tenant, visit.user, visit.conversation),))
        else:
            found = conversations.export(tenant, visit.user)
        body = b"".join(msgspec.json.encode(transcript_told(one)) + b"\n" for one in found)
        digest, owner = sha256_hex(body), conversations.parts.keys.owner(tenant, visit.user)
        told = ChangeRecord("export", visit.conversation, head=digest, owner=owner, decision=passed.decision_id)
        conversations.parts.changes.note(tenant, told)  # on disk before a byte leaves
        return Reply(200, body, (_NDJSON, _ATTACHED, head))

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= _QUEUE:
            raise UnavailableError(Reason.OVERLOADED.value, "too much at once, try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _refused(self, fault: OstiaryError) -> Reply:
        if isinstance(fault, UnavailableError | VerificationError) and fault.code != Reason.OVERLOADED:
            self._desk.faults(fault.code, fault)
        status = 400 if isinstance(fault, FaultyInputError) else 503 if isinstance(fault, UnavailableError) else 409
        gone = {UNKNOWN: 404, "conversation_shredded": 410}
        return json_reply(gone.get(fault.code, status), {"code": fault.code, "message": fault.message})


def _meant(request: Request) -> tuple[str, str, str]:
    """Return tenant, conversation and action of a request; no action where there is nothing."""
    tenant, *rest = [*request.path.split("/")[2:], ""] if request.path.count("/") == 1 else request.path.split("/")[2:]
    conversation = rest[0] if rest and rest[0] != EXPORT else ""
    acts = {
        ("GET", 0, ""): "conversation.list",
        ("GET", 0, EXPORT): "conversation.export",
        ("GET", 1, ""): "conversation.read",
        ("GET", 1, EXPORT): "conversation.export",
        ("DELETE", 1, ""): "conversation.delete",
    }
    left = rest[1:] if conversation else [part for part in rest if part]
    wanted = (request.method, int(bool(conversation)), "/".join(left))
    return tenant, conversation, acts.get(wanted, "") if tenant else ""


def _level(conversation: Conversation) -> int:
    return conversation.label.confidentiality if conversation.label is not None else 0


def _number(request: Request, name: str, usual: int, most: int = 10**9) -> int:
    text = request.query.get(name, "")
    if not text:
        return usual
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS:
        raise FaultyInputError("request_invalid", f"`{name}` is a number")
    return min(int(text), most)


def _nothing(decision_id: str) -> TurnedAway:
    body = {"code": UNKNOWN, "message": "there is no such conversation", "decision_id": decision_id}
    return TurnedAway(json_reply(404, body))


def face(desk: FaceDesk) -> ConversationsFace:
    """Return the face."""
    return ConversationsFace(desk)
