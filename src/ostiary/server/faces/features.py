"""Feature sets over HTTP, column by column.

    POST /pipeline/TENANT/features/SET/query        {"sql": "SELECT …"}                          a table
    POST /pipeline/TENANT/features/SET/historical   {"columns": […], "entities": [{…}]}          a table
    POST /pipeline/TENANT/features/SET/online       {"columns": […], "keys": [{…}]}              JSON
    POST /pipeline/TENANT/features/SET/explain      {"sql": "SELECT …"}                          JSON
    POST /pipeline/TENANT/features/SET/write        {"rows": [{…}]}                              JSON
    GET  /pipeline/TENANT/features/SET              the columns that you have, with their types

1. Who comes proves itself with a token for this one feature set; the decision says which columns, masked how, which
   rows. Then the engine is given exactly these (ADR-0028).
2. A table comes as an Arrow IPC stream, or as JSON to whoever accepts only that. Entity frames and rows to be written
   may come as an Arrow IPC stream too, with ``?columns=a,b`` where columns are asked for.
3. A column that is hidden, one that is not in the token and one that never was are refused with the same words.
4. What was read or written is a record of its own, kind ``feature``, that names the decision: on disk before a table
   leaves, and before anything is written.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.features.budget import Budget
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Caller, TurnedAway
from ostiary.server.fairly import Places, Turns
from ostiary.server.feature_access import Access, Act, answer_of
from ostiary.server.features import are_served, open_features, waiting
from ostiary.server.wire import BODY_LATE, Reply, Request, json_reply
from ostiary.vocabulary.reasons import Reason

PREFIX: Final = "/pipeline/*/features"
_STATUS: Final = {
    BODY_LATE: 408,
    Reason.BODY_TOO_LARGE.value: 413,
    "feature_budget_used_up": 429,
    "query_too_large": 413,
}
_PARTS: Final = 4
_FORGET_S: Final = 1.0
T = TypeVar("T")


class FeatureFace:
    """Answers those who read and write feature sets."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Open the door."""
        settings = desk.house.settings.features
        self._desk = desk
        book = desk.house.store.dataset_budgets if desk.house.shared.several else None
        budget = Budget(settings.token_rows, book)
        self._access = Access(desk, open_features(desk.house, ready=waiting(desk.house)), budget)
        self._threads = ThreadPoolExecutor(settings.parallel, "features")
        desk.house.opened.callback(self._threads.shutdown)
        self._places, self._turns = Places(settings.parallel * 8), Turns(settings.parallel)

    def chores(self) -> Sequence[Chore]:
        """Forget what is kept in memory of tenants that are gone."""
        return (Chore("features_not_forgotten", _FORGET_S, self._forget),)

    def _forget(self) -> None:
        self._access.forget_others({row.tenant for row in self._desk.house.tenants.living()})

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        tenant, name, act = _parts(request.path)
        wanted = Act.of(request.method, act)
        if wanted is None:
            return json_reply(404, {"code": "not_found", "message": "there is nothing here"})
        if not name:
            return json_reply(404, {"code": "not_found", "message": "name a feature set"})
        try:
            caller = await self._access.keeper.caller(request, tenant)
            return await self._answer(request, caller, name, wanted)
        except TurnedAway as no:
            return no.reply
        except OstiaryError as fault:
            return self._refused(fault)

    async def _answer(self, request: Request, caller: Caller, name: str, act: Act) -> Reply:
        access, beside = self._access, partial(self._beside, caller.tenant)
        wanted = await access.wanted(request, caller, name, act, beside)
        passed = await access.ask(caller, name, act, wanted)
        return answer_of(await beside(lambda: access.do(caller, name, act, wanted, passed)), request)

    async def _beside(self, tenant: str, work: Callable[[], T]) -> T:
        """Do work beside the loop, by a few threads of its own and a bounded queue that tenants share fairly."""
        with self._places.taken(tenant, "too many queries at once, try again in a moment"):
            async with self._turns.turn(tenant):
                doing = asyncio.get_running_loop().run_in_executor(self._threads, work)
                try:
                    return await asyncio.shield(doing)
                except asyncio.CancelledError:
                    await asyncio.wait([doing])  # a thread cannot be cancelled: its turn is over when it is done
                    raise

    def _refused(self, fault: OstiaryError) -> Reply:
        if isinstance(fault, UnavailableError) and fault.code != Reason.OVERLOADED:
            self._desk.faults(fault.code, fault)
        usual = 400 if isinstance(fault, FaultyInputError) else 403 if isinstance(fault, RefusedError) else 503
        status = _STATUS.get(fault.code, usual)
        headers = ((b"connection", b"close"),) if status in {408, 413} else ()
        return json_reply(status, {"code": fault.code, "message": fault.message}, *headers)


def _parts(path: str) -> tuple[str, str, str]:
    """Return tenant, feature set and what is wanted of ``/pipeline/TENANT/features/SET/ACT``."""
    _, _, tenant, _, *rest = path.split("/")
    name, act, *more = [*rest, "", ""] if len(rest) < _PARTS else ["", "-"]
    return tenant, name, act if not any(more) else "-"


def face(desk: FaceDesk) -> FeatureFace | None:
    """Return the face, where feature sets can be served."""
    return FeatureFace(desk) if are_served(desk.house) else None
