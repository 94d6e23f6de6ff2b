"""Loading: what is live and may be loaded now, and its files, hashed as they pass."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from ostiary.errors import OstiaryError
from ostiary.pipeline.registry.loading import Ticket
from ostiary.pipeline.registry.naming import check_name, check_path, check_stage
from ostiary.server.model_door.promotions import shown
from ostiary.server.model_door.uploads import shown as version_shown
from ostiary.server.model_door.visit import Visit, beside, described, read
from ostiary.server.models import Models
from ostiary.server.wire import Reply, StreamReply, json_reply

ACTION = "model.load"


class LoadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stage."""

    stage: str


class Loads:
    """Hands models out."""

    async def load(self, visit: Visit) -> Reply:
        """Say what may be loaded now, with the signed documents of it."""
        stage = check_stage(read(await visit.document(), LoadBody).stage)
        check_name(visit.name)
        known = await beside(_known, visit.models, visit.tenant, visit.name, stage)
        passed = await visit.ask(ACTION, stage, known=known)
        loader, actor = visit.models.loader, visit.actor(passed)
        ticket = await beside(loader.load, visit.tenant, visit.name, stage, actor)
        return json_reply(200, {**_told(ticket), "decision_id": passed.decision_id})

    async def file(self, visit: Visit) -> StreamReply:
        """Hand one file out."""
        query = visit.request.query
        stage, digest = check_stage(query.get("stage", "")), query.get("digest", "")
        check_name(visit.name)
        path = check_path("/".join(visit.rest))
        known = await beside(_known, visit.models, visit.tenant, visit.name, stage)
        passed = await visit.ask(ACTION, stage, {"file": path}, known)
        loader, actor = visit.models.loader, visit.actor(passed)
        ticket = await beside(loader.check, visit.tenant, visit.name, stage, actor, digest)
        file = loader.file(ticket, path)
        pieces = loader.read(ticket, file, actor)
        return StreamReply(
            200,
            _streamed(pieces, visit),
            (
                (b"content-type", b"application/octet-stream"),
                (b"content-length", b"%d" % file.size),
                (b"x-ostiary-sha256", file.sha256.encode()),
                (b"x-ostiary-decision", passed.decision_id.encode()),
            ),
            stall_s=visit.models.settings.stall_s,
            abort=visit.request.abort,
        )


async def _streamed(pieces: Iterator[bytes], visit: Visit) -> AsyncIterator[bytes]:
    """Yield pieces that were read beside the loop; cut the connection off where the file is not the right one."""
    try:
        while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
            yield piece
    except OstiaryError as fault:
        visit.parts.desk.faults(fault.code, fault)
        visit.request.abort()


def _known(models: Models, tenant: str, name: str, stage: str) -> dict[str, Any]:
    """Return what policy is told of what is live; of what cannot be believed only that."""
    try:
        live = models.journal.live(tenant, name, stage)
        if live is None or not live.number:
            return {"state": "model_not_live"}
        version = models.journal.version(tenant, name, live.number)
    except OstiaryError as fault:
        return {"state": fault.code}
    return {**described(version), "promoted_by": live.by, "metrics": live.metrics}


def _told(ticket: Ticket) -> dict[str, Any]:
    live, version = ticket.live, ticket.version
    documents = {name: b64encode(data).decode() for name, data in version.documents.items()}
    documents["release"] = b64encode(live.release).decode()
    return {**version_shown(version), **shown(live), "documents": documents}
