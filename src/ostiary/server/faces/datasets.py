"""The door to datasets.

    GET HEAD  /pipeline/{tenant}/datasets/{dataset}/objects/{path}   bytes; one Range, If-Range, If-None-Match
    PUT       /pipeline/{tenant}/datasets/{dataset}/objects/{path}   Repr-Digest; If-Match replaces a version
    DELETE    /pipeline/{tenant}/datasets/{dataset}/objects/{path}   If-Match names the version
    GET       /pipeline/{tenant}/datasets/{dataset}/list             ?prefix=&deep=1&limit=&page=
    GET PUT   /pipeline/{tenant}/datasets/{dataset}/manifest         DSSE envelope
    GET       /pipeline/{tenant}/datasets/{dataset}/budget           what this token has used

Every access needs a token of Ostiary's own for this very dataset, is one decision with its record on disk, and leaves a
record of what came of it. What proves nothing is counted.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from ostiary.pipeline.registered import check_id
from ostiary.server.bulk import BulkReply
from ostiary.server.chores import Chore
from ostiary.server.datasets.asking import Asking, Visit
from ostiary.server.datasets.lasting import Lasting
from ostiary.server.datasets.listings import Listing
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.datasets.reading import Reading
from ostiary.server.datasets.records import Records
from ostiary.server.datasets.writing import Writing
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import TurnedAway
from ostiary.server.public import NOT_FOUND
from ostiary.server.wire import Reply, Request, StreamReply, json_reply

PREFIX: Final = "/pipeline/*/datasets"
DOOR: Final = "datasets"
_PARTS: Final = 7
Answer = Awaitable[Reply | BulkReply]


class DatasetFace:
    """Answers at the door to datasets."""

    prefixes = (PREFIX,)

    def __init__(self, desk: FaceDesk) -> None:
        """Open the parts of the door."""
        self._keeper = desk.keeper(DOOR)
        asking = Asking(open_datasets(desk.house), self._keeper, Records(desk.house, desk.faults))
        reading, listing, writing = Reading(asking, Lasting(desk.house)), Listing(asking), Writing(asking)
        self._objects: dict[str, Callable[[Visit, str], Answer]] = {
            "GET": reading.answer,
            "HEAD": reading.answer,
            "PUT": writing.put,
            "DELETE": writing.delete,
        }
        self._others: dict[tuple[str, str], Callable[[Visit], Answer]] = {
            ("list", "GET"): listing.answer,
            ("manifest", "GET"): listing.manifest,
            ("manifest", "PUT"): writing.manifest,
            ("budget", "GET"): listing.budget,
        }

    def chores(self) -> Sequence[Chore]:
        """There are none."""
        return ()

    async def answer(self, request: Request) -> Reply | StreamReply | BulkReply:
        """Answer one request.

        Raises:
            FaultyInputError: the dataset's id is none, or a header came twice.
        """
        parts = request.path.split("/", _PARTS - 1)[2:]
        if len(parts) < 4:  # noqa: PLR2004 - tenant, door, dataset, what
            return NOT_FOUND
        tenant, _, dataset, what, *path = parts
        act = self._act(request, what, path)
        if isinstance(act, Reply):
            return act
        try:
            caller = await self._keeper.caller(request, tenant)
            return await act(Visit(request, caller, check_id(dataset)))
        except TurnedAway as no:
            return no.reply

    def _act(self, request: Request, what: str, path: list[str]) -> Callable[[Visit], Answer] | Reply:
        if request.twice:
            return json_reply(400, {"code": "request_invalid", "message": f"the header `{request.twice}` came twice"})
        if what == "objects" and path:
            touch = self._objects.get(request.method)
            return (lambda visit: touch(visit, path[0])) if touch is not None else _wrong(self._objects)
        methods = [method for known, method in self._others if known == what]
        if path or not methods:
            return NOT_FOUND
        act = self._others.get((what, request.method))
        return act if act is not None else _wrong(methods)


def _wrong(methods: Iterable[str]) -> Reply:
    told = ", ".join(methods)
    return json_reply(405, {"code": "method_not_allowed", "message": f"use {told}"}, (b"allow", told.encode()))


def face(desk: FaceDesk) -> DatasetFace:
    """Return the face; there is always one, and without a registered dataset it lets nobody in."""
    return DatasetFace(desk)
