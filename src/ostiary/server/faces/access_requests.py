"""``POST /access/v1/requests``: ask for access that was denied; below it the state of a request, and taking it back.

1. AuthZEN Access Request and Approval Profile (draft of 2026-06): one request for one denial, re-evaluation as the only
   way to completion. Bundles, callbacks and forms are not offered. Problems are RFC 9457 documents.
2. The caller is an enforcement point and proves itself as for a decision. A request is known to the one that made it;
   to everybody else its id is as unknown as one that never was, and so is another tenant's.
3. Who asks hears whether and until when, never who agreed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ostiary.approvals.access import AccessRequest, Answered, Asked, scope
from ostiary.approvals.glass import SECOND_NS, moment
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.identity.types import PepIdentity
from ostiary.server.access.answering import cancel, settle, settle_all, tidy_all
from ostiary.server.access.asking import MAX_KEY, Submission, submit
from ostiary.server.access.hint import PATH
from ostiary.server.body import parse_object
from ostiary.server.callers import identify, stranger
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.vocabulary.entities import Action, Resource, Subject
from ostiary.vocabulary.reasons import Reason

MAX_BODY: Final = 65_536
SETTLE_S: Final = 5.0
TIDY_S: Final = 600.0
MAX_TEXT: Final = 2_048
MAX_MOMENT: Final = 40
_PROBLEM: Final = "urn:openid:authzen:access-request:error:"
_PARTS: Final = 2
_STATUS: Final = {
    "access_request_answered": (409, "invalid_task_state"),
    "access_request_unknown": (404, "unknown_task"),
    "access_requests_limited": (429, ""),
    "body_late": (408, ""),
    "body_too_large": (413, ""),
    "duplicate_request": (409, "duplicate_request"),
    "expired_denial": (410, "expired_denial"),
    "invalid_denial_binding": (400, "invalid_denial_binding"),
    "not_requestable": (400, "not_requestable"),
}


class Denial(msgspec.Struct, frozen=True):
    """How a submission says which denial it is about."""

    evaluation_id: str
    expires_at: str


class Body(msgspec.Struct, frozen=True):
    """A submission; what the profile knows beyond this is not looked at."""

    subject: Subject
    resource: Resource
    action: Action
    denial: Denial
    context: dict[str, Any] = {}
    requested_access: dict[str, Any] = {}


class AccessRequests:
    """Answers below ``/access/v1/requests``."""

    prefixes = (PATH,)

    def __init__(self, desk: FaceDesk) -> None:
        """Answer with what ``desk`` has."""
        self._desk = desk

    def chores(self) -> Sequence[Chore]:
        """Return what is done every few seconds: answers of people, and ends."""
        house = self._desk.house
        return [
            Chore("access_requests_not_settled", SETTLE_S, lambda: settle_all(house), once=True),
            Chore("access_requests_not_tidied", TIDY_S, lambda: tidy_all(house), once=True),
        ]

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        try:
            pep = await asyncio.to_thread(identify, self._desk, request)
        except RefusedError as no:
            return stranger(self._desk, request, no)
        except OstiaryError as fault:
            return _problem(fault)
        try:
            return await self._answer(request, pep)
        except OstiaryError as fault:
            if isinstance(fault, VerificationError):
                self._desk.faults(fault.code, fault)
            return _problem(fault)

    async def _answer(self, request: Request, pep: PepIdentity) -> Reply:
        parts = [part for part in request.path.removeprefix(PATH).split("/") if part]
        if not parts and request.method == "POST":
            if not request.is_json():
                raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
            body = await request.body(MAX_BODY, self._desk.receive_timeout_s)
            told = _submission(parse_object(body, self._desk.limits), _key(request))
            made = await asyncio.to_thread(self._submitted, pep, told)
            return json_reply(202, made, (b"location", made["task"]["status_endpoint"].encode()))
        if len(parts) == 1 and request.method == "GET":
            return json_reply(200, await asyncio.to_thread(self._shown, pep, parts[0]))
        if len(parts) == _PARTS and parts[1] == "cancel" and request.method == "POST":
            return json_reply(200, await asyncio.to_thread(self._cancelled, pep, parts[0]))
        return json_reply(
            405,
            {"code": "method_not_allowed", "message": "use POST, or GET with a request's id"},
            (b"allow", b"GET, POST"),
        )

    def _submitted(self, pep: PepIdentity, told: Submission) -> dict[str, Any]:
        return self._told(submit(self._desk.house, pep, told))

    def _shown(self, pep: PepIdentity, name: str) -> dict[str, Any]:
        return self._told(self._own(pep, name))

    def _cancelled(self, pep: PepIdentity, name: str) -> dict[str, Any]:
        request = self._own(pep, name)
        cancel(self._desk.house, pep.tenant, name, pep.pep_id)
        return self._told(request)

    def _own(self, pep: PepIdentity, name: str) -> AccessRequest:
        known = name.isascii() and len(name) <= MAX_MOMENT
        request = self._desk.house.access.book.request(pep.tenant, name) if known else None
        if request is None or request.pep != pep.pep_id:
            raise RefusedError("access_request_unknown", "there is no such request")
        return request

    def _told(self, request: AccessRequest) -> dict[str, Any]:
        answered = settle(self._desk.house, request)
        where = f"{self._desk.base_url}{PATH}/{request.id}"
        task = {
            "id": request.id,
            "status": answered.status if answered else "pending",
            "status_endpoint": where,
            "expires_at": moment(request.expires_ns),
        }
        if answered is None:
            return {"task": {**task, "links": {"cancel": f"{where}/cancel"}}}
        return {"task": task, **self._result(request, answered)}

    def _result(self, request: AccessRequest, answered: Answered) -> dict[str, Any]:
        if answered.status != "approved":
            return {}
        approval = {
            "id": answered.grant,
            "approved_at": moment(answered.at_ns),
            "approved_until": moment(request.until_ns),
        }
        return {"result": {"mode": "reevaluate", "approval": approval}}


def _submission(told: dict[str, Any], key: str) -> Submission:
    try:
        body = msgspec.convert(told, Body)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, str(fault)) from fault
    reason = body.context.get("business_justification", body.requested_access.get("justification", ""))
    if not isinstance(reason, str):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "`business_justification` is a text")
    whom = f"{body.subject.type}:{body.subject.id}"
    judged = scope(body.action.properties, body.resource.properties)
    asked = Asked(whom, body.action.name, body.resource.type, body.resource.id, judged)
    until_ns = _moment(body.requested_access.get("requested_until"))
    denial = body.denial
    return Submission(denial.evaluation_id, denial.expires_at, asked, until_ns, reason[:MAX_TEXT], key)


def _moment(text: object) -> int:
    if text is None:
        return 0
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) and len(text) <= MAX_MOMENT else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "`requested_until` is no time of RFC 3339")
    return int(found.timestamp()) * SECOND_NS


def _key(request: Request) -> str:
    key = request.header(b"idempotency-key") or ""
    if len(key) > MAX_KEY:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"an idempotency key has {MAX_KEY} characters at most")
    return key


def _problem(fault: OstiaryError) -> Reply:
    status, kind = _STATUS.get(
        fault.code, (503 if isinstance(fault, UnavailableError | VerificationError) else 400, "")
    )
    told = {"type": _PROBLEM + kind if kind else "about:blank", "title": fault.code, "status": status}
    detail = "this cannot be answered now" if isinstance(fault, VerificationError) else fault.message
    body = msgspec.json.encode({**told, "detail": detail})
    return Reply(status, body, ((b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")))


def face(desk: FaceDesk) -> AccessRequests | None:
    """Return the face, unless access cannot be asked for."""
    return AccessRequests(desk) if desk.house.settings.access_requests.types else None
