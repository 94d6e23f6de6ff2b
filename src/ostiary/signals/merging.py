"""Two books made one: what shards learned apart, put together in any order and any grouping.

Rules:
- Counts add, first times take the earlier, last times and worst values the later or greater, marks are or-ed; what only
  one of the two knows is kept. A subject's and a group's tables shrink to their caps when they are next learned.
- So merging is commutative and associative: exactly for counts, times and names, up to the last bits for fading numbers
  and means.
- What only the latest access can tell (where the subject is, what it did last) is taken from the side that saw it last.
- Subjects are disjoint where shards are cut by subject. One that both know is merged like anything else; a subject both
  know counts twice in ``users`` and ``members``, since counts hold no names.
- What only holds so many (visitors, sessions, favourites) is cut after merging, by a rule that knows no sides.
- A running mean that forgets is merged by weight of its values; the order of values is lost, as it must be.

>>> number_of((2, 1.0, 0.0), (2, 3.0, 0.0))
(4, 2.0, 1.0)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from ostiary.signals.dimensions import Dim
from ostiary.signals.lookalikes import MAX_REGULARS, MAX_SUSPECTS
from ostiary.signals.numbers import Number, faded
from ostiary.signals.profiles import (
    MAX_FAVOURITES,
    MAX_SESSIONS,
    MAX_VISITORS,
    Baseline,
    Entry,
    Group,
    Regular,
    Session,
    Shared,
    Subject,
    Suspect,
    Thing,
)
from ostiary.signals.progress import joined
from ostiary.signals.snapshot import Snapshot
from ostiary.signals.tables import Tables
from ostiary.signals.things import MAX_THINGS, fading
from ostiary.signals.window import Bucket, Window

Key = TypeVar("Key")
Item = TypeVar("Item")

_LATEST: Final = (
    "home", "groups", "previous", "timezone", "country", "country_since", "country_before", "network", "device",
    "groups_since", "circle", "unit", "peers", "surprise_lately", "hour_lately", "zone_lately", "odds_lately",
    "recent", "recent_resources", "recent_hours", "failures_in_row", "drift", "nearest", "previous_action", "tokens",
    "spot", "homes", "codes", "step_lately",
)  # fmt: skip
_MOST_VISITORS: Final = 4 * MAX_VISITORS
_NEVER: Final[Entry] = (0, 0, 0, 0.0)
_SUMS: Final = (
    "events",
    "sittings",
    "mfa_used",
    "mfa_told",
    "managed_used",
    "managed_told",
    "bound_used",
    "bound_told",
)
_NUMBERS: Final = (
    "gap", "amount", "volume", "session_events", "session_length", "session_resources", "surprise", "hour_surprise",
    "zone_surprise", "sensitivity", "odds", "step_surprise",
)  # fmt: skip
_EBBING: Final = ("refused", "factor_refused", "after_failures")
_LISTS: Final = ("totals", "hours", "utc_hours", "weekdays")


def merge_shared(tables: Tables, kept: Snapshot) -> None:
    """Take everything but subjects from a snapshot into ``tables``; past their caps the longest unused goes."""
    tables.everyone = group_of(tables.everyone, kept.everyone)
    _replace(tables.groups, merged_tables(tables.groups, kept.groups, group_of))
    for name in ("resources", "devices", "networks"):
        table = getattr(tables, name)
        things = merged_tables(table, getattr(kept, name), thing_of)
        _replace(table, dict(sorted(things.items(), key=lambda pair: (pair[1].last, pair[0]))[-MAX_THINGS:]))
    regulars = merged_tables(tables.regulars, kept.regulars, regulars_of)
    _replace(tables.regulars, dict(list(regulars.items())[-MAX_THINGS:]))
    company = merged_tables(tables.company, kept.company, company_of)
    _replace(tables.company, dict(list(company.items())[-MAX_THINGS:]))
    for who, label in kept.circles.items():
        tables.circles.bear(who, min(label, tables.circles.labels.get(who, label)))


def _replace(table: dict[str, Item], items: Mapping[str, Item]) -> None:
    table.clear()
    table.update(items)


def merged_tables(
    one: Mapping[Key, Item], other: Mapping[Key, Item], both: Callable[[Item, Item], Item]
) -> dict[Key, Item]:
    """Return what either table holds; what both hold is joined by ``both``. In the order of keys."""
    found = dict(one)
    for key, item in other.items():
        found[key] = both(found[key], item) if key in found else item
    return dict(sorted(found.items(), key=lambda pair: str(pair[0])))


def number_of(one: Number, other: Number) -> Number:
    """Return two running numbers as one, each by the weight of its values (Chan et al., 1979)."""
    count = one[0] + other[0]
    if not count:
        return one
    share = other[0] / count
    away = other[1] - one[1]
    mean = (one[0] * one[1] + other[0] * other[1]) / count
    variance = (one[0] * one[2] + other[0] * other[2]) / count + (1.0 - share) * share * away * away
    return (count, mean, variance)


def entry_of(one: Entry, other: Entry) -> Entry:
    """Return a subject's use of one value, from two."""
    last = max(one[2], other[2])
    weight = faded(one[3], last - one[2]) + faded(other[3], last - other[2])
    return (one[0] + other[0], _earlier(one[1], other[1]), last, weight)


