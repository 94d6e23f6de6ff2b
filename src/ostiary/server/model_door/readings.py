"""Reading: versions, what is live, what was live when, and what an approval must say."""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.registry.history import Entry, events, live_at
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.server.model_door.promotions import PromoteBody, asked_of
from ostiary.server.model_door.promotions import shown as live_shown
from ostiary.server.model_door.uploads import shown
from ostiary.server.model_door.visit import Visit, beside, read
from ostiary.server.wire import Reply, json_reply

ACTION = "model.read"
MAX_EVENTS: Final = 1000
_MAX_DIGITS: Final = 20


class Readings:
    """Tells what the registry knows."""

    async def show(self, visit: Visit) -> Reply:
        """Tell of every version and stage."""
        name = check_name(visit.name)
        await visit.ask(ACTION)
        journal = visit.models.journal

        def work() -> dict[str, Any]:
            versions = [shown(one) for one in journal.versions(visit.tenant, name)]
            return {"model": name, "versions": versions, "live": [*map(live_shown, journal.lives(visit.tenant, name))]}

        return json_reply(200, await beside(work))

    async def history(self, visit: Visit) -> Reply:
        """Tell the newest events, or what was live at a moment (`?stage=&at=` in nanoseconds)."""
        name, query = check_name(visit.name), visit.request.query
        await visit.ask(ACTION)
        log = visit.models.log
        if "at" in query:
            at_ns = _number(query["at"])
            stage = check_stage(query.get("stage", ""))
            return json_reply(200, await beside(live_at, log, visit.tenant, name, stage, at_ns))
        found = await beside(lambda: list(events(log, visit.tenant, name))[-MAX_EVENTS:])
        return json_reply(200, {"model": name, "events": [event_shown(one) for one in found]})

    async def wanted(self, visit: Visit) -> Reply:
        """Tell what an approval must say."""
        body = read(await visit.document(), PromoteBody)
        asked = asked_of(visit, body)
        await visit.ask(ACTION)
        wanted = await beside(visit.models.promoter.wanted, asked)
        told = msgspec.to_builtins(wanted)
        return json_reply(200, {name: told[name] for name in told if name not in {"own", "own_keys"}})


def event_shown(entry: Entry) -> dict[str, Any]:
    """Return what is told of one event."""
    event: dict[str, Any] = msgspec.to_builtins(entry.event)
    return {"at_ns": entry.at_ns, "record_id": entry.record_id, **{key: event[key] for key in event if key != "v"}}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise FaultyInputError("request_invalid", "`at` is a moment in nanoseconds since 1970, UTC")
    return int(text)
