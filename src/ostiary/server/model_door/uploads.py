"""Uploads: begun, filled file by file, and made a version."""

from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.registry.model import Version
from ostiary.pipeline.registry.naming import check_name
from ostiary.pipeline.registry.staging import Incoming
from ostiary.server.model_door.visit import Visit, beside, read
from ostiary.server.wire import Reply, json_reply

ACTION = "model.register"
_PIECE = 1 << 20
Text = Annotated[str, msgspec.Meta(max_length=8 << 20)]


class RegisterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signed documents of a version, each as base64."""

    signature: Text
    provenance: Text
    release: Text = ""
    dry: bool = False


class Uploads:
    """Lets files in."""

    async def begin(self, visit: Visit) -> Reply:
        """Begin an upload."""
        await visit.ask(ACTION, properties={"step": "begin"})
        staging = visit.models.staging
        upload = await beside(staging.begin, visit.tenant, visit.name, visit.subject)
        limits = visit.models.settings.staging()
        told = {"max_bytes": limits.max_bytes, "max_files": limits.max_files, "life_s": limits.life_s}
        return json_reply(201, {"upload": upload.upload_id, **told})

    async def take(self, visit: Visit) -> Reply:
        """Take one file, streamed."""
        upload_id, path = visit.rest[0], "/".join(visit.rest[1:])
        await visit.ask(ACTION, properties={"step": "file", "file": path[:512]})
        staging, settings = visit.models.staging, visit.models.settings
        incoming = await beside(staging.incoming, visit.tenant, upload_id, visit.name, visit.subject, path)
        try:
            await _fill(incoming, visit.request.chunks(settings.staging().max_bytes, settings.stall_s))
        except BaseException:
            await beside(incoming.drop)
            raise
        await beside(incoming.finish)
        return json_reply(201, {"path": path, "size": incoming.size})

    async def drop(self, visit: Visit) -> Reply:
        """Erase an upload."""
        await visit.ask(ACTION, properties={"step": "drop"})
        await beside(visit.models.staging.drop, visit.tenant, visit.rest[0], visit.name, visit.subject)
        return Reply(204, b"", ())

    async def register(self, visit: Visit) -> Reply:
        """Make the upload a version, or only say whether it would become one."""
        body = read(await visit.document(), RegisterBody)
        documents = {
            name: _decoded(text) for name in ("signature", "release", "provenance") if (text := getattr(body, name))
        }
        passed = await visit.ask(ACTION, properties={"step": "register", "dry": body.dry})
        upload = (visit.tenant, visit.rest[0], check_name(visit.name), visit.subject)
        actor, models = visit.actor(passed), visit.models

        def work() -> Version:
            folder, kept = models.staging.seal(*upload), False
            try:
                made = models.registrar.register(visit.tenant, visit.name, folder, documents, actor, dry=body.dry)
                kept = body.dry
            finally:
                if kept:
                    models.staging.unseal(folder)
                else:
                    models.staging.erase(folder)
            return made

        version = await visit.parts.heavy.do(work)
        return json_reply(200 if body.dry else 201, {**shown(version), "decision_id": passed.decision_id})


def shown(version: Version) -> dict[str, Any]:
    """Return what the door tells of a version."""
    return {
        "model": version.name,
        "version": version.number,
        "digest": version.digest,
        "statement": version.statement,
        "format": version.format,
        "state": version.state.value,
        "why": version.why,
        "label": version.label,
        "registered_ns": version.registered_ns,
        "signer": version.signed.identity,
        "builder": version.origin.builder,
        "run": version.origin.run,
        "commit": version.origin.commit,
        "datasets": list(version.origin.datasets),
        "files": [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in version.files],
    }


async def _fill(incoming: Incoming, chunks: AsyncIterator[bytes]) -> None:
    """Write pieces of a good size, beside the loop."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= _PIECE:
            await beside(incoming.feed, b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        await beside(incoming.feed, b"".join(waiting))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as fault:
        raise FaultyInputError("request_invalid", "a document is no base64") from fault