def shared_of(one: Shared, other: Shared) -> Shared:
    """Return a group's use of one value, from two."""
    return (one[0] + other[0], one[1] + other[1], max(one[2], other[2]))


def thing_of(one: Thing, other: Thing) -> Thing:
    """Return a thing, from two; who came last is not known across shards, so they stand in the order of names."""
    last = max(one.last, other.last)
    mark = int.from_bytes(one.users_mark, "little") | int.from_bytes(other.users_mark, "little")
    return Thing(
        one.events + other.events,
        one.users + other.users,
        _earlier(one.first, other.first),
        last,
        fading(one.crowd, last - one.last) + fading(other.crowd, last - other.last),
        fading(one.failures, last - one.last) + fading(other.failures, last - other.last),
        tuple(sorted({*one.visitors, *other.visitors})[:_MOST_VISITORS]),
        mark.to_bytes(max(len(one.users_mark), len(other.users_mark)), "little"),
    )


def group_of(one: Group, other: Group) -> Group:
    """Return a peer group or tenant, from two."""
    return Group(
        one.members + other.members,
        one.events + other.events,
        _earlier(one.first, other.first),
        _dims(one.dims, other.dims, shared_of),
        _added(one.totals, other.totals),
        _added(one.hours, other.hours),
        number_of(one.amount, other.amount),
        _days(one.days, other.days),
    )


