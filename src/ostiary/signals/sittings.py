"""Sittings: an event continues a session or opens one, and a sitting that is over is folded into the habits.

Rules:
- A sitting is the session the event names; without a name, accesses at most half an hour apart.
- At most four sittings a subject are kept open; the oldest goes.
- A sitting is folded once, when the next one opens: its worst surprise moves the subject's running surprise, its
  recent level (``lately``) and the ``strain``, a one-sided CUSUM (Page 1954) that slow drift cannot hide from.
"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.numbers import Number, moved, unusual
from ostiary.signals.postures import faults_of
from ostiary.signals.profiles import MAX_RECENT, MAX_SESSIONS, Entry, Session, Subject
from ostiary.signals.progress import advanced
from ostiary.signals.tallies import BAD, Surprises, sane
from ostiary.vocabulary.events import AccessEvent, ActionClass

_SHARE: Final = 0.3
_SLACK: Final = 0.5
_MOST_STRAIN: Final = 20.0
_CHANGES: Final = (ActionClass.WRITE, ActionClass.DELETE, ActionClass.ADMIN)


def _lately(level: float, number: Number, value: float) -> float:
    return value if number[0] == 0 else level + _SHARE * (value - level)


def fold(own: Subject, over: Session) -> None:
    """Let a finished sitting move the subject's habits."""
    worst = over.surprise_max
    odd = unusual(own.surprise, worst)
    if not isnan(odd):
        own.strain = max(0.0, min(_MOST_STRAIN, own.strain + odd - _SLACK))
    own.surprise_lately = _lately(own.surprise_lately, own.surprise, worst)
    own.hour_lately = _lately(own.hour_lately, own.hour_surprise, over.hour_surprise)
    own.zone_lately = _lately(own.zone_lately, own.zone_surprise, over.zone_surprise)
    own.odds_lately = _lately(own.odds_lately, own.odds, over.odds_max)
    own.surprise = moved(own.surprise, worst)
    own.odds = moved(own.odds, over.odds_max)
    own.hour_surprise = moved(own.hour_surprise, over.hour_surprise)
    own.zone_surprise = moved(own.zone_surprise, over.zone_surprise)
    own.session_events = moved(own.session_events, log1p(over.events))
    own.session_length = moved(own.session_length, log1p(over.last - over.start))
    own.session_resources = moved(own.session_resources, log1p(over.resources))


def _open(event: AccessEvent, own: Subject, now: int, surprises: Surprises, network: str | None) -> Session:
    if own.sessions:
        fold(own, next(reversed(own.sessions.values())))
        own.gap = moved(own.gap, log1p(now - own.last))
    own.sittings += 1
    own.sessions.pop(event.session_id or "", None)
    while len(own.sessions) >= MAX_SESSIONS:
        del own.sessions[next(iter(own.sessions))]
    return Session(
        start=now,
        last=now,
        events=0,
        resources=0,
        collections=0,
        new=0,
        surprise_max=surprises.resource,
        surprise_sum=0.0,
        hour_surprise=surprises.hour,
        zone_surprise=surprises.zone,
        amount=0.0,
        network=network,
        device=event.device_id,
        country=event.country,
        timezone=event.tz_offset_min,
        writes=0,
        failures=0,
        odds_max=surprises.odds,
        odds_sum=0.0,
        posture=-1 if event.posture is None else faults_of(event.posture),
    )


def advance(
    event: AccessEvent,
    own: Subject,
    now: int,
    sitting: Session | None,
    surprises: Surprises,
    resource: tuple[str, Entry | None],
    collection: tuple[str, Entry | None],
    network: str | None,
) -> None:
    """Carry the event into its sitting, opening one when ``sitting`` is ``None``.

    ``resource`` and ``collection`` are each a value with the subject's entry of it ahead of the event.
    """
    opens = sitting is None
    now_open = sitting or _open(event, own, now, surprises, network)
    fresh = [opens or entry is None or entry[2] < now_open.start for _, entry in (resource, collection)]
    own.sessions[event.session_id or ""] = Session(
        now_open.start,
        now,
        now_open.events + 1,
        now_open.resources + fresh[0],
        now_open.collections + fresh[1],
        now_open.new + (resource[1] is None),
        max(now_open.surprise_max, surprises.resource),
        now_open.surprise_sum + surprises.resource,
        now_open.hour_surprise,
        now_open.zone_surprise,
        now_open.amount + (sane(event.count) or 0.0),
        now_open.network,
        now_open.device,
        now_open.country,
        now_open.timezone,
        now_open.writes + (event.action_class in _CHANGES),
        now_open.failures + (event.outcome in BAD),
        max(now_open.odds_max, surprises.odds),
        now_open.odds_sum + surprises.odds,
        now_open.posture,
        advanced(now_open.deeds, event),
    )
    if fresh[0]:
        _remember(own.recent_resources, resource[0])
    if fresh[1]:
        _remember(own.recent, collection[0])


def _remember(recent: list[str], value: str) -> None:
    recent.append(value)
    if len(recent) > MAX_RECENT:
        del recent[0]
