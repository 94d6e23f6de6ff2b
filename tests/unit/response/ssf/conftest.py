"""A transmitter and a receiver of shared signals in memory, with a clock that stands still."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.identity.secevent import SetPayload, SetVerifier, TransmitterConfig, sign_set
from ostiary.response.ssf.addresses import AddressRules
from ostiary.response.ssf.desk import Caller, StreamDesk
from ostiary.response.ssf.intake import Intake, Receiver
from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.mailbox import Mailbox
from ostiary.response.ssf.naming import SubjectNaming, SubjectReading
from ostiary.response.ssf.sending import Answer
from ostiary.response.ssf.streams import Stream
from ostiary.response.ssf.transmitter import Transmitter
from ostiary.response.trigger import Trigger
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact
from ostiary.testing.signal_store import MemorySignalStore

SECOND_NS = 1_000_000_000
ISSUER, AUDIENCE = "https://idp.example", "https://us.example"
HEADER = {"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}


class Sealed:
    """Seals so that a test can see that something was sealed, for whom."""

    def encrypt(self, tenant: str, subject_key: str, plaintext: bytes, aad: bytes = b"") -> bytes:
        return b"|".join((tenant.encode(), subject_key.encode(), plaintext[::-1]))

    def decrypt(self, tenant: str, subject_key: str, sealed: bytes, aad: bytes = b"") -> bytes:
        whose, name, text = sealed.split(b"|", 2)
        assert (whose, name) == (tenant.encode(), subject_key.encode())
        return text[::-1]


@dataclass
class Network:
    """Answers what it is told to, in order, and remembers what was sent."""

    answers: list[Answer | Exception] = field(default_factory=list)
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.sent.append((url, body, dict(headers)))
        answer = self.answers.pop(0) if self.answers else UnavailableError("receiver_away", "nobody answers")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Domain:
    """Everything of shared signals of one deployment."""

    def __init__(self, rules: StreamRules, addresses: AddressRules) -> None:
        self.clock = FakeClock()
        self.store = MemorySignalStore()
        self.rules = rules
        self.key = FakeKey.generate("ours")
        self.numbers = itertools.count(1)
        self.faults: list[tuple[str, BaseException]] = []
        self.deeds: list[dict[str, Any]] = []
        self.refused: list[tuple[str, str, str]] = []
        self.log_is_away = False
        self.secrets = Sealed()
        self.transmitter = Transmitter(
            self.store,
            self.clock,
            self._sign,
            self.make_id,
            issuer=lambda tenant: f"https://us.example/{tenant}",
            naming=lambda tenant: SubjectNaming("https://us.example"),
            on_fault=lambda code, fault: self.faults.append((code, fault)),
            rules=rules,
        )
        self.desk = StreamDesk(
            self.store,
            self.clock,
            self.secrets,
            self.transmitter,
            self.make_id,
            self._deed,
            rules=rules,
            addresses=addresses,
        )
        self.mailbox = Mailbox(self.store, self.refuse)

    def _sign(self, payload: SetPayload) -> str:
        return sign_set(payload, self.key.signer)

    def make_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers)}"

    def refuse(self, stream: Stream, jti: str, err: str, description: str) -> None:
        self.refused.append((jti, err, description))

    def _deed(self, tenant: str, by: str, action: str, **told: Any) -> None:
        if self.log_is_away:
            raise UnavailableError("disk_full", "the disk is full")
        self.deeds.append({"tenant": tenant, "by": by, "action": action, **told})

    def waiting(self, stream: Stream) -> list[SetPayload]:
        """What waits for a stream, verified as its receiver would."""
        jwks = FakeIssuer(keys=[self.key]).jwks()
        config = TransmitterConfig(
            tenant="x", issuer=f"https://us.example/{stream.tenant}", audience=stream.audience[0], jwks=jwks
        )
        from ostiary.identity.secevent import UnverifiedSet  # noqa: PLC0415

        rows = self.store.waiting(stream.tenant, stream.stream_id, 999)
        return [SetVerifier(config).verify(UnverifiedSet(row.token), self.clock.now_ns()).payload for row in rows]


OWNER = Caller("acme", "pep:web", "web")
ADMIN = Caller("acme", "adm_1")


@pytest.fixture
def owner() -> Caller:
    return OWNER


@pytest.fixture
def admin() -> Caller:
    return ADMIN


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def make_domain() -> Callable[..., Domain]:
    def make(addresses: AddressRules | None = None, **rules: Any) -> Domain:
        return Domain(StreamRules(**rules), addresses or AddressRules())

    return make


@pytest.fixture
def domain(make_domain: Callable[..., Domain]) -> Domain:
    return make_domain()


class Listening:
    """A receiver with its transmitter's key at hand."""

    def __init__(self, clock: FakeClock, **more: Any) -> None:
        self.clock = clock
        self.store = MemorySignalStore()
        self.key = FakeKey.generate("k1")
        self.records: list[tuple[str, str, dict[str, Any], str]] = []
        self.triggers: list[Trigger] = []
        self.order: list[str] = []
        self.log_is_away = False
        self.catalogue: dict[tuple[str, str, str], str] = {}
        self.receiver = self.make("idp", **more)
        self.intake = Intake(
            [self.receiver],
            self.store,
            clock,
            self._record,
            self,
            lambda tenant, name, value: self.catalogue.get((tenant, name, value), ""),
        )

    def make(self, name: str, reading: SubjectReading | None = None, **more: Any) -> Receiver:
        config = TransmitterConfig(
            tenant="acme", issuer=ISSUER, audience=AUDIENCE, jwks=FakeIssuer(keys=[self.key]).jwks(), max_age_s=600
        )
        return Receiver(name, "acme", SetVerifier(config), reading or SubjectReading((ISSUER,)), **more)

    def respond(self, trigger: Trigger) -> None:
        self.order.append("respond")
        self.triggers.append(trigger)

    def _record(self, tenant: str, record_id: str, payload: dict[str, Any], subject: str) -> None:
        if self.log_is_away:
            raise UnavailableError("disk_full", "the disk is full")
        self.order.append("record")
        self.records.append((tenant, record_id, payload, subject))

    def token(self, event: str = "credential-compromise", said: dict[str, Any] | None = None, **changes: Any) -> str:
        from ostiary.identity.secevent.types import uri_of  # noqa: PLC0415

        claims = {
            "iss": ISSUER,
            "jti": "event-1",
            "iat": self.clock.now_ns() // SECOND_NS,
            "aud": AUDIENCE,
            "txn": "dec_7",
            "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"},
            "events": {uri_of(event): {"credential_type": "password"} if said is None else said},
        }
        return compact(HEADER, {**claims, **changes}, self.key.signer)


@pytest.fixture
def make_listening() -> Callable[..., Listening]:
    return lambda **more: Listening(FakeClock(), **more)


@pytest.fixture
def listening(make_listening: Callable[..., Listening]) -> Listening:
    return make_listening()
