"""The profiles of one tenant in memory, and which of them an event concerns."""

from collections import OrderedDict
from operator import attrgetter
from typing import Final

import msgspec

from ostiary.signals.circles import Circles
from ostiary.signals.facts import sound_facts
from ostiary.signals.history import Moment
from ostiary.signals.profiles import Group, Regular, Subject, Thing
from ostiary.signals.shelf import Shelf
from ostiary.signals.texts import MAX_ID, identifier
from ostiary.vocabulary.events import AccessEvent

NS: Final = 1_000_000_000
LATEST_S: Final = 1 << 33
SITTING_S: Final = 1_800
NAMED_SITTING_S: Final = 12 * 3_600
_MOST_GROUPS: Final = 32
_NAMES: Final = (
    "subject_id",
    "subject_type",
    "resource_id",
    "resource_type",
    "action",
    "session_id",
    "device_id",
    "client_id",
    "issuer",
    "auth_method",
    "country",
    "ua_family",
    "ua_os",
    "ip",
)
_names_of: Final = attrgetter(*_NAMES)
_DAY_S: Final = 86_400
_FIRST_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday
_WIDEST_OFFSET: Final = 24 * 60


class Tables:
    """Everything remembered of one tenant.

    Attributes:
        subjects: by ``type:id``, least recently learned first.
        groups: peer groups by name, least recently learned first.
        everyone: the tenant as one group.
        resources, devices, networks: things by their dimension's value, least recently used first.
        company: for each resource, which others its users also use: resource → other → users.
        regulars: for each resource those who use it most.
        circles: which learned peer group each subject is in.
    """

    __slots__ = (
        "circles",
        "company",
        "devices",
        "everyone",
        "groups",
        "networks",
        "regulars",
        "resources",
        "subjects",
    )

    def __init__(self, subjects: Shelf) -> None:
        """Begin with nothing remembered but what lies on the shelf."""
        self.subjects = subjects
        self.groups: OrderedDict[str, Group] = OrderedDict()
        self.everyone = Group()
        self.resources: OrderedDict[str, Thing] = OrderedDict()
        self.devices: OrderedDict[str, Thing] = OrderedDict()
        self.networks: OrderedDict[str, Thing] = OrderedDict()
        self.company: OrderedDict[str, dict[str, int]] = OrderedDict()
        self.regulars: OrderedDict[str, dict[str, Regular]] = OrderedDict()
        self.circles = Circles()


def subject_key(event: AccessEvent) -> str:
    """Return the key of the event's subject: people and workloads of one name stay apart."""
    return f"{event.subject_type}:{event.subject_id}"


def sound(event: AccessEvent) -> AccessEvent:
    """Return ``event`` with names short enough to be remembered; what enforcement points send may be of any length."""
    told = _names_of(event)
    names = *filter(None, told), *event.groups
    if len("".join(names)) <= MAX_ID and len(event.groups) <= _MOST_GROUPS:
        return sound_facts(event)  # all together are short, and so is each
    if max(map(len, names), default=0) <= MAX_ID and len(event.groups) <= _MOST_GROUPS:
        return sound_facts(event)
    short = {name: identifier(value) for name, value in zip(_NAMES, told, strict=True) if value is not None}
    groups = tuple(identifier(name) for name in event.groups[:_MOST_GROUPS])
    return sound_facts(msgspec.structs.replace(event, **short, groups=groups))


def unit_of(event: AccessEvent) -> str:
    """Return where the directory puts the subject, as far as the event tells: department, and manager within it."""
    account = event.account
    if account is None or not account.department:
        return ""
    return identifier(f"{account.department}/{account.manager}" if account.manager else account.department)


def peer_name(event: AccessEvent, own: Subject) -> str:
    """Return the peer group.

    The first group told, else the department, else those at home in the same collection, else the new ones. The
    subject's type comes first: people and workloads are never peers.
    """
    if event.groups:
        return f"{event.subject_type}:group:{event.groups[0]}"
    unit = own.unit if event.account is None else unit_of(event) or own.unit
    if unit:
        return f"{event.subject_type}:unit:{unit}"
    if own.home:
        return f"{event.subject_type}:home:{own.home}"
    return f"{event.subject_type}:new"


def seconds_of(event: AccessEvent) -> int:
    """Return the event's time in whole seconds, kept within what a profile can hold."""
    return max(0, min(event.time_ns // NS, LATEST_S))


def moment_of(event: AccessEvent, own: Subject) -> Moment:
    """Return when the access is for its subject; an unknown offset is the last one known."""
    now = seconds_of(event)
    offset = event.tz_offset_min
    if offset is None and own.timezone is not None:
        offset = own.timezone
    if offset is not None:
        offset = max(-_WIDEST_OFFSET, min(_WIDEST_OFFSET, offset))
    local = now + 60 * (offset or 0)
    return Moment(
        now,
        offset,
        local // 3600 % 24,
        local // 60 % 60,
        (local // _DAY_S + _FIRST_WEEKDAY) % 7,
        now // 3600 % 24,
    )
