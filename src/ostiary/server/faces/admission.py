"""``POST /pipeline/{tenant}/admission``: a cluster's API server asks whether a pod may be.

1. The API server proves itself as an enforcement point does, by client certificate, token or key, and is one that the
   settings name; anyone else is a stranger, and so is one of another tenant.
2. The question is an AdmissionReview v1, bounded in length and depth.
3. The judge says what may be (``pipeline.kubernetes.admission``); the answer is on record before it is given.
4. Whatever cannot be read, judged or recorded is an HTTP error, and ``failurePolicy: Fail`` makes that a no.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.types import PepIdentity
from ostiary.keys import random_bytes
from ostiary.pipeline.kubernetes.admission import AdmissionJudge, Judged
from ostiary.pipeline.kubernetes.ports import ApprovedModels, NothingApproved
from ostiary.pipeline.kubernetes.review import Review, answer, read_review
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.callers import identify, stranger
from ostiary.server.chores import Chore
from ostiary.server.deeds import RECORD_WAIT_S
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, Request, json_reply
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.reasons import Reason

MAX_DEPTH: Final = 64
KIND: Final = "model"
MAX_WAITING: Final = 64
_PARTS: Final = 4  # '', pipeline, tenant, admission
_NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_STATUS: Final = {BODY_LATE: 408, Reason.BODY_TOO_LARGE.value: 413}


class AdmissionFace:
    """Answers API servers."""

    prefixes = ("/pipeline/*/admission",)

    def __init__(self, desk: FaceDesk, models: ApprovedModels) -> None:
        """Judge by the settings and by what ``models`` knows."""
        settings = desk.house.settings.admission
        self._desk = desk
        self._callers = frozenset(settings.api_servers)
        self._judge = AdmissionJudge(settings.rules(), models)
        self._limits = BodyLimits(settings.max_review_kb * 1024, MAX_DEPTH)
        self._waiting = 0

    def chores(self) -> Sequence[Chore]:
        """Return nothing: there is nothing to do between questions."""
        return ()

    async def answer(self, request: Request) -> Reply:
        """Answer one question."""
        parts = request.path.split("/")
        if len(parts) != _PARTS:
            return _NOT_FOUND
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            pep = await asyncio.to_thread(self._caller, request, parts[2])
        except RefusedError as no:
            return stranger(self._desk, request, no)
        except OstiaryError as fault:
            return self._failed(fault)
        try:
            return json_reply(200, await self._answered(request, pep))
        except OstiaryError as fault:
            return self._failed(fault)

    def _caller(self, request: Request, tenant: str) -> PepIdentity:
        pep = identify(self._desk, request)
        if pep.tenant != tenant or pep.pep_id not in self._callers:
            raise RefusedError(Reason.PEP_UNAUTHENTICATED.value, "the caller did not authenticate")
        return pep

    async def _answered(self, request: Request, pep: PepIdentity) -> dict[str, Any]:
        if not request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json")
        body = await request.body(self._limits.max_bytes, self._desk.receive_timeout_s)
        if self._waiting >= MAX_WAITING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many questions wait, ask again")
        self._waiting += 1
        try:
            return await asyncio.to_thread(self._judged, pep, body)
        finally:
            self._waiting -= 1

    def _judged(self, pep: PepIdentity, body: bytes) -> dict[str, Any]:
        review = read_review(parse_object(body, self._limits))
        judged = self._judge.judge(pep.tenant, review)
        return answer(review.uid, judged.reasons, self._record(pep, review, judged))

    def _record(self, pep: PepIdentity, review: Review, judged: Judged) -> str:
        house = self._desk.house
        now = house.clock.now_ns()
        record_id = make_id("adm", now, random_bytes(RANDOM_BYTES))
        told = {
            "v": 1,
            "type": "admission",
            "allowed": judged.allowed,
            "reasons": judged.reasons,
            "pep": pep.pep_id,
            "uid": review.uid,
            "kind": review.kind,
            "namespace": review.namespace,
            "name": review.name,
            "operation": review.operation,
            "user": review.user,
            "dry_run": review.dry_run,
            "models": judged.models,
            "stage": judged.stage,
        }
        # A person's name is erased with that person; a service account's is no personal data.
        about = "" if review.user.startswith("system:") or not review.user else f"user:{review.user}"
        house.log.append(pep.tenant, KIND, record_id, now, msgspec.json.encode(told), about).result(RECORD_WAIT_S)
        return record_id

    def _failed(self, fault: OstiaryError) -> Reply:
        if isinstance(fault, UnavailableError) and fault.code != Reason.OVERLOADED:
            self._desk.faults(fault.code, fault)
        usual = 400 if isinstance(fault, FaultyInputError) else 503
        status = _STATUS.get(fault.code, usual)
        unread = (CLOSE,) if status in {408, 413} else ()
        return json_reply(status, {"code": fault.code, "message": fault.message}, *unread)


def approved_models(house: House) -> ApprovedModels:
    """Return who knows the approved models of this house; where nobody does, nothing is approved."""
    models = getattr(house, "models", None)
    return models if isinstance(models, ApprovedModels) else NothingApproved()


def face(desk: FaceDesk) -> AdmissionFace | None:
    """Return the face, if the settings name an API server."""
    return AdmissionFace(desk, approved_models(desk.house)) if desk.house.settings.admission.api_servers else None
