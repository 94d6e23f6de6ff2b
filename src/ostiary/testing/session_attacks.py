"""Attacks inside sessions of the simulated organisation: each takes an honest session and makes it one.

- *stolen*: somebody else uses the session from its middle on: loudly (another continent, a script), with a copied
  client, or quietly (same country, copied device, the owner's own work with a few reads beside it). The owner goes on.
- *device*: the device falls out of compliance, and something on it uses the session.
- *bulk*: the subject takes much more, of much more worth, than ever.
- *challenged*: somebody at the owner's device is asked to step up, cannot, and goes on.

Simulated, and labelled as such: figures on them compare scorers, they say nothing about real life.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from ostiary.testing.organisation_cast import Deed, Person, repositories
from ostiary.testing.organisation_days import NS, event_of
from ostiary.testing.organisation_facts import Wardrobe, share
from ostiary.testing.session_life import Session, counted, with_facts
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.facts import BehaviourFacts, NetworkKind, PostureFacts

_FAR: Final = (("201.17.8.9", "BR"), ("122.56.30.4", "NZ"), ("45.155.205.3", "RU"))
_SCRIPTS: Final = ("curl/8.11.0", "python-requests/2.32", "Go-http-client/2.0")
_PRODUCTS: Final = ("payments", "ledger", "web", "mobile", "search", "risk", "platform", "reports")
_CROWN: Final[tuple[Deed, ...]] = (
    ("database", "prod/customers", "query"),
    ("database", "prod/payments", "query"),
    ("database", "prod/ledger", "query"),
    ("bucket", "finance/ledger", "read"),
    ("features", "customer-risk/score", "query"),
)
_FALLS: Final[tuple[dict[str, Any], ...]] = (
    {"edr_alive": False, "attested": False},
    {"edr_alive": False, "firewall": False, "secure_boot": False},
    {"rooted": True, "attested": False, "secure_boot": False},
    {"edr_alive": False},
    {"disk_encrypted": False, "screen_lock": False, "firewall": False},
)


class Attacked(msgspec.Struct, frozen=True):
    """A session with an attack in it.

    Attributes:
        events: all accesses, the owner's and the others', not in order.
        since_ns: when the session was no longer only the owner's.
        bad: ids of the accesses that are not the owner's own doing, or not to be honoured.
    """

    events: Session
    since_ns: int
    bad: frozenset[str]


class Scene:
    """Makes the accesses of an attacker within one session."""

    def __init__(self, session: Session, person: Person, wardrobe: Wardrobe, luck: Random) -> None:
        """Take the honest session."""
        self.session, self.person, self.luck = session, person, luck
        self._wardrobe = wardrobe
        self.start = luck.randrange(1, max(2, 2 * len(session) // 3 + 1))
        self.before = session[self.start - 1]

    def moments(self, count: int, pause: tuple[float, float]) -> list[int]:
        """Return ``count`` moments in seconds from shortly after the owner's last own access on."""
        now, found = self.before.time_ns / NS + self.luck.uniform(20, 1_500), []
        for _ in range(count):
            found.append(int(now))
            now += self.luck.uniform(*pause)
        return found

    def access(self, time_s: int, deed: Deed, number: int) -> AccessEvent:
        """Return an access that looks like the owner's own in every way."""
        event = event_of(
            self.person, time_s, deed, self.before.tenant, 900 + number,
            ip=self.before.ip or "", session=self.before.session_id or "",
            age_s=time_s - self.session[0].time_ns / NS,
        )  # fmt: skip
        dressed = counted(self._wardrobe.dressed(event, self.person), self.person, self.luck)
        same = ("country", "device_id", "device_managed", "user_agent", "tz_offset_min", "posture", "session", "place")
        told = msgspec.structs.replace(dressed, **{name: getattr(self.before, name) for name in same})
        return with_facts(told, age_s=time_s - self.session[0].time_ns / NS)

    def deed(self, own: float) -> Deed:
        """Return what is done: with the chance ``own`` the owner's usual, else what an attacker looks for."""
        if self.luck.random() < own:
            return self.luck.choice(self.person.usual)
        if self.luck.random() < 0.5:  # noqa: PLR2004 - a fair coin
            return "repository", self.luck.choice(repositories(self.luck.choice(_PRODUCTS))), "read"
        return self.luck.choice(_CROWN)

    def attacked(self, events: Session, own: Session) -> Attacked:
        """Return the session with ``events`` beside its ``own``."""
        ids = frozenset(event.event_id for event in events)
        return Attacked([*own, *events], min(event.time_ns for event in events), ids)


def _stolen(scene: Scene) -> Attacked:
    luck, person = scene.luck, scene.person
    way = luck.choices((_loud, _copied, _quiet), (0.4, 0.35, 0.25))[0]
    pause, own, count, wear = way(person, luck)
    times = scene.moments(luck.randint(*count), pause)
    events = [wear(scene.access(when, scene.deed(own), number)) for number, when in enumerate(times)]
    goes_on = luck.random() < 0.5  # noqa: PLR2004 - a fair coin
    return scene.attacked(events, scene.session if goes_on else scene.session[: scene.start])


def typing(event: AccessEvent, llr: float) -> BehaviourFacts | None:
    """Return how somebody types and moves, with another likelihood ratio."""
    return event.behaviour and msgspec.structs.replace(event.behaviour, llr=llr)


Wear = Callable[[AccessEvent], AccessEvent]
Way = tuple[tuple[float, float], float, tuple[int, int], Wear]


