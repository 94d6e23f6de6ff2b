"""What is remembered of a subject, of a group, and of a thing that subjects share; bounded in every direction.

Rules:
- Every collection has a cap; past twice the cap the rarest half goes in one sweep (amortised constant cost), and
  what went stays in the totals, so that a flood of new names never makes a name look commoner than it is.
- Entries are immutable tuples: whoever looked keeps what they saw.
- Fields are appended, never inserted: the msgpack form is by position and older profiles stay readable.
- Times are whole seconds since the Unix epoch.

>>> table = {"often": (5, 0, 9, 5.0), "once": (1, 0, 1, 1.0), "late": (1, 8, 8, 1.0)}
>>> pruned(table, 1); sorted(table)
['often']
"""

from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from ostiary.signals.dimensions import COUNT
from ostiary.signals.numbers import EMPTY, Number
from ostiary.signals.window import Window
from ostiary.signals.windows import fresh

Entry = tuple[int, int, int, float]
"""A subject's own use of one value: times used, first used, last used, fading count as of the last use."""

Shared = tuple[int, int, int]
"""A group's use of one value: times used, members who ever used it, last used."""

Fading = tuple[float, int]
"""A count that fades, and the moment it was right."""

NONE: Final[Fading] = (0.0, 0)

Regular = tuple[float, int, float]
"""How much a subject uses a thing among others: rank, last use, and its own fading use as of then."""

Suspect = tuple[float, int, int]
"""Evidence that another subject acts under this name: nats as of the last time, that time, how often it fitted."""

Value = TypeVar("Value", Entry, Shared)

HOURS: Final = 48
HALVED_AT: Final = 4096
MAX_SESSIONS: Final = 4
MAX_RECENT: Final = 24
MAX_FAVOURITES: Final = 8
MAX_NEIGHBOURS: Final = 24
MAX_VISITORS: Final = 8
MAX_COLLEAGUES: Final = 20
MAX_TOKENS: Final = 4
MAX_HOMES: Final = 3
MAX_CODES: Final = 8


class TokenUse(NamedTuple):
    """One token as the subject uses it: checksum of its id, network and device it came from first, uses, last use."""

    name: int
    network: str | None
    device: str | None
    uses: int
    last: int


class Spot(NamedTuple):
    """Where the subject was last, with coordinates: degrees, uncertainty in km, when, through a shared exit, device."""

    latitude: float
    longitude: float
    radius_km: float
    time: int
    shared: bool
    device: str | None


class Home(NamedTuple):
    """A place where the subject often is: degrees and how often it was there."""

    latitude: float
    longitude: float
    times: float


