"""What is known at the moment of an access, before it: one frozen look, handed to every signal.

Rules:
- A history is a copy or holds immutable parts only: learning, on this thread or another, does not change it.
- It knows nothing of the event's outcome for the profiles: features at time t come from events before t.
- Lists named ``mine``, ``peers``, ``everyone`` have one place per dimension (``dimensions.Dim``).
"""

from collections.abc import Sequence

import msgspec

from ostiary.signals.likeness import Lookalike
from ostiary.signals.numbers import Number
from ostiary.signals.profiles import Entry, Session, Shared, Subject, Thing


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When the access is, for the subject.

    Attributes:
        now: seconds since the Unix epoch.
        offset: the subject's minutes from UTC, told or remembered, or ``None``.
        hour: local hour 0-23 (UTC when the offset is unknown).
        minute: local minute 0-59.
        weekday: local, Monday is 0.
        utc_hour: 0-23.
    """

    now: int
    offset: int | None
    hour: int
    minute: int
    weekday: int
    utc_hour: int

    @property
    def weekend(self) -> bool:
        """Whether it is Saturday or Sunday for the subject."""
        return self.weekday >= 5  # noqa: PLR2004 - Monday is 0


class CircleUse(msgspec.Struct, frozen=True, gc=False):
    """What a subject's circle has used.

    Attributes:
        members: how many it has, the subject among them.
        resource, collection: the circle's entry of the event's resource and of its collection.
        resource_total, collection_total: uses of any.
    """

    members: int
    resource: Shared | None
    collection: Shared | None
    resource_total: int
    collection_total: int


class History(msgspec.Struct, frozen=True, gc=False):
    """One look at everything remembered that concerns one access.

    Attributes:
        moment: when, for the subject.
        values: the event's value per dimension, ``None`` where it does not tell.
        own: copy of the subject's running numbers (its tables are empty here: use ``mine``).
        known: whether the subject was seen before.
        mine, my_totals, my_kinds: the subject's entry of each value, uses and distinct values per dimension.
        peers, peer_totals: the same of the peer group, counted over its members.
        peer_members, peer_events, peer_name: the group itself.
        everyone, all_totals, subjects: the same of the tenant.
        surprise, ratio: ``-ln p`` of each value for the subject, and ``ln p(tenant)/p(subject)``; NaN if not told.
        windows: sliding counts of the last 5 minutes, hour, day and week.
        session: the sitting so far, ``None`` when this access opens one.
        since: when the sitting began, at most twelve hours ago; what was first seen after is still new.
        live_sessions: how many sittings were active in the last half hour.
        resource, device, network: the things themselves, as everybody uses them.
        lately: how often each of the last collections was used lately and ever: (recent, ever).
        co_use, co_use_best: how often people who use what the subject uses also use this; mean and best.
        hours: chance of this hour for the subject (backed off), its peers, the tenant.
        colleagues: share of the resource's last users whom the subject keeps meeting elsewhere.
        step: ``-ln p`` of this action after the subject's last one, for the subject and for its peers.
        peer_days: usual day of a peer: events, resources, amount, bytes, in ``ln(1+x)``; empty before the first.
        lookalike: whether the access fits another subject better than this one.
        circle: what the subject's circle (peers learned from who works with whom) has used, ``None`` without one.
    """

    moment: Moment
    values: Sequence[str | None]
    own: Subject
    known: bool
    mine: Sequence[Entry | None]
    my_totals: Sequence[int]
    my_kinds: Sequence[int]
    peers: Sequence[Shared | None]
    peer_totals: Sequence[int]
    peer_members: int
    peer_events: int
    peer_name: str
    everyone: Sequence[Shared | None]
    all_totals: Sequence[int]
    subjects: int
    surprise: Sequence[float]
    ratio: Sequence[float]
    windows: Sequence[Sequence[float]]
    session: Session | None
    since: int
    live_sessions: int
    resource: Thing | None
    device: Thing | None
    network: Thing | None
    lately: Sequence[tuple[int, int]]
    co_use: float
    co_use_best: float
    hours: tuple[float, float, float]
    colleagues: float
    step: tuple[float, float]
    peer_days: Sequence[Number]
    lookalike: Lookalike
    circle: CircleUse | None = None
