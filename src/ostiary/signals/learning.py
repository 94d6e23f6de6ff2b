"""The one write: an event changes the profiles of its subject, peers, tenant, resource, device and network.

Rules:
- The same events in the same order give the same profiles, bit for bit; nothing here reads a clock or a hash.
- What was refused, failed or may not teach (``LearningGate``) is counted, but never becomes a habit: trying a door
  often does not make it yours.
- An hour of the day counts once a sitting, so that one busy night does not become an hour of work.
- An event older than what its subject already did is learned as if it came just then.
- Cost is bounded by the caps, not by what an event names.
"""

from collections.abc import Sequence
from math import isnan, log, log1p
from typing import Final

from ostiary.signals.baselines import distances, frozen_habits, matured
from ostiary.signals.dimensions import CAPS, Dim
from ostiary.signals.groups import CIRCLE_DIMS, change_circle, circle_of, join
from ostiary.signals.history import Moment
from ostiary.signals.lookalikes import learn_lookalike, learn_regular
from ostiary.signals.looking import Glance, sitting_of
from ostiary.signals.neighbours import meet, nearest
from ostiary.signals.numbers import faded, moved
from ostiary.signals.profiles import (
    MAX_FAVOURITES,
    MAX_RECENT,
    Entry,
    Group,
    Shared,
    Subject,
    halved,
    pruned,
)
from ostiary.signals.recalling import Recalled, recall
from ostiary.signals.sittings import advance
from ostiary.signals.steps import next_action
from ostiary.signals.surprise import odds
from ostiary.signals.tables import Tables, subject_key, unit_of
from ostiary.signals.tactics import bits_of
from ostiary.signals.tallies import BAD, SENSITIVE, Surprises, sane, tally
from ostiary.signals.telling import close_day, learn_proofs, learn_step, learn_told
from ostiary.signals.things import learn_company, learn_things
from ostiary.vocabulary.events import AccessEvent

_HOME_LEAD: Final = 1.5
_HALVE_EVERY: Final = 256
_TIDY_EVERY: Final = 8
_NEVER: Final[Entry] = (0, 0, 0, 0.0)


def learn(tables: Tables, event: AccessEvent, own: Subject, seen: Glance, *, teaches: bool = True) -> None:
    """Learn ``event`` into every profile it concerns.

    Args:
        tables: everything remembered of the tenant.
        event: what happened.
        own: the subject's profile, new or old.
        seen: a glance at ``event`` since which nothing was learned.
        teaches: whether it may become a habit; what may not is counted where rates are, and nowhere else.
    """
    moment, now = seen.moment, max(seen.moment.now, own.last)
    stays = own.peers == seen.name or not own.events  # its values need not move, so what was recalled holds
    group, everyone = join(tables, seen.name, own, now), tables.everyone
    values, sitting = seen.values, seen.sitting if now == moment.now else sitting_of(event, own, now)
    recalled = seen.recalled if stays else recall(values, own, group, everyone)
    before, chances = recalled.mine, seen.chances
    surprises = _surprises(recalled, chances)
    resource, collection = values[Dim.RESOURCE] or "", values[Dim.COLLECTION] or ""
    step = seen.step if stays else next_action(own, group, everyone, event.action, values[Dim.MOVE])
    learn_step(own, step[0])
    close_day(own, group, now)
    places = (resource, before[Dim.RESOURCE]), (collection, before[Dim.COLLECTION])
    advance(event, own, now, sitting, surprises, *places, values[Dim.NETWORK])
    tally(event, own, now, before, surprises, opens=sitting is None)
    failed = event.outcome in BAD
    learn_proofs(own, event, now)
    who = subject_key(event)
    used = before[Dim.RESOURCE]
    if sitting is None or used is None or used[2] < sitting.start:
        learn_lookalike(own, seen.lookalike, now)
    learn_things(tables, values, before, who, now, failed=failed)
    if failed:
        own.failures_in_row += 1
    else:
        own.failures_in_row = 0
    if teaches and not failed:
        meet(own, tables.resources.get(resource), event.subject_type, who)
        learn_regular(tables.regulars, resource, who, used, now)
        if before[Dim.RESOURCE] is None:
            learn_company(tables, resource, own)
        _learn_values(own, group, everyone, values, recalled, now)
        _learn_circle(tables, event, own, values, before, now)
        if sitting is None or sitting.last // 3_600 != now // 3_600:
            _learn_hours(own, group, everyone, moment)
        _learn_habits(own, event, resource, collection)
        _learn_whereabouts(own, event, values, now)
        learn_told(own, event, values[Dim.NETWORK], now)
    _learn_activity(own, event, now)
    group.events += 1
    everyone.events += 1
    if own.events % _TIDY_EVERY == 0 or (own.baseline is None and matured(own, now)):
        _tidy(tables, event, own, who, now)


def _tidy(tables: Tables, event: AccessEvent, own: Subject, who: str, now: int) -> None:
    """Work out anew what need not be of the minute: the baseline's distance, the nearest subjects, the circle."""
    if own.baseline is None and matured(own, now):
        own.baseline = frozen_habits(own, now)
    own.drift = distances(own, now)
    own.nearest = nearest(own)
    change_circle(tables, event, own, tables.circles.join(own, who), now)


def _surprises(recalled: Recalled, chances: tuple[float, float, float]) -> Surprises:
    mine, _, of_all = chances
    zone = recalled.surprise[Dim.TIMEZONE]
    return Surprises(
        recalled.surprise[Dim.RESOURCE],
        -log(mine),
        0.0 if isnan(zone) else zone,
        odds(recalled.ratio) + log(of_all / mine),
    )


