"""The devaccess table: who touched which part of which repository, when, from which offset."""

from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import needed, number, text, within
from ostiary.signals.pieces import Shape
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "devaccess"
DESCRIBE: Final = "the devaccess table (csv or csv.gz): developers touching parts of repositories"
SHAPE: Final = Shape.TABLE
_NS: Final = 1_000_000_000
_WIDEST_MIN: Final = 14 * 60


def _offset(value: str) -> int:
    try:
        offset = int(value)
    except ValueError as fault:
        raise FaultyInputError("field_malformed", "the time zone offset is no number of minutes") from fault
    if not -_WIDEST_MIN <= offset <= _WIDEST_MIN:
        raise FaultyInputError("field_malformed", "the time zone offset is more than 14 hours")
    return offset


def normalise(record: dict[str, str], tenant: str) -> AccessEvent:
    """Return a write to ``repo/area``; the repository is the collection, the area the resource."""
    seconds = number(record, "ts")
    if seconds is None:
        raise FaultyInputError("time_malformed", "`ts` is no number of seconds since 1970", "ts")
    files = number(record, "n_files")
    repository, area = needed(text(record, "repo"), "repo"), needed(text(record, "area"), "area")
    return AccessEvent(
        event_id=needed(text(record, "event_id"), "event_id"),
        tenant=tenant,
        time_ns=within(seconds * _NS),
        subject_id=needed(text(record, "user"), "user"),
        action="push",
        resource_type="repository",
        resource_id=f"{repository}/{area}",
        action_class=ActionClass.WRITE,
        outcome=EventOutcome.SUCCESS,
        session_id=text(record, "session_id"),
        tz_offset_min=_offset(record["tz_offset_min"]) if record.get("tz_offset_min") else None,
        count=None if files is None else float(files),
        source=FORMAT,
    )
