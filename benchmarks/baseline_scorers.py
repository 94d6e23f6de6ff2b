"""Other people's ways to score an access, re-created from their published descriptions; none of it is their code.

Each is streaming and causal: `score` sees one access and what came before it. Constants come from the descriptions, or
were set once by hand; none was tuned on devaccess. What a set does not tell (an address, a failed login) is left out,
and the UTC offset stands where the original uses the address. Higher is more suspicious.

- Likelihood ratio: Freeman et al., "Who are you?" (NDSS 2016): how much likelier the moment is for anybody than for the
  user, user backed off to tenant.
- Place rarity: the offset's rarity for the user, the yardstick of every address-only rule.
- Keycloak-style: github.com/mabartos/keycloak-adaptive-authn, RISK_SCORING_GUIDE.md: evidence between -2.5 and +2.5
  a rule, summed as log-odds; known location, login time, bursts of actions, spread over places.
- tirreno-style: github.com/tirrenotechnologies/tirreno: rules of weight 10 (medium) and 20 (high), summed. Rules that
  lower a score are left out: an account of some age would cancel every other rule that applies here.
- Nextcloud-style: github.com/nextcloud/suspicious_login: a small perceptron on the bits of user and address, real pairs
  against random addresses and other users' addresses, trained anew as time goes on, and silent for the first 60 days.
- OpenUBA-style: github.com/GACWR/openuba-model-hub, `model_sklearn`: IsolationForest on the raw numbers of the log.
"""

import warnings
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from hashlib import md5
from math import atan2, cos, log, pi, sin
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from ostiary.vocabulary.events import AccessEvent

Floats = npt.NDArray[np.float64]
NS: Final = 1_000_000_000
DAY: Final = 86_400
_STRENGTH: Final = 5.0  # how many accesses of a user weigh as much as the tenant's habit


class Access(msgspec.Struct, frozen=True):
    """What devaccess tells of an access."""

    user: str
    place: int
    repository: str
    area: str
    second: int
    hour: int
    free_day: bool
    session: str
    files: float


class Online(Protocol):
    """Scores one access from what came before it, then learns it."""

    def score(self, one: Access) -> float:
        """Return how suspicious ``one`` is."""
        ...