def company_of(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return how many used which resource too, from two."""
    return merged_tables(one, other, int.__add__)


def regulars_of(one: Mapping[str, Regular], other: Mapping[str, Regular]) -> dict[str, Regular]:
    """Return who uses a resource most, from two."""
    found = merged_tables(one, other, _regular)
    most = sorted(found.items(), key=lambda pair: (-pair[1][0], pair[0]))[:MAX_REGULARS]
    return dict(sorted(most))


def _regular(one: Regular, other: Regular) -> Regular:
    last = max(one[1], other[1])
    rank, own = (faded(one[at], last - one[1]) + faded(other[at], last - other[1]) for at in (0, 2))
    return rank, last, own


def _suspects(one: Mapping[str, Suspect], other: Mapping[str, Suspect]) -> dict[str, Suspect]:
    """Return what speaks for whom, from two: what was seen last counts, and of equals the stronger."""
    found = merged_tables(one, other, lambda *both: max(both, key=lambda entry: (entry[1], entry[0])))
    most = sorted(found.items(), key=lambda pair: (-pair[1][1], -pair[1][0], pair[0]))[:MAX_SUSPECTS]
    return dict(sorted(most))


def subject_of(one: Subject, other: Subject) -> Subject:
    """Return one subject's profile, from two that saw different accesses of it."""
    late = max(one, other, key=_lateness)
    found = msgspec.structs.replace(late)
    found.first, found.last = _earlier(one.first, other.first), max(one.last, other.last)
    for name in _SUMS:
        setattr(found, name, getattr(one, name) + getattr(other, name))
    for name in _NUMBERS:
        setattr(found, name, number_of(getattr(one, name), getattr(other, name)))
    for name in _LISTS:
        setattr(found, name, _added(getattr(one, name), getattr(other, name)))
    for name in _EBBING:
        setattr(found, name, max(getattr(one, name), getattr(other, name), key=lambda count: (count[1], count[0])))
    found.usual = merged_tables(one.usual, other.usual, number_of)
    found.days = _days(one.days, other.days)
    found.pace = faded(one.pace, found.last - one.last) + faded(other.pace, found.last - other.last)
    found.strain = max(one.strain, other.strain)
    found.dims = _dims(one.dims, other.dims, entry_of)
    found.windows = [_window(*pair) for pair in zip(one.windows, other.windows, strict=True)]
    sessions = merged_tables(one.sessions, other.sessions, _session)
    found.sessions = dict(sorted(sessions.items(), key=lambda pair: (pair[1].last, pair[0]))[-MAX_SESSIONS:])
    used = found.dims[Dim.RESOURCE] or {}
    favourites = {*one.favourites, *other.favourites}
    found.favourites = sorted(favourites, key=lambda name: (-used.get(name, _NEVER)[0], name))[:MAX_FAVOURITES]
    found.colleagues = merged_tables(one.colleagues, other.colleagues, float.__add__)
    found.baseline = _older(one, other)
    found.deeds = one.deeds | other.deeds
    found.suspects = _suspects(one.suspects, other.suspects)
    return found


def _lateness(own: Subject) -> tuple[int, bytes]:
    """Order two profiles of one subject by what came last, else by their content: no side is preferred."""
    return own.last, msgspec.msgpack.encode([getattr(own, name) for name in _LATEST])


def _older(one: Subject, other: Subject) -> Baseline | None:
    """Return the baseline that was frozen first: what came before whatever crept in later."""
    frozen = [own.baseline for own in (one, other) if own.baseline is not None]
    return min(frozen, key=lambda base: (base.at, msgspec.msgpack.encode(base)), default=None)


def _session(one: Session, other: Session) -> Session:
    early, late = sorted((one, other), key=_beginning)
    return msgspec.structs.replace(
        early,
        last=max(one.last, other.last),
        surprise_max=max(one.surprise_max, other.surprise_max),
        odds_max=max(one.odds_max, other.odds_max),
        deeds=joined(one.deeds, other.deeds),
        **{
            name: getattr(early, name) + getattr(late, name)
            for name in (
                "events", "resources", "collections", "new", "surprise_sum", "amount", "writes", "failures", "odds_sum",
            )
        },
    )  # fmt: skip


def _beginning(sitting: Session) -> tuple[int, bytes]:
    """Order two parts of one sitting by how it began; of one second by where, so that no side is preferred."""
    where = (sitting.network, sitting.device, sitting.country, sitting.timezone, sitting.posture)
    return sitting.start, msgspec.msgpack.encode((where, sitting.hour_surprise, sitting.zone_surprise))


def _window(one: Window, other: Window) -> Window:
    newest = max(one.bucket, other.bucket)
    now = [_at(window, newest) for window in (one, other)]
    before = [_at(window, newest - 1) for window in (one, other)]
    return Window(newest, _counts(*now), _counts(*before))


def _at(window: Window, bucket: int) -> Bucket | None:
    return window.now if window.bucket == bucket else window.before if window.bucket == bucket + 1 else None


def _counts(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    if one is None or other is None:
        return one if other is None else other
    return merged_tables(one, other, float.__add__)


def _dims(
    one: Sequence[dict[str, Item] | None], other: Sequence[dict[str, Item] | None], both: Callable[[Item, Item], Item]
) -> list[dict[str, Item] | None]:
    return [
        merged_tables(mine or {}, theirs or {}, both) if mine or theirs else None
        for mine, theirs in zip(one, other, strict=True)
    ]


def _days(one: Sequence[Number], other: Sequence[Number]) -> tuple[Number, ...]:
    if not one or not other:
        return tuple(one or other)
    return tuple([number_of(mine, theirs) for mine, theirs in zip(one, other, strict=True)])


def _added(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [mine + theirs for mine, theirs in zip(one, other, strict=True)]


def _earlier(one: int, other: int) -> int:
    """Return the earlier of two times; zero is a time that is not known."""
    return min(one, other) if one and other else one or other
