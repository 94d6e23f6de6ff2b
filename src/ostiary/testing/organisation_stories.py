"""The attack stories of the simulated organisation, named and told in one sentence each."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ostiary.testing.organisation_cast import Deed, Person, repositories
from ostiary.testing.organisation_days import DAY_S, NS, event_of
from ostiary.testing.organisation_facts import Wardrobe, by_another
from ostiary.vocabulary.events import AccessEvent

_UNFAMILIAR: Final = ("122.56.30.4", "NZ")
_ELSEWHERE: Final = ("201.17.8.9", "BR")
_STRANGE_AGENT: Final = "curl/8.11.0"
_DRIFT_DAYS: Final = 14


class Story(msgspec.Struct, frozen=True):
    """One attack: who is its subject, what happens, and the events it adds, in the order of time."""

    name: str
    sentence: str
    subject: Person
    events: tuple[AccessEvent, ...]


def _two_am(dana: Person, until_s: int, tenant: str) -> Iterator[AccessEvent]:
    ip, country = _UNFAMILIAR
    session = f"{dana.name}-night"
    deeds: tuple[tuple[int, Deed], ...] = (
        (-90, ("application", "sso", "login")),
        (0, ("database", "prod/customers", "query")),
    )
    for number, (after, deed) in enumerate(deeds):
        event = event_of(dana, until_s + after, deed, tenant, number, ip=ip, session=session, age_s=after + 90.0)
        yield msgspec.structs.replace(event, country=country, mfa=False, count=None if number == 0 else 5_000.0)


def _slow_drift(dana: Person, until_s: int, tenant: str) -> Iterator[AccessEvent]:
    targets = [*repositories("ledger"), *repositories("risk"), *repositories("platform")]
    for day in range(_DRIFT_DAYS):
        midnight = until_s - (until_s + dana.offset_min * 60) % DAY_S - (_DRIFT_DAYS - 1 - day) * DAY_S
        start = min(midnight + 17 * 3_600, until_s - _DRIFT_DAYS * 60 + day * 60)
        for number, name in enumerate(targets[: 1 + day // 2]):
            deed = ("repository", name, "clone")
            when = min(until_s, start + 300 * number)
            yield event_of(dana, when, deed, tenant, 100 + number, ip=dana.home, session=f"drift-{day}", age_s=60.0)


def _stolen_session(dana: Person, until_s: int, tenant: str) -> Iterator[AccessEvent]:
    ip, country = _ELSEWHERE
    session = f"{dana.name}-stolen"
    own = event_of(dana, until_s - 900, dana.usual[0], tenant, 0, ip=dana.office, session=session, age_s=60.0)
    yield own
    deeds: list[Deed] = [("repository", name, "list") for name in repositories("ledger") + repositories("risk")]
    deeds += [("bucket", "finance/ledger", "export"), ("features", "customer-risk/score", "export")]
    for number, deed in enumerate(deeds, start=1):
        when = until_s - 240 + number * 20
        event = event_of(dana, when, deed, tenant, number, ip=ip, session=session, age_s=720.0 + number * 20)
        yield msgspec.structs.replace(
            event, country=country, device_id="unknown-device", device_managed=False, user_agent=_STRANGE_AGENT
        )


Plot = Callable[[Person, int, str], Iterator[AccessEvent]]

_TWO_AM: Final = (
    "a developer who usually touches three repositories in business hours "
    "queries a production database at 02:00 from an unfamiliar network"
)
STORIES: Final[dict[str, tuple[str, Plot]]] = {
    "2am-dba": (_TWO_AM, _two_am),
    "slow-drift": (
        "over two weeks a developer's account clones a little more each day of what other teams own",
        _slow_drift,
    ),
    "stolen-session": (
        "a developer's session goes on from another continent, on another device, and lists and exports",
        _stolen_session,
    ),
}


def tell(name: str, people: tuple[Person, ...], until_ns: int, tenant: str, wardrobe: Wardrobe | None = None) -> Story:
    """Return the story called ``name`` with its events; with a wardrobe they tell token, place, posture and more."""
    sentence, plot = STORIES[name]
    dana = people[0]
    events = tuple(plot(dana, until_ns // NS, tenant))
    told = tuple(_seen(event, dana, wardrobe) for event in events) if wardrobe else events
    return Story(name, sentence, dana, told)


def _seen(event: AccessEvent, dana: Person, wardrobe: Wardrobe) -> AccessEvent:
    """Return the event as it is told in full: whoever comes from where Dana never is, is somebody else."""
    told = wardrobe.dressed(event, dana)
    return told if event.ip in {dana.home, dana.office} else by_another(told)
