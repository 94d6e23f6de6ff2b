"""The door to training, for runs that are held elsewhere.

    POST  /pipeline/{tenant}/training/{pipeline}/runs         may this run be, with these datasets, calling whom?
    POST  /pipeline/{tenant}/training/{pipeline}/runs/{run}   it began, it ended, it was refused

1. Both are decisions, ``train.run`` and ``train.report``, of a token that names this pipeline and that action.
2. 201 brings the run's id, whom it may call, and the datasets by the digests of their manifests. The data itself is
   read at the door to datasets, with a token for each.
3. 404 is a run of somebody else, or none; 409 a phase that was told before.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, TurnedAway
from ostiary.server.public import NOT_FOUND
from ostiary.server.training.asked import MAX_BODY, AskedRun, Report, read
from ostiary.server.training.remote import TOLD_BEFORE, RemoteRuns
from ostiary.server.training.runs import UNKNOWN, datasets_of
from ostiary.server.wire import Reply, Request, json_reply

PREFIX: Final = "/pipeline/*/training"
DOOR: Final = "training"
_START, _REPORT = 4, 5
_STATUS: Final = {UNKNOWN: 404, TOLD_BEFORE: 409, "body_too_large": 413, "body_late": 408}


class TrainingFace:
    """Answers at the door to training."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Open the door."""
        self._keeper = desk.keeper(DOOR, understands=frozenset({"egress"}))
        self._timeout_s = desk.receive_timeout_s
        self._runs = RemoteRuns(desk.house, datasets_of(desk.house))

    def chores(self) -> Sequence[Chore]:
        """There are none."""
        return ()

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        tenant, *rest = request.path.split("/")[2:]
        if len(rest) not in (_START - 1, _REPORT - 1) or rest[2] != "runs" or not all(rest):
            return NOT_FOUND
        if request.method != "POST":
            return json_reply(405, {"code": "method_not_allowed", "message": "use POST"}, (b"allow", b"POST"))
        try:
            caller = await self._keeper.caller(request, tenant)
            body = await request.body(MAX_BODY, self._timeout_s)
            if len(rest) == _START - 1:
                return await self._start(caller, rest[1], read(AskedRun, body))
            return await self._report(caller, rest[1], rest[3], read(Report, body))
        except TurnedAway as no:
            return no.reply
        except OstiaryError as no:
            return _refused(no)

    async def _start(self, caller: Caller, pipeline: str, asked: AskedRun) -> Reply:
        datasets = await asyncio.to_thread(self._runs.look, caller.tenant, asked)
        properties = self._runs.properties(asked, datasets)
        passed = await self._keeper.ask(caller, Asked("train.run", "training", pipeline, properties=properties))
        grant, rules = await asyncio.to_thread(self._runs.grant, caller, pipeline, asked, datasets, passed)
        told: dict[str, Any] = {
            "run": grant.record.run,
            "decision_id": passed.decision_id,
            "egress": msgspec.to_builtins(rules),
            "datasets": msgspec.to_builtins(datasets),
        }
        return json_reply(201, told)

    async def _report(self, caller: Caller, pipeline: str, run: str, told: Report) -> Reply:
        await self._keeper.ask(caller, Asked("train.report", "training", pipeline, properties={"run": run[:64]}))
        record = await asyncio.to_thread(self._runs.report, caller, pipeline, run, told)
        return json_reply(200, {"run": record.run, "phase": record.phase})


def face(desk: FaceDesk) -> TrainingFace:
    """Return the face."""
    return TrainingFace(desk)


def _refused(no: OstiaryError) -> Reply:
    usual = 503 if isinstance(no, UnavailableError) else 400 if isinstance(no, FaultyInputError) else 403
    return json_reply(_STATUS.get(no.code, usual), {"code": no.code, "message": no.message})
