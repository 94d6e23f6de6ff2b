"""What honest sessions of the simulated organisation look like: networks change, phones come in, people travel and err.

A history without such noise makes every change within a session an attack, and every figure on it a lie. Rates are
round numbers that nobody measured: simulated, and labelled as such.

- Everything follows from the seed and the session's name; an access keeps its id.
- Each access is told what a ledger of sessions would know of it (``SessionFacts``).
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from ostiary.testing.organisation_cast import ACTIONS, Person, repositories
from ostiary.testing.organisation_days import NS
from ostiary.testing.organisation_facts import Wardrobe, share
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import NetworkKind, PostureFacts, SessionFacts

Session = list[AccessEvent]
Habit = Callable[[Session, Person, Random], Session]

_PHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
_PRODUCTS: Final = ("payments", "ledger", "web", "mobile", "search", "risk", "platform", "reports")
_WIDER: Final = [("bucket", "finance/ledger", "read"), ("features", "customer-risk/score", "query")]
_NEWER: Final = ("140.0", "141.0")
_VPN: Final = (("185.107.80.7", "NL"), ("146.70.12.9", "SE"))
_COUNTED: Final = frozenset({ActionClass.READ, ActionClass.EXPORT, ActionClass.LIST})
_HOUR_S: Final = 3_600


def lived(session: Session, person: Person, luck: Random, wardrobe: Wardrobe) -> Session:
    """Return a person's session with what happens in honest ones."""
    own = {event.event_id for event in session}
    found = [counted(event, person, luck) for event in known(session, person)]
    for chance, habit in HABITS:
        if luck.random() < chance(person):
            found = habit(found, person, luck)
    begun_ns = found[0].time_ns
    return [event if event.event_id in own else _told(event, person, begun_ns, wardrobe) for event in found]


def _told(event: AccessEvent, person: Person, begun_ns: int, wardrobe: Wardrobe) -> AccessEvent:
    """Return an access that was added to a session, with what is told of such a one."""
    age = (event.time_ns - begun_ns) / NS
    dressed = wardrobe.dressed(msgspec.structs.replace(event, auth_age_s=age), person)
    same = ("auth_age_s", "token", "account", "data", "language")
    told = msgspec.structs.replace(event, **{name: getattr(dressed, name) for name in same})
    return with_facts(told, age_s=age)


def known(session: Sequence[AccessEvent], person: Person) -> Session:
    """Return the session with what a ledger knows of each access: its age, and the key of the person's device."""
    begun = session[0].time_ns
    return [
        with_facts(event, age_s=(event.time_ns - begun) / NS, key=f"key-{person.device}", **_NO_STEP_UPS)
        for event in session
    ]


_NO_STEP_UPS: Final = {"step_ups": 0, "step_ups_failed": 0, "step_up_open": False, "proofs": 0}


def with_facts(event: AccessEvent, **facts: Any) -> AccessEvent:
    """Return ``event`` with other facts of its session."""
    return msgspec.structs.replace(event, session=msgspec.structs.replace(event.session or SessionFacts(), **facts))


def later(
    session: Session, start: int, change: Callable[[AccessEvent], AccessEvent], end: int | None = None
) -> Session:
    """Return the session with its accesses from ``start`` on changed."""
    return [*session[:start], *map(change, session[start:end]), *(session[end:] if end is not None else ())]


def counted(event: AccessEvent, person: Person, luck: Random) -> AccessEvent:
    """Return ``event`` with an amount, where its kind of action has one."""
    if event.action_class not in _COUNTED:
        return event
    heavy = {"analysts", "databases"} & set(person.groups) and luck.random() < 0.05  # noqa: PLR2004 - month's ends
    count = float(int(luck.lognormvariate(8.5 if heavy else 2.5, 1.2)) + 1)
    return msgspec.structs.replace(event, count=count, bytes=int(count * luck.uniform(300, 2_000)))


def _middle(session: Session, luck: Random) -> int:
    return luck.randrange(1, max(2, len(session)))


def _moves(session: Session, person: Person, luck: Random) -> Session:
    """From the office to the train: the same device on a mobile network."""
    ip = f"100.{64 + int(20 * share(person.name, 'carrier'))}.{luck.randrange(256)}.{luck.randrange(1, 255)}"

    def change(event: AccessEvent) -> AccessEvent:
        place = event.place and msgspec.structs.replace(event.place, kind=NetworkKind.MOBILE, radius_km=60.0)
        return msgspec.structs.replace(event, ip=ip, place=place)

    return later(session, _middle(session, luck), change)


def _vpn(session: Session, person: Person, luck: Random) -> Session:
    """A tunnel that comes out in another country."""
    ip, country = _VPN[int(2 * share(person.name, "tunnel"))]

    def change(event: AccessEvent) -> AccessEvent:
        place = event.place and msgspec.structs.replace(
            event.place, kind=NetworkKind.VPN, reputation=0.3, region=None, city=None, latitude=None, longitude=None
        )
        return msgspec.structs.replace(event, ip=ip, country=country, place=place)

    return later(session, luck.choice((0, _middle(session, luck))), change)


