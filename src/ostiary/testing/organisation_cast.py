"""Who is in the simulated organisation, and what it owns."""

from random import Random
from typing import Final

import msgspec

from ostiary.signals.inventory import ResourceEntry, SubjectEntry
from ostiary.vocabulary.events import ActionClass

ACTIONS: Final[dict[str, ActionClass]] = {
    "clone": ActionClass.EXPORT,
    "delete": ActionClass.DELETE,
    "export": ActionClass.EXPORT,
    "grant": ActionClass.ADMIN,
    "list": ActionClass.LIST,
    "login": ActionClass.AUTHENTICATE,
    "push": ActionClass.WRITE,
    "query": ActionClass.READ,
    "read": ActionClass.READ,
    "write": ActionClass.WRITE,
}
SITES: Final = (("London", "GB", 0, "86.134"), ("Berlin", "DE", 60, "91.12"), ("Newark", "US", -300, "73.162"))
_PRODUCTS: Final = ("payments", "ledger", "web", "mobile", "search", "risk", "platform", "reports")
_PARTS: Final = ("api", "worker", "docs")
_LAPTOPS: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
)
_QUARTER: Final = 15
_DAY_MIN: Final = 1_440
_STORY_HOUR_MIN: Final = 120


Deed = tuple[str, str, str]


class Person(msgspec.Struct, frozen=True):
    """One person, or one machine (``kind`` is ``service``), with habits.

    Attributes:
        usual: what they touch, most often first: (resource type, resource id, action).
        rare: what they touch now and then.
        start: local hour at which the day begins, and ``hours`` how long it lasts.
    """

    name: str
    kind: str
    groups: tuple[str, ...]
    country: str
    offset_min: int
    office: str
    home: str
    device: str
    agent: str
    start: float
    hours: float
    usual: tuple[Deed, ...]
    rare: tuple[Deed, ...]


def repositories(product: str) -> list[str]:
    """Return a product's repositories."""
    return [f"{product}-{part}" for part in _PARTS]


def resources() -> tuple[ResourceEntry, ...]:
    """Return everything the organisation owns, with what it is worth."""
    code = [ResourceEntry("repository", name, 1) for product in _PRODUCTS for name in repositories(product)]
    crown = ("customers", "payments")
    prod = [ResourceEntry("database", f"prod/{name}", 4, critical=True, labels=("production", "pii")) for name in crown]
    return (
        *code,
        *prod,
        ResourceEntry("database", "prod/*", 3, labels=("production",)),
        ResourceEntry("database", "staging/*", 1, labels=("staging",)),
        ResourceEntry("bucket", "finance/*", 3, labels=("production",)),
        ResourceEntry("bucket", "reports/*", 2),
        ResourceEntry("bucket", "public/*", 0),
        ResourceEntry("features", "customer-risk/*", 3, labels=("production", "pii")),
        ResourceEntry("features", "web-traffic/*", 1),
        ResourceEntry("application", "sso", 1),
    )


def subjects(people: tuple[Person, ...]) -> tuple[SubjectEntry, ...]:
    """Return the catalogue's entries of all people and machines."""
    return tuple(
        SubjectEntry(each.kind, each.name, each.groups, each.offset_min, {"site": each.country}) for each in people
    )


def cast(luck: Random, count: int, until_ns: int) -> tuple[Person, ...]:
    """Return ``count`` people and machines: three in four develop, the rest keep data, analyse it, or are machines."""
    people = [_dana(luck, until_ns)]
    people += [_MAKERS[_ROTA[number % len(_ROTA)]](luck, number) for number in range(1, count)]
    return tuple(people)


class _Place(msgspec.Struct, frozen=True):
    country: str
    offset_min: int
    office: str
    home: str
    device: str
    agent: str
    start: float
    hours: float


def _place(luck: Random, number: int) -> _Place:
    _, country, offset, net = SITES[number % len(SITES)]
    return _Place(
        country,
        offset,
        f"{net}.10.{luck.randrange(2, 250)}",
        f"{net}.{luck.randrange(20, 220)}.{luck.randrange(2, 250)}",
        f"laptop-{number:03d}",
        _LAPTOPS[luck.randrange(len(_LAPTOPS))],
        luck.gauss(8.8, 0.7),
        luck.gauss(8.5, 0.6),
    )


def _person(name: str, groups: tuple[str, ...], place: _Place, usual: list[Deed], rare: list[Deed]) -> Person:
    return Person(
        name,
        "user",
        groups,
        place.country,
        place.offset_min,
        place.office,
        place.home,
        place.device,
        place.agent,
        place.start,
        place.hours,
        tuple(usual),
        tuple(rare),
    )


def _dana(luck: Random, until_ns: int) -> Person:
    """Return Dana, who lives where it is two in the morning at ``until_ns``."""
    minutes = until_ns // 60_000_000_000 % _DAY_MIN
    offset = round((_STORY_HOUR_MIN - minutes) / _QUARTER) * _QUARTER
    offset = (offset + _DAY_MIN // 2) % _DAY_MIN - _DAY_MIN // 2
    place = msgspec.structs.replace(_place(luck, 0), offset_min=offset, start=8.5, hours=9.0, device="laptop-dana")
    usual: list[Deed] = [("repository", name, "push") for name in repositories("payments")]
    rare: list[Deed] = [("repository", "payments-api", "read"), ("database", "staging/payments", "query")]
    return _person("dana", ("payments", "developers"), place, usual, rare)


def _developer(luck: Random, number: int) -> Person:
    product = _PRODUCTS[luck.randrange(len(_PRODUCTS))]
    usual: list[Deed] = [("repository", name, luck.choice(("push", "push", "read"))) for name in repositories(product)]
    other = _PRODUCTS[luck.randrange(len(_PRODUCTS))]
    rare: list[Deed] = [("repository", name, "read") for name in repositories(other)]
    rare.append(("database", f"staging/{product}", "query"))
    return _person(f"dev{number:03d}", (product, "developers"), _place(luck, number), usual, rare)


def _analyst(luck: Random, number: int) -> Person:
    usual: list[Deed] = [("bucket", f"reports/{name}", "read") for name in ("weekly", "monthly")]
    usual.append(("features", "web-traffic/visits", "query"))
    rare: list[Deed] = [("features", "customer-risk/score", "query"), ("bucket", "finance/ledger", "read")]
    return _person(f"analyst{number:03d}", ("analysts",), _place(luck, number), usual, rare)


def _keeper(luck: Random, number: int) -> Person:
    usual: list[Deed] = [("database", f"prod/{name}", "query") for name in ("customers", "payments", "ledger")]
    rare: list[Deed] = [("database", "prod/customers", "export"), ("database", "prod/ledger", "grant")]
    return _person(f"dba{number:03d}", ("databases",), _place(luck, number), usual, rare)


def _service(luck: Random, number: int) -> Person:
    product = _PRODUCTS[number % len(_PRODUCTS)]
    address = f"10.20.{number % 250}.{luck.randrange(2, 250)}"
    usual: list[Deed] = [("database", f"prod/{product}", "write"), ("bucket", f"reports/{product}", "write")]
    return Person(
        f"svc-{product}-{number:03d}",
        "service",
        ("services",),
        "",
        0,
        address,
        address,
        f"node-{number:03d}",
        "python-requests/2.32",
        0.0,
        24.0,
        tuple(usual),
        (),
    )


_ROTA: Final = "dddaddkdsd"
_MAKERS: Final = {"a": _analyst, "d": _developer, "k": _keeper, "s": _service}
