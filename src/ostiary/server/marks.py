"""What was changed and when: policy, models, phases; drawn as marks on every chart over time.

A mark tells that something changed, by whom and in a few words. What it did is in the record that it names.
"""

from typing import Any, Final

import msgspec

from ostiary.server.rollout.shown import change_shown
from ostiary.server.wiring import House

MOST: Final = 50
_WORDS: Final = {
    "bundle.reload": "policy reloaded",
    "model.reload": "model reloaded",
    "shadow.start": "candidate started",
    "shadow.stop": "candidate stopped",
    "kill": "switch pulled",
}
_LOOKED_AT: Final = 5_000
_NS: Final = 1_000_000_000


class Mark(msgspec.Struct, frozen=True):
    """One change; ``record`` is the id of what tells of it, empty when the rollout's own chain does."""

    at_ns: int
    text: str
    by: str
    record: str = ""


def marks_of(house: House, tenant: str, since_ns: int) -> list[Mark]:
    """Return the newest changes since a moment, oldest first, at most ``MOST``."""
    found = [*_deeds(house, tenant, since_ns), *_phases(house, tenant, since_ns)]
    return sorted(found, key=lambda mark: mark.at_ns)[-MOST:]


def _phases(house: House, tenant: str, since_ns: int) -> list[Mark]:
    told = [change_shown(state) for state in house.rollout.chain.history(tenant)[:MOST]]
    changes = [(int(one.time * _NS), f"{one.control} {one.after}", one.by) for one in told]
    return [Mark(at_ns, text.replace("_", " "), by) for at_ns, text, by in changes if at_ns >= since_ns]


def _deeds(house: House, tenant: str, since_ns: int) -> list[Mark]:
    # Deeds are few beside decisions; of very many the newest are looked at.
    start = max(0, house.log.head().size - _LOOKED_AT)
    found: list[Mark] = []
    for stored in house.log.iterate(tenant, "admin", start):
        told: Any = msgspec.json.decode(stored.payload) if stored.payload and stored.time_ns >= since_ns else {}
        words = _WORDS.get(told.get("action", ""))
        if words:
            found.append(Mark(stored.time_ns, words, str(told.get("by", "")), stored.record_id))
    return found
