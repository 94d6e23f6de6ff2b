"""The face of auditors' jobs: no path of its own; verifications and packs are made here, beside the answers."""

from collections.abc import Sequence
from typing import Final

from ostiary.server.auditing.working import Working
from ostiary.server.chores import Chore
from ostiary.server.desk import Face, FaceDesk
from ostiary.server.wire import Reply, Request, json_reply

LOOK_S: Final = 1.0


class AuditingFace:
    """Works on what auditors asked for."""

    prefixes: tuple[str, ...] = ()

    def __init__(self, desk: FaceDesk) -> None:
        """Take the desk."""
        self._working = Working(desk.house, desk.draining, desk.faults)

    def chores(self) -> Sequence[Chore]:
        """Return the looking after what is asked for."""
        return (Chore("audit_jobs_not_done", LOOK_S, self._working.turn, once=True),)

    async def answer(self, request: Request) -> Reply:
        """Answer nothing: no path leads here."""
        return json_reply(404, {"code": "not_found", "message": f"there is nothing at {request.path[:80]}"})


def face(desk: FaceDesk) -> Face:
    """Return the face."""
    return AuditingFace(desk)
