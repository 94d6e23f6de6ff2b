"""Records of inspected texts in which something was found: rules, places and tags, never the text itself."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.server.analyst.reading import since_index
from ostiary.server.responses import Shown
from ostiary.server.wiring import House

KIND: Final = "inspection"
_told = msgspec.json.Decoder(dict[str, Any]).decode


class FindingShown(Shown):
    """One thing that an inspector found; ``score`` from 0 to 1, 1 of a deterministic rule."""

    rule: str
    score: float
    atlas: str
    owasp: str
    place: str


def inspections(house: House, tenant: str, since_ns: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield id, time and what is told of each record with findings, which lie together under ``findings``."""
    for stored in house.log.iterate(tenant, KIND, since_index(house)):
        if stored.time_ns >= since_ns and stored.payload is not None:
            told = found_in(stored.payload)
            if told["findings"]:
                yield stored.record_id, stored.time_ns, told


def found_in(payload: bytes) -> dict[str, Any]:
    """Return what a record tells, with all its findings under ``findings`` and whether any is in the prompt."""
    told = _told(payload)
    texts = told.get("seen", ())
    seen = [{**one, "place": text.get("place", "")} for text in texts for one in text.get("findings", ())]
    answer = [{**one, "place": "answer"} for one in told.get("findings", ())]
    return {**told, "findings": [*seen, *answer], "in_prompt": bool(seen)}


def findings_shown(told: dict[str, Any]) -> tuple[FindingShown, ...]:
    """Return the findings of a record as they are shown."""
    return tuple(
        FindingShown(
            rule=str(one.get("rule", "")),
            score=float(one.get("score", 1.0)),
            atlas=str(one.get("atlas", "")),
            owasp=str(one.get("owasp", "")),
            place=str(one.get("place", "")),
        )
        for one in told["findings"]
    )