def access_of(event: AccessEvent) -> Access:
    """Return the access of an event."""
    second, offset = event.time_ns // NS, event.tz_offset_min or 0
    local = second + 60 * offset
    return Access(
        user=event.subject_id,
        place=offset,
        repository=event.resource_id.partition("/")[0],
        area=event.resource_id,
        second=second,
        hour=local % DAY // 3_600,
        free_day=(local // DAY + 4) % 7 in {0, 6},
        session=event.session_id or "",
        files=event.count or 0.0,
    )


class Share:
    """Shares of values: a user's, backed off to everybody's, which are smoothed over the values seen."""

    def __init__(self) -> None:
        self._all: Counter[object] = Counter()
        self._own: dict[str, Counter[object]] = defaultdict(Counter)
        self._total: Counter[str] = Counter()
        self._count = 0

    def of_all(self, value: object) -> float:
        """Return the share of ``value`` among everybody's."""
        return (self._all[value] + 1) / (self._count + len(self._all) + 1)

    def of_own(self, user: str, value: object) -> float:
        """Return the share of ``value`` among the user's."""
        own = self._own[user]
        return (own[value] + _STRENGTH * self.of_all(value)) / (self._total[user] + _STRENGTH)

    def learn(self, user: str, value: object) -> None:
        """Count one."""
        self._all[value] += 1
        self._own[user][value] += 1
        self._total[user] += 1
        self._count += 1

    def seen(self, user: str, value: object) -> int:
        """Return how often the user had ``value``."""
        return self._own[user][value]

    def kinds(self, user: str) -> int:
        """Return how many values the user had."""
        return len(self._own[user])


class LikelihoodRatio:
    """Sum over area, offset and time of the log of everybody's share over the user's."""

    def __init__(self) -> None:
        self._shares = [Share() for _ in range(4)]

    def score(self, one: Access) -> float:
        values = (one.repository, one.area, one.place, (one.hour, one.free_day))
        found = 0.0
        for share, value in zip(self._shares, values, strict=True):
            found += log(share.of_all(value)) - log(share.of_own(one.user, value))
            share.learn(one.user, value)
        return found


class PlaceRarity:
    """Minus the log of the offset's share among the user's."""

    def __init__(self) -> None:
        self._share = Share()

    def score(self, one: Access) -> float:
        found = -log(self._share.of_own(one.user, one.place))
        self._share.learn(one.user, one.place)
        return found


class Recent:
    """Accesses of each user in a running window."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._waiting: dict[str, deque[tuple[int, int]]] = defaultdict(deque)

    def learn(self, one: Access) -> None:
        """Count one and forget what left the window."""
        waiting = self._waiting[one.user]
        waiting.append((one.second, one.place))
        while waiting[0][0] < one.second - self._seconds:
            waiting.popleft()

    def count(self, one: Access) -> int:
        """Return how many there were in the window before ``one``."""
        return sum(second >= one.second - self._seconds for second, _ in self._waiting[one.user])

    def places(self, one: Access) -> int:
        """Return from how many places they came, this one's among them."""
        inside = {place for second, place in self._waiting[one.user] if second >= one.second - self._seconds}
        return len(inside | {one.place})


class KeycloakStyle:
    """Evidence of four rules, summed as log-odds."""

    _NEGATIVE_LOW, _NONE, _VERY_SMALL, _SMALL, _MEDIUM, _HIGH, _VERY_HIGH = -0.3, 0.0, 0.1, 0.4, 0.8, 1.5, 2.0

    def __init__(self) -> None:
        self._places = Share()
        self._clock: dict[str, tuple[float, float, int]] = {}
        self._hour, self._day = Recent(3_600), Recent(DAY)

    def score(self, one: Access) -> float:
        found = self._place(one) + self._time(one) + self._burst(one) + self._spread(one)
        self._places.learn(one.user, one.place)
        east, north, count = self._clock.get(one.user, (0.0, 0.0, 0))
        turn = 2 * pi * (one.second % DAY) / DAY
        self._clock[one.user] = (east + cos(turn), north + sin(turn), count + 1)
        self._hour.learn(one)
        self._day.learn(one)
        return found

    def _place(self, one: Access) -> float:
        seen = self._places.seen(one.user, one.place)
        if seen >= 10:  # noqa: PLR2004 - "seen 10+ times"
            return self._NEGATIVE_LOW
        return self._NONE if seen >= 2 else self._MEDIUM if not seen else self._VERY_SMALL  # noqa: PLR2004

    def _time(self, one: Access) -> float:
        east, north, count = self._clock.get(one.user, (0.0, 0.0, 0))
        if count < 5:  # noqa: PLR2004 - no pattern yet
            return self._NONE
        usual = (atan2(north, east) / (2 * pi)) % 1 * 24
        away = abs(one.second % DAY / 3_600 - usual)
        away = min(away, 24 - away)
        steps = ((2, self._NEGATIVE_LOW), (4, self._SMALL), (6, self._MEDIUM), (8, self._HIGH))
        return next((evidence for limit, evidence in steps if away <= limit), self._VERY_HIGH)

    def _burst(self, one: Access) -> float:
        count = self._hour.count(one)
        steps = ((0, self._NONE), (2, self._VERY_SMALL), (5, self._MEDIUM), (10, self._HIGH))
        return next((evidence for limit, evidence in steps if count <= limit), self._VERY_HIGH)

    def _spread(self, one: Access) -> float:
        return {1: self._NONE, 2: self._MEDIUM}.get(self._day.places(one), self._HIGH)


class TirrenoStyle:
    """Weights of the rules that apply, summed."""

    _MEDIUM, _HIGH = 10.0, 20.0

    def __init__(self) -> None:
        self._places, self._things = Share(), Share()
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._hour = Recent(3_600)

    def score(self, one: Access) -> float:
        age = (one.second - self._first.setdefault(one.user, one.second)) / DAY
        idle = (one.second - self._last.get(one.user, one.second)) / DAY
        new_place = not self._places.seen(one.user, one.place)
        rules = (
            (idle > 30, self._MEDIUM),  # noqa: PLR2004 - B08 dormant for 30 days
            (idle > 90, self._HIGH),  # noqa: PLR2004 - B09 for 90 days
            (age < 1, self._MEDIUM),  # B11 new account
            (one.hour < 5, self._MEDIUM),  # noqa: PLR2004 - B19 night
            (self._places.kinds(one.user) + new_place > 1, self._MEDIUM),  # B01 several countries
            (self._hour.places(one) > 1, self._HIGH),  # B20 several countries in one session
            (new_place and age > 0, self._HIGH),  # A04 new device and place
            (not self._things.seen(one.user, one.repository), self._MEDIUM),  # first look at a section
        )
        found = sum(weight for applies, weight in rules if applies)
        self._places.learn(one.user, one.place)
        self._things.learn(one.user, one.repository)
        self._hour.learn(one)
        self._last[one.user] = one.second
        return found


def nextcloud_style(accesses: Sequence[Access], *, window_days: int = 60, seed: int = 7) -> Floats:
    """Return how unlikely the perceptron finds each pair of user and offset, trained anew every window."""
    found = np.zeros(len(accesses))
    seconds = np.array([one.second for one in accesses])
    luck = np.random.default_rng(seed)
    users = np.array([_bits(int.from_bytes(md5(one.user.encode()).digest()[:2]), 16) for one in accesses])  # noqa: S324
    places = np.array([_bits(one.place + 14 * 60, 11) for one in accesses])
    border = seconds[0] + window_days * DAY
    while border <= seconds[-1]:
        past = np.flatnonzero((seconds < border) & (seconds >= border - 6 * window_days * DAY))
        coming = np.flatnonzero((seconds >= border) & (seconds < border + window_days * DAY))
        if len(past) and len(coming):
            model = _perceptron(users[past], places[past], luck, seed)
            found[coming] = 1 - model.predict_proba(np.hstack([users[coming], places[coming]]))[:, 1]
        border += window_days * DAY
    return found


def _perceptron(users: Floats, places: Floats, luck: np.random.Generator, seed: int) -> MLPClassifier:
    pairs = np.unique(np.hstack([users, places]), axis=0)
    who, where = pairs[:, : users.shape[1]], pairs[:, users.shape[1] :]
    anywhere = np.array([_bits(int(15 * luck.integers(0, 113)), 11) for _ in pairs])
    shuffled = where[luck.permutation(len(where))]
    rows = np.vstack([pairs, np.hstack([who, anywhere]), np.hstack([who, shuffled])])
    truth = np.r_[np.ones(len(pairs)), np.zeros(2 * len(pairs))]
    model = MLPClassifier((10,), learning_rate_init=0.01, max_iter=60, random_state=seed, n_iter_no_change=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the original stops after so many epochs as well
        return model.fit(rows, truth)


def openuba_style(accesses: Sequence[Access], train: npt.NDArray[np.bool_]) -> Floats:
    """Return IsolationForest's score on the log's own numbers, with that model's published settings."""
    codes: dict[str, int] = {}
    rows = np.array(
        [
            [
                one.second % DAY,
                one.place,
                one.files,
                codes.setdefault(one.user, len(codes)),
                codes.setdefault(one.repository, len(codes)),
                codes.setdefault(one.area, len(codes)),
            ]
            for one in accesses
        ],
        dtype=np.float64,
    )
    forest = IsolationForest(contamination=0.1, random_state=42).fit(rows[train])
    return np.asarray(-forest.score_samples(rows))


def _bits(number: int, width: int) -> list[int]:
    return [number >> place & 1 for place in range(width)]


ONLINE: Final[dict[str, type[Online]]] = {
    "likelihood ratio (Freeman), user backed off to tenant": LikelihoodRatio,
    "place only: rarity of the UTC offset": PlaceRarity,
    "Keycloak-adaptive-style evidence sum": KeycloakStyle,
    "tirreno-style rule weights": TirrenoStyle,
}
