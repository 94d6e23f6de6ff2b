"""What the people of the simulated organisation tell beside the bare access: token, place, posture, account and more.

Everything follows from names and times by a checksum, so that dressing an event draws no dice: the history is the same
with and without. Simulated, and labelled as such: figures on it say nothing about real life.
"""

from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import msgspec

from ostiary.signals.standing import Standing
from ostiary.testing.organisation_cast import Person
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    NetworkKind,
    PlaceFacts,
    PostureFacts,
    TokenFacts,
    WorkloadFacts,
)

_DAY_S: Final = 86_400
_NS: Final = 1_000_000_000
_SITES: Final = {
    "GB": ("GB-ENG", "London", 51.507, -0.128, "en-GB"),
    "DE": ("DE-BE", "Berlin", 52.520, 13.405, "de-DE"),
    "US": ("US-NJ", "Newark", 40.736, -74.172, "en-US"),
    "NZ": ("NZ-WGN", "Wellington", -41.286, 174.776, "en-NZ"),
    "BR": ("BR-SP", "São Paulo", -23.551, -46.633, "pt-BR"),
}
_TOOLS: Final = ("search", "sql", "summarise", "calendar")
_HOSTS: Final = ("pypi.org", "registry.example.org", "metrics.example.org")
_PURPOSES: Final = {"databases": "operations", "analysts": "reporting", "services": "processing"}
_ASSISTED: Final = ("features", "bucket")
_DATA: Final = ("database", "features", "bucket")


def share(*parts: object) -> float:
    """Return a number in [0, 1) that follows from the parts."""
    return crc32("\0".join(map(str, parts)).encode()) / 2**32


def properties(person: Person, until_s: int) -> dict[str, Any]:
    """Return what the organisation's directory says of ``person``."""
    made = _DAY_S * (200 + int(1_500 * share(person.name, "made")))
    return {
        "department": person.groups[0],
        "manager": f"lead-{person.groups[0]}",
        "privileged": "databases" in person.groups,
        "leaving": False,
        "break_glass": False,
        "created": until_s - made,
        "role_changed": until_s - made // 2,
        "credential_changed": until_s - _DAY_S * (40 + int(50 * share(person.name, "credential"))),
        "confirmed_alerts": 0,
        "false_alerts": int(3 * share(person.name, "alerts")),
    }