class Session(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One sitting so far; replaced, never changed."""

    start: int
    last: int
    events: int
    resources: int
    collections: int
    new: int
    surprise_max: float
    surprise_sum: float
    hour_surprise: float
    zone_surprise: float
    amount: float
    network: str | None
    device: str | None
    country: str | None
    timezone: int | None
    writes: int
    failures: int
    odds_max: float
    odds_sum: float
    posture: int = -1
    deeds: int = 0  # packed, see ``progress``


class Thing(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A resource, device or network as all subjects of a tenant use it; replaced, never changed.

    ``crowd`` and ``failures`` fade with a half-life of one hour: changes of hand, and failed tries. ``users_mark`` has
    a bit set for each subject that ever used it (``neighbours``).
    """

    events: int
    users: int
    first: int
    last: int
    crowd: float
    failures: float
    visitors: tuple[str, ...]
    users_mark: bytes = b""


class Baseline(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a subject's habits were when its profile became mature; it does not follow what the subject does later.

    ``habits`` has a place for each of ``baselines.KEPT``: the values most used then and how often; ``totals`` counts
    all uses, those of other values too.
    """

    at: int
    events: int
    habits: tuple[dict[str, int], ...]
    totals: tuple[int, ...]
    hours: tuple[int, ...]


class Subject(msgspec.Struct, array_like=True, gc=False):
    """Everything kept of one subject."""

    first: int = 0
    last: int = 0
    events: int = 0
    sittings: int = 0
    pace: float = 0.0
    peers: str = ""
    home: str = ""
    groups: tuple[str, ...] = ()
    dims: list[dict[str, Entry] | None] = msgspec.field(default_factory=lambda: [None] * COUNT)
    totals: list[int] = msgspec.field(default_factory=lambda: [0] * COUNT)
    hours: list[int] = msgspec.field(default_factory=lambda: [0] * HOURS)
    utc_hours: list[int] = msgspec.field(default_factory=lambda: [0] * 24)
    weekdays: list[int] = msgspec.field(default_factory=lambda: [0] * 7)
    gap: Number = EMPTY
    amount: Number = EMPTY
    volume: Number = EMPTY
    session_events: Number = EMPTY
    session_length: Number = EMPTY
    session_resources: Number = EMPTY
    surprise: Number = EMPTY
    hour_surprise: Number = EMPTY
    zone_surprise: Number = EMPTY
    sensitivity: Number = EMPTY
    odds: Number = EMPTY
    surprise_lately: float = 0.0
    hour_lately: float = 0.0
    zone_lately: float = 0.0
    strain: float = 0.0
    odds_lately: float = 0.0
    windows: list[Window] = msgspec.field(default_factory=fresh)
    sessions: dict[str, Session] = {}
    recent: list[str] = []
    recent_resources: list[str] = []
    recent_hours: list[int] = []
    favourites: list[str] = []
    failures_in_row: int = 0
    mfa_used: int = 0
    mfa_told: int = 0
    managed_used: int = 0
    managed_told: int = 0
    previous: str | None = None
    timezone: int | None = None
    country: str | None = None
    country_since: int = 0
    country_before: str | None = None
    network: str | None = None
    device: str | None = None
    groups_since: int = 0
    colleagues: dict[str, float] = {}
    previous_action: str | None = None
    usual: dict[str, Number] = {}
    tokens: tuple[TokenUse, ...] = ()
    spot: Spot | None = None
    homes: tuple[Home, ...] = ()
    codes: tuple[tuple[str, int], ...] = ()
    refused: Fading = NONE
    factor_refused: Fading = NONE
    after_failures: Fading = NONE
    bound_used: int = 0
    bound_told: int = 0
    days: tuple[Number, ...] = ()
    step_lately: float = 0.0
    step_surprise: Number = EMPTY
    deeds: int = 0  # marks of what the subject has done, see ``tactics.BITS``
    baseline: Baseline | None = None
    drift: tuple[float, ...] = ()
    nearest: tuple[tuple[int, int], ...] = ()
    circle: str = ""
    unit: str = ""
    suspects: dict[str, Suspect] = {}

    def forget(self, who: str) -> bool:
        """Take another subject's name out of this profile; return whether it was there."""
        met, suspected = self.colleagues.pop(who, None), self.suspects.pop(who, None)
        return met is not None or suspected is not None

    def widen(self) -> None:
        """Make room for dimensions that were unknown when this was written."""
        lacking = COUNT - len(self.dims)
        self.dims.extend([None] * lacking)
        self.totals.extend([0] * lacking)


class Group(msgspec.Struct, array_like=True, gc=False):
    """What the members of a group, or a whole tenant, do together."""

    members: int = 0
    events: int = 0
    first: int = 0
    dims: list[dict[str, Shared] | None] = msgspec.field(default_factory=lambda: [None] * COUNT)
    totals: list[int] = msgspec.field(default_factory=lambda: [0] * COUNT)
    hours: list[int] = msgspec.field(default_factory=lambda: [0] * HOURS)
    amount: Number = EMPTY
    days: tuple[Number, ...] = ()

    def widen(self) -> None:
        """Make room for dimensions that were unknown when this was written."""
        lacking = COUNT - len(self.dims)
        self.dims.extend([None] * lacking)
        self.totals.extend([0] * lacking)


def _rank(item: tuple[str, tuple[Any, ...]]) -> tuple[int, int, str]:
    key, entry = item
    return entry[0], entry[2], key


def pruned(table: dict[str, Value], cap: int) -> None:
    """Keep the ``cap`` most used values of ``table`` once it holds more than twice as many; ties go to the latest."""
    if len(table) <= 2 * cap:
        return
    for key, _ in sorted(table.items(), key=_rank)[: len(table) - cap]:
        del table[key]


def halved(histogram: list[int]) -> None:
    """Halve every count once the histogram is full, so that old habits fade."""
    if sum(histogram) >= HALVED_AT:
        histogram[:] = [count >> 1 for count in histogram]