def _learn_values(
    own: Subject, group: Group, everyone: Group, values: Sequence[str | None], recalled: Recalled, now: int
) -> None:
    tables, totals = own.dims, own.totals
    for dim, value in enumerate(values):
        if value is None:
            continue
        entry = recalled.mine[dim]
        table = tables[dim]
        if entry is None or table is None:
            _begin(own, dim, value, now)
        else:
            times, first, last, weight = entry
            table[value] = (times + 1, first, now, faded(weight, now - last) + 1.0)
        totals[dim] += 1
        new = entry is None
        for holder, old in ((group, recalled.peers[dim]), (everyone, recalled.everyone[dim])):
            shared = holder.dims[dim]
            if old is None or shared is None:
                _share(holder, old, dim, value, now, new=new)
            else:  # the same, written out: sixty calls an event are felt
                shared[value] = (old[0] + 1, old[1] + new, now)
                holder.totals[dim] += 1


def _begin(own: Subject, dim: int, value: str, now: int) -> None:
    table = own.dims[dim]
    if table is None:
        table = own.dims[dim] = {}
    table[value] = (1, now, now, 1.0)
    pruned(table, CAPS[dim].subject)


def _share(group: Group, old: Shared | None, dim: int, value: str, now: int, *, new: bool) -> None:
    group.totals[dim] += 1
    table = group.dims[dim]
    if old is not None and table is not None:
        table[value] = (old[0] + 1, old[1] + new, now)
        return
    if table is None:
        table = group.dims[dim] = {}
    table[value] = (1, 1, now)
    pruned(table, CAPS[dim].group)


def _learn_circle(
    tables: Tables,
    event: AccessEvent,
    own: Subject,
    values: Sequence[str | None],
    before: Sequence[Entry | None],
    now: int,
) -> None:
    circle = circle_of(tables, event, own)
    for dim in CIRCLE_DIMS if circle is not None else ():
        value, table = values[dim], circle.dims[dim] if circle is not None else None
        if circle is not None and value is not None:
            old = table.get(value) if table else None
            _share(circle, old, dim, value, now, new=before[dim] is None)


def _learn_hours(own: Subject, group: Group, everyone: Group, moment: Moment) -> None:
    slot = moment.hour + (24 if moment.weekend else 0)
    own.utc_hours[moment.utc_hour] += 1
    own.weekdays[moment.weekday] += 1
    for holder in (own, group, everyone):
        holder.hours[slot] += 1
        if holder.events % _HALVE_EVERY == 0:
            halved(holder.hours)
    if own.events % _HALVE_EVERY == 0:
        halved(own.utc_hours)
        halved(own.weekdays)
    own.recent_hours.append(slot)
    if len(own.recent_hours) > MAX_RECENT:
        del own.recent_hours[0]


def _learn_habits(own: Subject, event: AccessEvent, resource: str, collection: str) -> None:
    if (count := sane(event.count)) is not None:
        own.amount = moved(own.amount, log1p(count))
    if (size := sane(event.bytes)) is not None:
        own.volume = moved(own.volume, log1p(size))
    if event.sensitivity is not None:
        own.sensitivity = moved(own.sensitivity, float(max(0, min(event.sensitivity, SENSITIVE + 1))))
    own.deeds |= bits_of(event.marks)
    homes = own.dims[Dim.COLLECTION] or {}
    uses = homes.get(collection, _NEVER)[0]  # a full table may have dropped it again at once
    if collection != own.home and (not own.home or uses > _HOME_LEAD * homes.get(own.home, _NEVER)[0]):
        own.home = collection
    _learn_favourite(own, resource)


def _learn_favourite(own: Subject, resource: str) -> None:
    if resource in own.favourites:
        return
    if len(own.favourites) < MAX_FAVOURITES:
        own.favourites.append(resource)
        return
    table = own.dims[Dim.RESOURCE] or {}
    nothing: Entry = (0, 0, 0, 0.0)
    least = min(own.favourites, key=lambda name: table.get(name, nothing)[0])
    if table.get(resource, nothing)[0] > table.get(least, nothing)[0]:
        own.favourites[own.favourites.index(least)] = resource


def _learn_activity(own: Subject, event: AccessEvent, now: int) -> None:
    own.pace = faded(own.pace, now - own.last) + 1.0
    own.first = own.first or now
    own.last = now
    own.events += 1
    if event.account is not None:
        own.unit = unit_of(event) or own.unit
    if event.groups != own.groups:
        own.groups, own.groups_since = event.groups[:MAX_RECENT], now


def _learn_whereabouts(own: Subject, event: AccessEvent, values: Sequence[str | None], now: int) -> None:
    """Learn where and with what the subject works; what was refused or failed teaches nothing of that.

    Otherwise one refused try from afar would make the next one look at home.
    """
    own.previous, own.previous_action = values[Dim.COLLECTION], event.action
    own.timezone = event.tz_offset_min if event.tz_offset_min is not None else own.timezone
    own.network = values[Dim.NETWORK] or own.network
    own.device = event.device_id or own.device
    if event.mfa is not None:
        own.mfa_told += 1
        own.mfa_used += event.mfa
    if event.device_managed is not None:
        own.managed_told += 1
        own.managed_used += event.device_managed
    if event.country is not None and event.country != own.country:
        own.country_before, own.country, own.country_since = own.country, event.country, now