def _loud(person: Person, luck: Random) -> Way:  # noqa: ARG001 - the shape of a way
    (ip, country), agent = luck.choice(_FAR), luck.choice(_SCRIPTS)

    def wear(event: AccessEvent) -> AccessEvent:
        place = event.place and msgspec.structs.replace(
            event.place, kind=NetworkKind.HOSTING, reputation=0.5, region=None, city=None, latitude=None, longitude=None
        )
        other = msgspec.structs.replace(
            event, ip=ip, country=country, user_agent=agent, device_id=f"unknown-{country}", device_managed=False,
            posture=None, behaviour=None, place=place,
        )  # fmt: skip
        return with_facts(other, key=f"key-{ip}")

    return (4.0, 40.0), 0.1, (4, 12), wear


def _copied(person: Person, luck: Random) -> Way:
    ip, country = luck.choice(_FAR) if luck.random() < 0.5 else (f"146.70.{luck.randrange(256)}.9", person.country)  # noqa: PLR2004
    llr, typed = luck.uniform(1.0, 6.0), luck.random() < 0.6  # noqa: PLR2004 - a browser, or a tool

    def wear(event: AccessEvent) -> AccessEvent:
        place = event.place and msgspec.structs.replace(event.place, kind=NetworkKind.VPN, reputation=0.4)
        behaviour = typing(event, llr + luck.gauss(0, 1.5)) if typed else None
        other = msgspec.structs.replace(event, ip=ip, country=country, posture=None, behaviour=behaviour, place=place)
        return with_facts(other, key=f"key-{ip}")

    return (20.0, 180.0), 0.4, (3, 8), wear


def _quiet(person: Person, luck: Random) -> Way:
    ip = f"{person.home.rpartition('.')[0]}.{luck.randrange(2, 250)}"
    llr, typed = luck.gauss(2.0, 1.5), luck.random() < 0.6  # noqa: PLR2004

    def wear(event: AccessEvent) -> AccessEvent:
        behaviour = typing(event, llr + luck.gauss(0, 2.0)) if typed else None
        other = msgspec.structs.replace(event, ip=ip, behaviour=behaviour)
        return with_facts(other, key=None)

    return (60.0, 900.0), 0.7, (3, 6), wear


def _device(scene: Scene) -> Attacked:
    luck, fall = scene.luck, scene.luck.choice(_FALLS)
    stale = luck.random() < 0.3  # noqa: PLR2004 - some stop reporting

    def fallen(event: AccessEvent) -> AccessEvent:
        posture = msgspec.structs.replace(event.posture or PostureFacts(), **fall)
        if stale:
            posture = msgspec.structs.replace(posture, report_age_s=luck.uniform(4, 30) * 3_600)
        return msgspec.structs.replace(event, posture=posture)

    times = scene.moments(luck.randint(2, 8), (2.0, 60.0))
    bad = [
        fallen(msgspec.structs.replace(scene.access(when, scene.deed(0.5), n), behaviour=None))
        for n, when in enumerate(times)
    ]
    rest = [fallen(event) for event in scene.session[scene.start :] if event.time_ns >= times[0] * NS]
    own = [event for event in scene.session if event.time_ns < times[0] * NS]
    return scene.attacked([*bad, *rest], own)


def _bulk(scene: Scene) -> Attacked:
    luck = scene.luck
    times = scene.moments(luck.randint(8, 25), (8.0, 60.0))
    events = []
    for number, when in enumerate(times):
        count = float(int(luck.lognormvariate(8.0, 1.0)))
        event = scene.access(when, scene.deed(0.3), number)
        events.append(msgspec.structs.replace(event, count=count, bytes=int(count * luck.uniform(300, 2_000))))
    return scene.attacked(events, scene.session)


def _challenged(scene: Scene) -> Attacked:
    luck = scene.luck
    failed, typed = luck.choice((0, 1, 2, 3)), luck.random() < 0.8  # noqa: PLR2004
    llr = luck.uniform(0.0, 4.0)
    events = []
    for number, when in enumerate(scene.moments(luck.randint(3, 8), (20.0, 240.0))):
        event = scene.access(when, scene.deed(0.4), number)
        behaviour = typing(event, llr + luck.gauss(0, 1.5)) if typed else None
        refused = number > 0 and luck.random() < 0.4  # noqa: PLR2004 - what needs the step-up is refused
        told = msgspec.structs.replace(
            event, behaviour=behaviour, outcome=EventOutcome.DENIED if refused else EventOutcome.SUCCESS
        )
        tried = min(failed, number)
        events.append(with_facts(told, step_ups=min(1, number), step_up_open=number > 0, step_ups_failed=tried))
    return scene.attacked(events, scene.session[: scene.start])


KINDS: Final[dict[str, Callable[[Scene], Attacked]]] = {
    "stolen": _stolen,
    "device": _device,
    "bulk": _bulk,
    "challenged": _challenged,
}


def attacked(kind: str, session: Session, person: Person, wardrobe: Wardrobe, luck: Random) -> Attacked:
    """Return the session with an attack of ``kind`` in it."""
    return KINDS[kind](Scene(session, person, wardrobe, luck))


def chosen(session_id: str, seed: int, rate: float) -> str:
    """Return which kind of attack a session suffers, mostly none."""
    drawn = share(seed, session_id, "attack")
    return list(KINDS)[int(len(KINDS) * share(seed, session_id, "kind"))] if drawn < rate else ""