def _phone(session: Session, person: Person, luck: Random) -> Session:
    """The session goes on, on the person's own telephone."""

    def change(event: AccessEvent) -> AccessEvent:
        told = msgspec.structs.replace(
            event, device_id=f"phone-{person.name}", device_managed=False, user_agent=_PHONE,
            posture=PostureFacts(screen_lock=True, rooted=False), behaviour=None,
        )  # fmt: skip
        return with_facts(told, key=f"key-phone-{person.name}")

    return later(session, _middle(session, luck), change)


def _updated(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001 - the shape of a habit
    def change(event: AccessEvent) -> AccessEvent:
        return msgspec.structs.replace(event, user_agent=(event.user_agent or "").replace(*_NEWER))

    return later(session, _middle(session, luck), change)


def _blip(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001
    """Protection restarts, or somebody switches the firewall off and on again."""
    start, what = _middle(session, luck), luck.choice(("edr_alive", "firewall"))

    def change(event: AccessEvent) -> AccessEvent:
        return msgspec.structs.replace(
            event, posture=event.posture and msgspec.structs.replace(event.posture, **{what: False})
        )

    return later(session, start, change, start + luck.randrange(1, 3))


def _challenged(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001
    """A step-up is demanded; mostly it succeeds at once, sometimes at the second try, sometimes nobody answers."""
    start = _middle(session, luck)
    failed, answered = int(luck.random() < 0.1), luck.random() < 0.9  # noqa: PLR2004 - thumbs
    asked = later(session, start, lambda event: with_facts(event, step_ups=1, step_up_open=True))
    if not answered:
        return asked[: start + 2]
    proven = asked[min(start + 1, len(asked) - 1)].time_ns

    def change(event: AccessEvent) -> AccessEvent:
        age = (event.time_ns - proven) / NS + 5.0
        return with_facts(event, step_up_open=False, step_ups_failed=failed, proofs=1, proven_age_s=age)

    return later(asked, start + 1, change)


def _refused(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001
    """A right that is missing, tried once or several times."""
    start, count = _middle(session, luck), luck.choice((1, 1, 1, 2, 4))

    def change(event: AccessEvent) -> AccessEvent:
        return msgspec.structs.replace(event, outcome=EventOutcome.DENIED)

    return later(session, start, change, start + count)


def _explores(session: Session, person: Person, luck: Random) -> Session:
    """A new task: things that somebody else's work is about, read one after the other."""
    before = session[_middle(session, luck) - 1]
    product, count = luck.choice(_PRODUCTS), luck.randint(1, 5)
    names = [("repository", name, "read") for name in repositories(product)] + _WIDER
    when = before.time_ns / NS
    found = []
    for number in range(count):
        when += luck.choice((luck.uniform(5, 40), luck.uniform(60, 600)))
        kind, name, action = luck.choice(names)
        event = msgspec.structs.replace(
            before, event_id=f"{before.event_id}-x{number}", time_ns=int(when) * NS, resource_type=kind,
            resource_id=name, action=action, action_class=ActionClass.READ, data=None, language=None,
        )  # fmt: skip
        found.append(counted(event, person, luck))
    return sorted([*session, *found], key=lambda event: event.time_ns)


def _busy(session: Session, person: Person, luck: Random) -> Session:
    """Much of the usual in few minutes."""
    before = session[_middle(session, luck) - 1]
    when, found = before.time_ns / NS, []
    for number in range(luck.randint(3, 16)):
        when += luck.choice((luck.uniform(2, 30), luck.uniform(20, 200)))
        kind, name, action = luck.choice(person.usual)
        event = msgspec.structs.replace(
            before, event_id=f"{before.event_id}-b{number}", time_ns=int(when) * NS, resource_type=kind,
            resource_id=name, action=action, action_class=ACTIONS[action],
        )  # fmt: skip
        found.append(counted(event, person, luck))
    return sorted([*session, *found], key=lambda event: event.time_ns)


def _late(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001
    """On call, or before a deadline."""
    shift = int(luck.uniform(5, 9) * _HOUR_S) * NS
    return [msgspec.structs.replace(event, time_ns=event.time_ns + shift) for event in session]


def _by_program(session: Session, person: Person, luck: Random) -> Session:  # noqa: ARG001
    """Nobody types: a tool of the person's own uses the session."""
    return [msgspec.structs.replace(event, behaviour=None) for event in session]


def _tunnels(person: Person) -> float:
    return 0.25 if share(person.name, "tunnels") < 0.1 else 0.01  # noqa: PLR2004 - one in ten


def _phones(person: Person) -> float:
    return 0.12 if share(person.name, "phones") < 0.3 else 0.0  # noqa: PLR2004 - three in ten


def _always(rate: float) -> Callable[[Person], float]:
    return lambda _person: rate


HABITS: Final[tuple[tuple[Callable[[Person], float], Habit], ...]] = (
    (_always(0.3), _busy),
    (_always(0.08), _explores),
    (_always(0.12), _moves),
    (_tunnels, _vpn),
    (_phones, _phone),
    (_always(0.01), _updated),
    (_always(0.03), _blip),
    (_always(0.05), _refused),
    (_always(0.03), _late),
    (_always(0.15), _by_program),
    (_always(0.05), _challenged),
)
