"""The work that is measured: a small invented organisation, its history, and requests with real signed tokens.

- 200 developers in four teams, 60 repositories, 12 production databases; each developer has habits of its own.
- Every subject proves itself with an ES256 token of an issuer whose keys lie in a file; tokens repeat, as in life.
- Everything comes from a seed; the same seed gives the same work.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from ostiary.decision.parts import Call
from ostiary.identity.ports import RegisteredPep
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.keys import hash_secret, new_secret
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.settings.sections import IdentitySection, IssuerSection, Settings
from ostiary.server.wiring import House
from ostiary.testing.issuer import FakeIssuer, compact
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.ids import make_id

PEOPLE: Final = 200
REPOSITORIES: Final = 60
DATABASES: Final = 12
DATABASE_EVERY: Final = 5
ISSUER: Final = "https://idp.bench.example"
PEP: Final = "bench"
_NS: Final = 1_000_000_000
_TOKEN_LIFE_S: Final = 3600
_AGENTS: Final = ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "git/2.39.5", "curl/8.0")


class Person(msgspec.Struct, frozen=True):
    """One developer's habits."""

    name: str
    repositories: tuple[str, ...]
    database: str
    ip: str
    device: str
    agent: str
    token: str


class Workload:
    """The organisation, and what its people ask for."""

    def __init__(self, now_ns: int, seed: int = 7, token_life_s: int = _TOKEN_LIFE_S) -> None:
        """Invent the organisation as of ``now_ns``; its tokens live an hour, or as long as said."""
        self._now_ns = now_ns
        self._token_life_s = token_life_s
        self._asked = 0
        self._random = Random(seed)  # noqa: S311 - invented habits, not secrets
        self._issuer = FakeIssuer(ISSUER, DEFAULT_TENANT)
        self.people = [self._person(number) for number in range(PEOPLE)]

    def prepare(self, places: Places) -> Settings:
        """Write catalogue and issuer keys into a data directory; return the settings that use them."""
        keys = self.keys(places)
        places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys.write_text(self._issuer.jwks().inline)
        catalogue = places.catalogue(DEFAULT_TENANT)
        catalogue.parent.mkdir(parents=True, exist_ok=True)
        catalogue.write_text(json.dumps(self._catalogue()))
        write_issuer(places.settings, keys)
        return self.settings(places)

    @classmethod
    def settings(cls, places: Places) -> Settings:
        """Return the settings that believe the issuer whose keys were written into a data directory."""
        issuer = IssuerSection(issuer=ISSUER, audience="ostiary", jwks_path=cls.keys(places))
        return Settings(identity=IdentitySection(issuers=(issuer,)))

    @staticmethod
    def keys(places: Places) -> Path:
        """Return where the issuer's public keys lie."""
        return places.root / "bench-jwks.json"

    def event_token(self, claims: dict[str, Any], now_ns: int) -> str:
        """Return a security event token of the issuer, made now."""
        issuer = self._issuer
        told = {"iss": issuer.issuer, "iat": now_ns // _NS, **claims}
        return compact(issuer.header(typ="secevent+jwt"), told, issuer.keys[0].signer)

    def history(self, events: int) -> Iterator[AccessEvent]:
        """Yield past accesses, oldest first, over the thirty days before now."""
        begin, step = self._now_ns - 30 * 86_400 * _NS, 30 * 86_400 * _NS // max(1, events)
        for number in range(events):
            person = self._random.choice(self.people)
            request = self._request(person)
            yield AccessEvent(
                event_id=f"past-{number}",
                tenant=DEFAULT_TENANT,
                time_ns=begin + number * step,
                subject_id=person.name,
                action=request.action.name,
                resource_type=request.resource.type,
                resource_id=request.resource.id,
                outcome=EventOutcome.SUCCESS,
                ip=person.ip,
                device_id=person.device,
                device_managed=True,
                user_agent=person.agent,
                tz_offset_min=60,
                mfa=True,
                source="simulated",
            )

    def work(self, count: int) -> list[tuple[Receipt, Call]]:
        """Return requests to decide in the process, received a millisecond after one another from now on."""
        pep = PepIdentity(pep_id=PEP, tenant=DEFAULT_TENANT)
        made = []
        for number in range(self._asked, self._asked + count):
            person = self._random.choice(self.people)
            at = self._now_ns + number * 1_000_000
            receipt = Receipt(make_id("dec", at, number.to_bytes(10, "big")), at)
            made.append((receipt, Call(pep, self._request(person), PresentedSubject(token=person.token))))
        self._asked += count
        return made

    def bodies(self) -> list[bytes]:
        """Return AuthZEN request bodies as an enforcement point would send them, tokens and all: one a person."""
        return [self._body(person) for person in self.people]

    def batches(self, items: int) -> list[bytes]:
        """Return bodies of `evaluations`: one a person, each with so many questions about what that person uses."""
        return [self._batch(person, items) for person in self.people]

    def sessions(self, count: int) -> list[dict[str, Any]]:
        """Return what is asked in each of ``count`` sessions of its people, as arguments of the SDK's ``question``."""
        return [self._session(self.people[number % PEOPLE], number) for number in range(count)]

    @staticmethod
    def _session(person: Person, number: int) -> dict[str, Any]:
        return {
            "action": "read",
            "resource": f"repository:{person.repositories[0]}",
            "subject": f"user:{person.name}",
            "token": person.token,
            "session_id": f"live-{number:06d}",
            "context": {
                "ip": person.ip,
                "user_agent": person.agent,
                "device": {"id": person.device, "managed": True},
                "tz_offset_min": 60,
            },
        }

    def _body(self, person: Person) -> bytes:
        request = msgspec.to_builtins(self._request(person))
        request["context"]["subject_token"] = person.token
        return msgspec.json.encode(request)

    def _batch(self, person: Person, items: int) -> bytes:
        asked = [msgspec.to_builtins(self._request(person)) for _ in range(items)]
        context = {**asked[0]["context"], "subject_token": person.token} if asked else {}
        each = [{"action": one["action"], "resource": one["resource"]} for one in asked]
        subject = {"type": "user", "id": person.name}
        return msgspec.json.encode({"subject": subject, "context": context, "evaluations": each})

    def _person(self, number: int) -> Person:
        random, name = self._random, f"dev-{number:03d}"
        signed_in = self._now_ns // _NS - 600
        token = self._issuer.token(
            self._now_ns,
            sub=name,
            exp=self._now_ns // _NS + self._token_life_s,
            acr="urn:ostiary:acr:mfa",
            amr=["pwd", "mfa"],
            auth_time=signed_in,
        )
        return Person(
            name,
            tuple(f"repo-{random.randrange(REPOSITORIES):02d}" for _ in range(3)),
            f"prod-db-{random.randrange(DATABASES):02d}",
            f"8.8.{number % 40}.{random.randrange(1, 255)}",
            f"laptop-{number:03d}",
            random.choice(_AGENTS),
            token,
        )

    def _request(self, person: Person) -> EvaluationRequest:
        random = self._random
        on_database = random.randrange(DATABASE_EVERY) == 0
        resource = (
            Resource("database", person.database)
            if on_database
            else Resource("repository", random.choice(person.repositories))
        )
        context: dict[str, Any] = {
            "ip": person.ip,
            "user_agent": person.agent,
            "device": {"id": person.device, "managed": True},
            "session_id": f"session-{person.name}",
            "tz_offset_min": 60,
        }
        action = Action("query") if on_database else Action("read")
        return EvaluationRequest(Subject("user", person.name), action, resource, context)

    def _catalogue(self) -> dict[str, Any]:
        return {
            "resources": [
                {"type": "repository", "id": "repo-*", "sensitivity": 2},
                {"type": "database", "id": "prod-db-*", "sensitivity": 3, "labels": ["production"]},
            ],
            "subjects": [{"type": "user", "id": person.name, "groups": ["developers"]} for person in self.people],
            "actions": ["read", "query"],
        }


def write_issuer(settings: Path, keys: Path) -> None:
    """Write the configuration file that lets a server believe the issuer."""
    lines = ["[[identity.issuers]]", f'issuer = "{ISSUER}"', 'audience = "ostiary"', f'jwks_path = "{keys}"']
    settings.write_text("\n".join(lines) + "\n")


def register(house: House, now_ns: int) -> str:
    """Make the tenant and the enforcement point of the run; return its API key."""
    if house.tenants.find(DEFAULT_TENANT) is None:
        house.tenants.create(DEFAULT_TENANT)
    secret = new_secret()
    pep = RegisteredPep(pep_id=PEP, tenant=DEFAULT_TENANT, subjects="token", secret_hashes=(hash_secret(secret),))
    house.store.peps.save(pep, now_ns)
    return f"{PEP}.{secret}"
