"""The one read: everything remembered that concerns an event, frozen, without changing anything.

Rules:
- A ``Glance`` is the part of a look that learning the same event needs too: whoever looks and then learns pays once.
- A glance holds live tables and is worth nothing as soon as anything else is learned; a ``History`` is frozen.
"""

from math import sqrt
from typing import Final, NamedTuple

from ostiary.signals import windows
from ostiary.signals.dimensions import Dim, values_of
from ostiary.signals.groups import circle_of
from ostiary.signals.history import CircleUse, History, Moment
from ostiary.signals.likeness import Lookalike
from ostiary.signals.lookalikes import lookalike
from ostiary.signals.numbers import Number
from ostiary.signals.profiles import Entry, Group, Session, Subject
from ostiary.signals.recalling import Recalled, recall
from ostiary.signals.steps import next_action
from ostiary.signals.surprise import hour_chances
from ostiary.signals.tables import NAMED_SITTING_S, SITTING_S, Tables, moment_of, peer_name, subject_key
from ostiary.vocabulary.events import AccessEvent

STRANGER: Final = Subject()
NOBODY: Final = Group()
_NO_TABLES: Final[list[dict[str, Entry] | None]] = []
_NOTHING_USUAL: Final[dict[str, Number]] = {}
_NO_SESSIONS: Final[dict[str, Session]] = {}


def sitting_of(event: AccessEvent, own: Subject, now: int) -> Session | None:
    """Return the sitting that the event continues: its session's, or without one the last half hour's.

    A named session that rested for twelve hours begins anew: some products keep one name for years.
    """
    found = own.sessions.get(event.session_id or "")
    longest = SITTING_S if event.session_id is None else NAMED_SITTING_S
    return None if found is None or now - found.last > longest else found


def _frozen(own: Subject) -> Subject:
    seen: Subject = own.__copy__()  # type: ignore[attr-defined]  # what copy.copy finds, without looking for it
    seen.dims = _NO_TABLES
    seen.sessions = _NO_SESSIONS
    seen.windows = []
    seen.hours = own.hours[:]
    seen.utc_hours = own.utc_hours[:]
    seen.weekdays = own.weekdays[:]
    seen.recent = own.recent[:]
    seen.recent_resources = own.recent_resources[:]
    seen.recent_hours = own.recent_hours[:]
    seen.favourites = own.favourites[:]
    seen.colleagues = {}
    seen.suspects = {}
    seen.usual = own.usual.copy() if own.usual else _NOTHING_USUAL
    return seen


def _lately(own: Subject) -> list[tuple[int, int]]:
    table, recent = own.dims[Dim.COLLECTION], own.recent
    if not table or not recent:
        return []
    counts: dict[str, int] = {}
    for name in recent:
        counts[name] = counts.get(name, 0) + 1
    nothing: Entry = (0, 0, 0, 0.0)
    return [(often, table.get(name, nothing)[0]) for name, often in counts.items()]


def company_of(tables: Tables, resource: str, own: Subject) -> tuple[float, float]:
    """Return how much the users of the subject's favourite resources also use ``resource``: mean and best cosine.

    Resources without company yet give zero: what nobody shares is not near anything.
    """
    near = tables.company.get(resource)
    if not own.favourites:
        return float("nan"), float("nan")
    if near is None:
        return 0.0, 0.0
    things = tables.resources
    users = things[resource].users if resource in things else 1
    total = best = 0.0
    for other in own.favourites:
        both = near.get(other, 0)
        if both and other in things:
            score = both / sqrt(users * things[other].users)
            total += score
            best = max(best, score)
    return total / len(own.favourites), best


def colleagues_of(tables: Tables, resource: str, own: Subject, event: AccessEvent) -> float:
    """Return how many of the last users of ``resource`` the subject meets elsewhere too, weighted by how often."""
    thing = tables.resources.get(resource)
    if thing is None or not own.colleagues:
        return 0.0 if own.colleagues else float("nan")
    me, known = subject_key(event), own.colleagues
    met = [known.get(who, 0.0) for who in thing.visitors if who != me]
    return sum(met) / len(met) if met else 0.0


def _circle(tables: Tables, event: AccessEvent, own: Subject, values: list[str | None]) -> CircleUse | None:
    group = circle_of(tables, event, own)
    if group is None:
        return None
    resources, collections = group.dims[Dim.RESOURCE] or {}, group.dims[Dim.COLLECTION] or {}
    return CircleUse(
        group.members,
        resources.get(values[Dim.RESOURCE] or ""),
        collections.get(values[Dim.COLLECTION] or ""),
        group.totals[Dim.RESOURCE],
        group.totals[Dim.COLLECTION],
    )


class Glance(NamedTuple):
    """What a look and the lesson of the same event share.

    Attributes:
        moment: when, for the subject.
        values: the event's value per dimension.
        name: of the peer group.
        group: the peer group itself, an empty one when it is new.
        recalled: what is remembered of the values.
        chances: of the hour, for the subject, its peers, the tenant.
        sitting: the sitting that goes on, if one does.
        step: how likely the action is after the last one, for the subject and for its peers.
        lookalike: whether it fits somebody else better.
    """

    moment: Moment
    values: list[str | None]
    name: str
    group: Group
    recalled: Recalled
    chances: tuple[float, float, float]
    sitting: Session | None
    step: tuple[float, float]
    lookalike: Lookalike


def glance(tables: Tables, event: AccessEvent, own: Subject) -> Glance:
    """Return what both a look and a lesson need of ``event``; ``own`` is its subject's profile, new or old."""
    moment, name = moment_of(event, own), peer_name(event, own)
    group, everyone = tables.groups.get(name, NOBODY), tables.everyone
    values = values_of(event, own.previous, own.previous_action)
    recalled = recall(values, own, group, everyone)
    return Glance(
        moment,
        values,
        name,
        group,
        recalled,
        hour_chances(own.hours, group.hours, everyone.hours, moment.hour, weekend=moment.weekend),
        sitting_of(event, own, moment.now),
        next_action(own, group, everyone, event.action, values[Dim.MOVE]),
        lookalike(tables, values, own, subject_key(event), moment, recalled.everyone),
    )


def look(tables: Tables, event: AccessEvent, own: Subject | None, seen: Glance) -> History:
    """Return what is known before ``event``, frozen.

    ``own`` is its subject's profile when there is one, ``seen`` the glance at it.
    """
    known = own is not None
    own = own or STRANGER
    moment, values, name, group, recalled, chances, sitting, step, _ = seen
    everyone = tables.everyone
    resource, device, network = values[Dim.RESOURCE] or "", values[Dim.DEVICE], values[Dim.NETWORK]
    co_use, best = company_of(tables, resource, own)
    quiet = moment.now - SITTING_S
    return History(
        moment,
        values,
        _frozen(own),
        known,
        recalled.mine,
        own.totals[:],
        [len(table) if table else 0 for table in own.dims],
        recalled.peers,
        group.totals[:],
        group.members,
        group.events,
        name,
        recalled.everyone,
        everyone.totals[:],
        everyone.members,
        recalled.surprise,
        recalled.ratio,
        windows.read(own.windows, moment.now),
        sitting,
        moment.now if sitting is None else max(sitting.start, moment.now - NAMED_SITTING_S),
        sum([session.last >= quiet for session in own.sessions.values()]),
        tables.resources.get(resource),
        None if device is None else tables.devices.get(device),
        None if network is None else tables.networks.get(network),
        _lately(own),
        co_use,
        best,
        chances,
        colleagues_of(tables, resource, own, event),
        step,
        group.days,
        seen.lookalike,
        _circle(tables, event, own, values),
    )
