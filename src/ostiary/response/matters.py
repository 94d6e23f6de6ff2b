"""What a step tells people: which matter a case is about, what belongs to it, and the facts of a letter."""

from typing import Final

from ostiary.response.ports import Act
from ostiary.response.trigger import Trigger
from ostiary.sessions import handle_of
from ostiary.signals.texts import identifier

UNEXECUTED_KIND: Final = "obligation:unexecuted"


def matter(trigger: Trigger) -> tuple[str, str]:
    """Return what a case is about, and whom: a silent enforcement point is one matter, whoever it was silent about."""
    pep = str(trigger.facts.get("pep") or "")
    if pep and trigger.kind == UNEXECUTED_KIND:
        return pep, ""
    return trigger.subject or trigger.session_id or trigger.device_id or pep, trigger.subject


def links(act: Act) -> list[str]:
    """Return the names of what belongs to a case."""
    trigger = act.trigger
    area = trigger.kind.partition(":")[0]
    links = [f"{area}:{trigger.id}"]
    links += [f"session:{handle_of(act.tenant, trigger.session_id)}"] if trigger.session_id else []
    links += [f"device:{trigger.device_id}"] if trigger.device_id else []
    decision = trigger.facts.get("decision_id")
    return links + ([f"decision:{decision}"] if isinstance(decision, str) else [])


def facts_of(act: Act) -> dict[str, str]:
    """Return what a letter tells of a step's trigger."""
    trigger = act.trigger
    own = {
        "trigger": trigger.kind,
        "trigger_id": trigger.id,
        "subject": trigger.subject,
        "session": handle_of(act.tenant, trigger.session_id) if trigger.session_id else "",
        "device_id": trigger.device_id,
    }
    more = {f"fact.{name}": str(value) for name, value in trigger.facts.items() if not isinstance(value, list)}
    return {name: identifier(value) for name, value in {**more, **own}.items() if value}