class Wardrobe:
    """Dresses events with everything that is told of such accesses."""

    def __init__(self, until_s: int, tokens: TokenFacts | None = None) -> None:
        """Take when the history ends, and what every token is like where each request has a fresh one."""
        self._until_s = until_s
        self._tokens = tokens
        self._standings: dict[str, Standing] = {}

    def dressed(self, event: AccessEvent, person: Person) -> AccessEvent:
        """Return ``event`` with everything that is told of such an access of ``person``."""
        machine = person.kind == "service"
        return msgspec.structs.replace(
            event,
            token=self._token(event, machine=machine),
            place=_place(event, person),
            posture=_posture(person.device, event.time_ns // _NS // _DAY_S),
            account=self._account(event, person),
            data=_data(event, person) if event.resource_type in _DATA else None,
            workload=_workload(event, person) if machine else None,
            language=_language(event) if not machine and event.resource_type in _ASSISTED else None,
            behaviour=None if machine else _behaviour(event),
        )

    def _token(self, event: AccessEvent, *, machine: bool) -> TokenFacts:
        if self._tokens is None:
            return _token(event, machine=machine)
        age_s, name = share(event.event_id, "age"), f"of-{event.event_id}"
        return msgspec.structs.replace(self._tokens, age_s=age_s, token_id=name)

    def _account(self, event: AccessEvent, person: Person) -> AccountFacts | None:
        standing = self._standings.get(person.name)
        if standing is None:
            standing = self._standings[person.name] = Standing.of(properties(person, self._until_s))
        ticket = share(person.name, event.time_ns // _NS // _DAY_S, "ticket") < 0.7  # noqa: PLR2004 - most days
        return standing.at(event.time_ns, AccountFacts(ticket=ticket))


def _token(event: AccessEvent, *, machine: bool) -> TokenFacts:
    week = event.time_ns // _NS // _DAY_S // 7
    return TokenFacts(
        age_s=(event.auth_age_s or 0.0) + 5.0,
        lifetime_s=900.0 if machine else 28_800.0,
        bound=machine or share("bound", event.subject_id) < 0.8,  # noqa: PLR2004 - four in five have bound tokens
        token_id=f"{event.session_id}@{event.time_ns // _NS // _DAY_S}",
        audience="ostiary",
        algorithm="ES256",
        key_id=f"key-{week // 4}",
        claims="machine" if machine else "person",
        scopes_granted=3 if machine else 6,
        scopes_used=1,
        delegation_depth=0,
        clock_skew_s=0.0,
    )


def _place(event: AccessEvent, person: Person) -> PlaceFacts:
    site = _SITES.get(event.country or "")
    ja4 = f"t13d_{crc32(event.user_agent.encode()):08x}" if event.user_agent else None
    if site is None:
        return PlaceFacts(kind=NetworkKind.PRIVATE, ja4=ja4, reputation=0.0, rtt_ms=1.0 + share(event.event_id))
    region, city, latitude, longitude, local = site
    own = _SITES.get(person.country)
    language = own[4] if own and event.user_agent == person.agent else local
    home = event.ip == person.home
    away = (share(event.ip, "north") - 0.5) / 5, (share(event.ip, "east") - 0.5) / 5
    return PlaceFacts(
        region=region,
        city=city,
        latitude=latitude + away[0],
        longitude=longitude + away[1],
        radius_km=20.0 if home else 5.0,
        kind=NetworkKind.RESIDENTIAL if home else NetworkKind.HOSTING if event.ip != person.office else None,
        reputation=0.05 if home or event.ip == person.office else 0.4,
        ja4=ja4,
        language=language,
        rtt_ms=(8.0 if home else 3.0) + 4 * share(event.event_id),
    )


@lru_cache(maxsize=4096)
def _posture(device: str, day: int) -> PostureFacts:
    return PostureFacts(
        attested=True,
        attestation_age_s=3_600.0 * (1 + 20 * share(device, day, "attested")),
        report_age_s=600.0 * (1 + share(device, day, "report")),
        patch_age_s=_DAY_S * ((day + crc32(device.encode())) % 30 + 1.0),
        disk_encrypted=share(device, "disk") < 0.97,  # noqa: PLR2004 - some are not
        edr_alive=share(device, day, "edr") < 0.99,  # noqa: PLR2004
        firewall=share(device, "firewall") < 0.9,  # noqa: PLR2004
        screen_lock=True,
        secure_boot=share(device, "boot") < 0.9,  # noqa: PLR2004
        rooted=False,
    )


def _data(event: AccessEvent, person: Person) -> DataFacts:
    columns = 3 + int(9 * share(event.subject_id, event.resource_id, "columns"))
    people = "customer" in event.resource_id
    return DataFacts(
        columns=columns,
        personal_columns=1 + columns // 4 if people else 0,
        production=event.resource_id.startswith("prod/"),
        owner="databases" if event.resource_type == "database" else "analysts",
        purpose=_PURPOSES.get(person.groups[0], "development"),
    )


def _workload(event: AccessEvent, person: Person) -> WorkloadFacts:
    week = event.time_ns // _NS // _DAY_S // 7
    return WorkloadFacts(
        ci_verified=True,
        commit_approved=True,
        runner_attested=True,
        image=f"sha256:{crc32(f'{person.name}{week}'.encode()):08x}",
        egress=_HOSTS[int(len(_HOSTS) * share(event.event_id, "egress"))],
    )


def _language(event: AccessEvent) -> LanguageFacts:
    return LanguageFacts(
        prompts_1m=1.0 + int(4 * share(event.event_id, "prompts")),
        injection_score=0.1 * share(event.event_id, "injection"),
        injection_flags_1h=0.0,
        retrieved_sensitivity=1,
        tool=_TOOLS[int(2 * share(event.event_id, "tool")) + int(2 * share(event.subject_id, "tools"))],
        tokens_in=200.0 + 800 * share(event.event_id, "in"),
        tokens_out=100.0 + 400 * share(event.event_id, "out"),
        refused_1h=0.0,
        tainted=False,
    )


def _behaviour(event: AccessEvent) -> BehaviourFacts:
    return BehaviourFacts(
        llr=-1.5 + 6 * (share(event.event_id, "one") + share(event.event_id, "other") - 1),  # evidence, and no proof
        confidence=0.6 + 0.4 * share(event.subject_id, "confidence"),
        drift=0.5 * share(event.subject_id, event.time_ns // _NS // _DAY_S, "drift"),
        liveness=0.95 + 0.05 * share(event.event_id, "live"),
    )


def by_another(event: AccessEvent) -> AccessEvent:
    """Return a dressed event as it looks when somebody else sits there: hands, token and device give it away."""
    behaviour, token = event.behaviour, event.token
    return msgspec.structs.replace(
        event,
        behaviour=None if behaviour is None else msgspec.structs.replace(behaviour, llr=5.0),
        token=None if token is None else msgspec.structs.replace(token, bound=False),
        posture=PostureFacts(attested=False) if not event.device_managed else event.posture,
    )
