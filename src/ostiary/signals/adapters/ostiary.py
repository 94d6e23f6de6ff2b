"""Our own form: one ``AccessEvent`` a line, as ``events import --out`` writes it."""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import within
from ostiary.signals.pieces import Shape
from ostiary.signals.texts import MAX_ID, identifier
from ostiary.vocabulary.events import AccessEvent

FORMAT: Final = "ostiary"
DESCRIBE: Final = "our own JSON lines, as `events import --out` writes them"
SHAPE: Final = Shape.JSON
_TEXTS: Final = tuple(
    field.name
    for field in msgspec.structs.fields(AccessEvent)
    if field.type in (str, str | None) and field.name != "tenant"
)


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event; its tenant becomes the one who imports."""
    try:
        event = msgspec.convert({**record, "tenant": tenant}, AccessEvent)
    except msgspec.ValidationError as fault:
        text = str(fault).partition(" - at")[0]
        raise FaultyInputError("record_malformed", f"the record is no access event: {text.lower()}") from fault
    if not event.subject_id or not event.event_id:
        raise FaultyInputError("field_missing", "an event needs an id and a subject")
    within(event.time_ns)
    changed = {
        name: identifier(value) for name in _TEXTS if isinstance(value := getattr(event, name), str) and _odd(value)
    }
    return msgspec.structs.replace(event, **changed) if changed else event


def _odd(text: str) -> bool:
    return len(text) > MAX_ID or not (text.isascii() and text.isprintable())
