"""The door to the registry of models: in with signature and provenance, live with report and approvals, out checked.

    GET    /pipeline/{tenant}/models/{name}                        versions and what is live (model.read)
    GET    /pipeline/{tenant}/models/{name}/history                events, oldest first; `?stage=&at=` what was live
    POST   /pipeline/{tenant}/models/{name}/uploads                begin an upload (model.register)
    PUT    /pipeline/{tenant}/models/{name}/uploads/{id}/files/…   one file
    DELETE /pipeline/{tenant}/models/{name}/uploads/{id}
    POST   /pipeline/{tenant}/models/{name}/uploads/{id}/register  it becomes a version; `"dry": true` only checks
    POST   /pipeline/{tenant}/models/{name}/wanted                 what an approval must say (model.read)
    POST   /pipeline/{tenant}/models/{name}/promote                or roll back (model.promote)
    POST   /pipeline/{tenant}/models/{name}/load                   what may be loaded now (model.load)
    GET    /pipeline/{tenant}/models/{name}/files/…                one file of it; `?stage=&digest=` (model.load)

- Every request is a decision of its own, with its record; a token names the model, the action and the stage.
- What the registry then finds is recorded as a `model` record that names the decision (``pipeline.registry``).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError, VerificationError
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import TurnedAway
from ostiary.server.model_door.loads import Loads
from ostiary.server.model_door.promotions import Promotions
from ostiary.server.model_door.readings import Readings
from ostiary.server.model_door.uploads import Uploads
from ostiary.server.model_door.visit import DoorParts, Heavy, Visit
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, Request, StreamReply, json_reply
from ostiary.vocabulary.reasons import Reason

SWEEP_S: Final = 300.0
_HEAD: Final = 5  # '', pipeline, tenant, models, name
_NOT_FOUND: Final = json_reply(404, {"code": "not_found", "message": "there is nothing here"})
_STATUS: Final[Mapping[str, int]] = {
    BODY_LATE: 408,
    Reason.BODY_TOO_LARGE.value: 413,
    "upload_too_large": 413,
    "upload_file_exists": 409,
    "upload_unknown": 404,
    "model_version_unknown": 404,
    "model_not_live": 404,
    "model_file_unknown": 404,
    "model_digest_known": 409,
    "model_raced": 409,
    "model_changed": 409,
    "uploads_too_many": 429,
}
Act = Callable[[Visit], Awaitable[Reply | StreamReply]]


class ModelFace:
    """Answers everything of models."""

    prefixes = ("/pipeline/*/models",)

    def __init__(self, desk: FaceDesk) -> None:
        """Take what it works with."""
        self._desk = desk
        self._parts = DoorParts(desk, desk.keeper("models"), desk.house.models, Heavy())
        uploads, readings = Uploads(), Readings()
        promotions, loads = Promotions(), Loads()
        self._acts: dict[tuple[str, str], Act] = {
            ("GET", ""): readings.show,
            ("GET", "history"): readings.history,
            ("POST", "wanted"): readings.wanted,
            ("POST", "uploads"): uploads.begin,
            ("PUT", "uploads/files"): uploads.take,
            ("DELETE", "uploads"): uploads.drop,
            ("POST", "uploads/register"): uploads.register,
            ("POST", "promote"): promotions.change,
            ("POST", "load"): loads.load,
            ("GET", "files"): loads.file,
        }

    def chores(self) -> Sequence[Chore]:
        """Erase uploads that nobody finished."""
        return (Chore("uploads_not_swept", SWEEP_S, self._parts.models.staging.sweep),)

    async def answer(self, request: Request) -> Reply | StreamReply:
        """Answer one request."""
        found = place_of(request.path)
        if found is None:
            return _NOT_FOUND
        tenant, name, kind, rest = found
        act = self._acts.get((request.method, kind))
        if act is None and any(one == kind for _, one in self._acts):
            return _wrong_method()
        if act is None or not _fits(request.method, kind, len(rest)):
            return _NOT_FOUND
        try:
            caller = await self._parts.keeper.caller(request, tenant)
            return await act(Visit(self._parts, request, caller, name, rest))
        except TurnedAway as no:
            return no.reply
        except OstiaryError as fault:
            return self._refused(fault)

    def _refused(self, fault: OstiaryError) -> Reply:
        if isinstance(fault, UnavailableError) and fault.code != "uploads_too_many":
            self._desk.faults(fault.code, fault)
        usual = 400 if isinstance(fault, FaultyInputError) else 503 if isinstance(fault, UnavailableError) else 403
        status = _STATUS.get(fault.code, 422 if isinstance(fault, VerificationError) else usual)
        unread = (CLOSE,) if status in {408, 413} else ()
        return json_reply(status, {"code": fault.code, "message": fault.message}, *unread)


def place_of(path: str) -> tuple[str, str, str, list[str]] | None:
    """Return tenant, model, what is asked of it, and the rest of the path; nothing for a path that is none of ours.

    >>> place_of("/pipeline/acme/models/fraud/uploads/upl_1/files/a/b")
    ('acme', 'fraud', 'uploads/files', ['upl_1', 'a', 'b'])
    >>> place_of("/pipeline/acme/models") is None
    True
    """
    parts = path.split("/")
    if len(parts) < _HEAD or not parts[_HEAD - 1]:
        return None
    tenant, name, rest = parts[2], parts[4], parts[_HEAD:]
    if rest[:1] == ["uploads"] and len(rest) > 2:  # noqa: PLR2004 - uploads, id, and what is asked of it
        return tenant, name, f"uploads/{rest[2]}", [rest[1], *rest[3:]]
    return tenant, name, rest[0] if rest else "", rest[1:]


def _fits(method: str, kind: str, count: int) -> bool:
    """Return whether so many parts of a path may follow what is asked."""
    if kind in {"files", "uploads/files"}:
        return count > (kind == "uploads/files")
    return count == (kind == "uploads/register" or (method, kind) == ("DELETE", "uploads"))


def _wrong_method() -> Reply:
    return json_reply(405, {"code": "method_not_allowed", "message": "this path knows another method"})


def face(desk: FaceDesk) -> ModelFace:
    """Return the face; there is always one."""
    return ModelFace(desk)
