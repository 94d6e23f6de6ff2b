"""The sitting so far: how long, how wide and how new, against the subject's usual sittings."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.profiles import Session
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("session_first", "1 when this access opens a sitting", "flag", 0),
    Feature("session_events", "accesses of the sitting so far", "ln(1+count)", 0),
    Feature("session_events_unusual", "the same against the subject's usual sittings", "deviations", 0),
    Feature("session_age", "since the sitting began", "ln(1+seconds)", 0),
    Feature("session_age_unusual", "the same against how long the subject's sittings usually last", "deviations", 1),
    Feature("session_resources", "different resources of the sitting so far", "ln(1+count)", 0),
    Feature("session_resources_unusual", "the same against the subject's usual sittings", "deviations", 0),
    Feature("session_collections", "different collections of the sitting so far", "ln(1+count)", 0),
    Feature("session_new", "resources of the sitting so far that were new to the subject", "ln(1+count)", 1),
    Feature("session_new_share", "share of the sitting's accesses so far to resources new to the subject", "share", 1),
    Feature("session_amount", "rows, files or objects of the sitting so far", "ln(1+count)", 0, ("count",)),
    Feature("session_failures", "failed tries of the sitting so far", "ln(1+count)", 1),
    Feature("sessions_live", "sittings of the subject active in the last half hour", "count", 1),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the thirteen features; of a sitting that just opens most are missing."""
    now, own, session = history.moment.now, history.own, history.session
    live = float(history.live_sessions)
    if session is None:
        return (1.0, 0.0, NAN, NAN, NAN, 0.0, NAN, 0.0, 0.0, NAN, 0.0 if own.amount[0] else NAN, 0.0, live)
    events, resources = log1p(session.events), log1p(session.resources)
    age = log1p(max(0, now - session.start))
    return (
        0.0,
        events,
        unusual(own.session_events, events),
        age,
        unusual(own.session_length, age),
        resources,
        unusual(own.session_resources, resources),
        log1p(session.collections),
        log1p(session.new),
        session.new / session.events,
        log1p(session.amount) if session.amount or own.amount[0] else NAN,
        log1p(session.failures),
        live,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the sitting in words."""
    session = history.session
    if name == "sessions_live":
        return f"you have {plural(value, 'session')} at once"
    return "the first access of this session" if session is None else _of(session, name, value)


def _of(session: Session, name: str, value: float) -> str:
    match name:
        case "session_age_unusual":
            return f"the session is {'longer than' if value > 1 else 'about as long as'} yours usually are"
        case "session_age":
            return f"the session is {span(unlogged(value))} old"
        case "session_new" | "session_new_share":
            return f"{session.new} of this session's {plural(session.events, 'access')} were to resources new to you"
        case "session_failures":
            return f"{plural(session.failures, 'failed try')} in this session"
        case _:
            pass
    return f"{plural(session.resources, 'different resource')} in this session so far"


SIGNAL: Final = Signal(
    Family.SESSION, _FEATURES, ("time_ns", "resource_type", "resource_id"), ("subject",), extract, words
)
