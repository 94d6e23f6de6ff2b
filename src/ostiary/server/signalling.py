"""Shared signals put together from an open house: who tells, who listens, who keeps the streams.

1. The parts are the same for the server, the administrators' API and the command line; only the server has a pool that
   pushes and a ledger that is listened to.
2. Event tokens are signed with one key of the deployment; the issuer names the tenant. A key for each tenant would tell
   whoever reads the key sets who is a customer.
3. What transmitters send is recorded as kind ``signal``, and so is what receivers do to their streams; what
   administrators do is recorded as every deed of theirs.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.identity.secevent import (
    SetPayload,
    SetVerifier,
    TransmitterConfig,
    sign_set,
)
from ostiary.identity.secevent.types import URIS
from ostiary.identity.settings import JwksSource
from ostiary.keys import random_bytes, sha256
from ostiary.response.ssf.addresses import AddressRules, check_url
from ostiary.response.ssf.caep import credential
from ostiary.response.ssf.desk import StreamDesk
from ostiary.response.ssf.documents import Places
from ostiary.response.ssf.ending import StraightPath
from ostiary.response.ssf.intake import Intake, Receiver
from ostiary.response.ssf.limits import MAX_ANSWER, StreamRules
from ostiary.response.ssf.mailbox import Mailbox
from ostiary.response.ssf.naming import SubjectNaming, SubjectReading
from ostiary.response.ssf.polling import Poller, Source
from ostiary.response.ssf.ports import OnFault
from ostiary.response.ssf.pushing import Pusher
from ostiary.response.ssf.sending import Sender
from ostiary.response.ssf.streams import Stream
from ostiary.response.ssf.transmitter import Transmitter
from ostiary.response.ssf.upkeep import Upkeep
from ostiary.server.addresses import public_url
from ostiary.server.deeds import RECORD_WAIT_S, record_deed
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.settings.ssf import ReceiverSection, SsfSection
from ostiary.server.wiring import House
from ostiary.signals.texts import shown
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

PURPOSE: Final = "shared-signals"
KIND: Final = "signal"
PEP: Final = "pep:"
OWN: Final = "transmitter"
PUSHERS: Final = 4
MAX_SECRET: Final = 8192
_MAX_REFUSAL: Final = 16_384


class SharedSignals(msgspec.Struct, frozen=True):
    """All parts."""

    places: Places
    rules: StreamRules
    desk: StreamDesk
    transmitter: Transmitter
    mailbox: Mailbox
    intake: Intake
    poller: Poller
    upkeep: Upkeep
    pusher: Callable[[Executor], Pusher]
    jwks: Callable[[], dict[str, Any]]


def shared_signals(house: House, on_fault: OnFault) -> SharedSignals:
    """Put everything together; nothing is fetched, sent or listened to yet."""
    settings, store, clock = house.settings.ssf, house.store.signals, house.clock
    records, rules = _Records(house), _rules(settings)
    places = Places(public_url(house.settings.server), DEFAULT_TENANT)
    towards = AddressRules(settings.push_networks, settings.allow_http_loopback)
    transmitter = _transmitter(house, records, places, rules, on_fault)
    desk = StreamDesk(
        store,
        clock,
        house.vault,
        transmitter,
        records.make_id,
        records.deed,
        rules=rules,
        addresses=towards,
    )
    intake = _intake(house, records)
    push = _sender(settings, towards, _MAX_REFUSAL)

    def pusher(pool: Executor) -> Pusher:
        return Pusher(
            store,
            clock,
            house.vault,
            push,
            pool,
            on_refused=records.refused,
            on_fault=on_fault,
            pause=desk.set_status,
            welcome=lambda stream: _may_listen(house, stream),
            rules=rules,
        )

    return SharedSignals(
        places=places,
        rules=rules,
        desk=desk,
        transmitter=transmitter,
        mailbox=Mailbox(store, records.refused),
        intake=intake,
        poller=_poller(house, intake, on_fault),
        upkeep=Upkeep(store, clock, desk.set_status, rules),
        pusher=pusher,
        jwks=lambda: _jwks(house, settings),
    )


def _transmitter(
    house: House, records: "_Records", places: Places, rules: StreamRules, on_fault: OnFault
) -> Transmitter:
    return Transmitter(
        house.store.signals,
        house.clock,
        _signer(house),
        records.make_id,
        issuer=places.issuer,
        naming=lambda tenant: _naming(house, places, tenant),
        on_fault=on_fault,
        rules=rules,
    )


def _intake(house: House, records: "_Records") -> Intake:
    settings = house.settings.ssf
    return Intake(
        [_receiver(one, settings) for one in settings.receivers],
        house.store.signals,
        house.clock,
        records.signal,
        StraightPath(house.ledger, house.response),
        lambda tenant, name, value: house.knowledge.enricher(tenant).catalogue.subject_with(name, value),
    )


def _poller(house: House, intake: Intake, on_fault: OnFault) -> Poller:
    settings = house.settings.ssf
    # An administrator named these addresses, not a stranger: they may lie inside.
    rules = AddressRules((), settings.allow_http_loopback, anywhere=True)
    sources = {one.name: _source(one, settings) for one in settings.receivers}
    return Poller(intake, sources, _sender(settings, rules, MAX_ANSWER), house.clock, on_fault)


def tell_credential(house: House, tenant: str, subject: str, change: str, *, by: str, cause: str = "") -> None:
    """Tell other domains that a person's passkey was made or removed (CAEP 1.0 §3.3); ``change`` is create or delete.

    It has happened already: whoever cannot be told now must not make it fail.
    """
    if not house.settings.ssf.enabled:
        return
    on_fault = house.decider.parts.on_fault
    places = Places(public_url(house.settings.server), DEFAULT_TENANT)
    transmitter = _transmitter(house, _Records(house), places, _rules(house.settings.ssf), on_fault)
    whom, now_ns = _naming(house, places, tenant).outward(subject), house.clock.now_ns()
    transmitter.tell(
        credential(tenant, whom, kind="fido2-platform", change=change, at_ns=now_ns, initiating=by, cause=cause)
    )
    try:
        transmitter.drain()
    except OstiaryError as fault:
        on_fault("signals_not_told", fault)


def forget_subject(house: House, tenant: str, subject: str) -> int:
    """Take a person off the lists of a tenant's streams; return how many named it."""
    signals = shared_signals(house, _raised)
    return signals.desk.forget_subject(tenant, _naming(house, signals.places, tenant).outward(subject))


def _raised(_reason: str, fault: BaseException) -> None:
    raise fault


def naming_of(house: House, tenant: str) -> SubjectNaming:
    """Return how a tenant's subjects are named to others."""
    return _naming(house, Places(public_url(house.settings.server), DEFAULT_TENANT), tenant)


def _naming(house: House, places: Places, tenant: str) -> SubjectNaming:
    settings = house.settings.ssf
    return SubjectNaming(settings.subject_issuer or places.issuer(tenant), settings.subject_format)


def _may_listen(house: House, stream: Stream) -> bool:
    """Return whether a stream's owner is an enforcement point of its tenant that is not switched off."""
    owner = house.store.peps.find(stream.owner)
    return owner is not None and owner.tenant == stream.tenant and not owner.disabled


def pool_of(house: House) -> ThreadPoolExecutor:
    """Return the threads that push; they end before the house closes what they use."""
    pool = ThreadPoolExecutor(max_workers=PUSHERS, thread_name_prefix="signals")
    house.opened.callback(pool.shutdown, wait=True, cancel_futures=True)
    return pool


class _Records:
    """Writes to the log, and waits until it is on disk."""

    def __init__(self, house: House) -> None:
        self._house = house

    def make_id(self, prefix: str) -> str:
        return make_id(prefix, self._house.clock.now_ns(), random_bytes(RANDOM_BYTES))

    def deed(self, tenant: str, by: str, action: str, **told: Any) -> None:
        """Record what is done to a stream: by an administrator, by its receiver, or by ourselves."""
        if by.startswith(PEP) or by == OWN:
            self._append(tenant, self.make_id("ssf"), {"type": "stream", "action": action, "by": by, **told}, "")
        else:
            record_deed(self._house, by, tenant, action, **told)

    def signal(self, tenant: str, record_id: str, payload: dict[str, Any], subject: str) -> None:
        """Record an accepted signal."""
        self._append(tenant, record_id, payload, subject)

    def refused(self, stream: Stream, jti: str, err: str, description: str) -> None:
        """Record that a receiver could not read an event token."""
        told = {"stream": stream.stream_id, "jti": jti, "err": err, "description": description}
        self._append(stream.tenant, self.make_id("ssf"), {"type": "refused_by_receiver", **told}, "")

    def _append(self, tenant: str, record_id: str, payload: dict[str, Any], subject: str) -> None:
        body = msgspec.json.encode({"v": 1, **payload})
        log, now_ns = self._house.log, self._house.clock.now_ns()
        written = log.append(tenant, KIND, record_id, now_ns, body, subject)
        try:
            written.result(timeout=RECORD_WAIT_S)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "this could not be recorded in time") from late


def _rules(settings: SsfSection) -> StreamRules:
    return StreamRules(
        default_subjects=settings.default_subjects,
        min_verification_s=settings.min_verification_s,
        inactivity_s=settings.inactivity_s,
        max_waiting=settings.max_waiting,
        give_up_s=settings.give_up_s,
    )


def _signer(house: House) -> Callable[[SetPayload], str]:
    def sign(payload: SetPayload) -> str:
        return sign_set(payload, house.ring.active(DEFAULT_TENANT, PURPOSE, house.settings.ssf.algorithm))

    return sign


def _jwks(house: House, settings: SsfSection) -> dict[str, Any]:
    house.ring.active(DEFAULT_TENANT, PURPOSE, settings.algorithm)  # made now, so that no receiver finds an empty set
    return house.ring.jwks(DEFAULT_TENANT, PURPOSE)


def _sender(settings: SsfSection, rules: AddressRules, max_answer: int) -> Sender:
    return Sender(rules, timeout_s=settings.push_timeout_s, max_answer=max_answer, ca_file=settings.ca_file)


def _receiver(one: ReceiverSection, settings: SsfSection) -> Receiver:
    unknown = sorted(set(one.events) - set(URIS))
    if unknown:
        raise FaultyInputError("config_invalid", f"`{shown(unknown[0])}` is no event type: use a short name")
    jwks = JwksSource(
        url=one.jwks_url,
        file=str(one.jwks_path or ""),
        allow_loopback_http=settings.allow_http_loopback and bool(one.jwks_url),
    )
    config = TransmitterConfig(
        tenant=one.tenant,
        issuer=one.issuer,
        audience=one.audience,
        jwks=jwks,
        algorithms=one.algorithms,
        max_age_s=one.max_age_s,
        clock_skew_s=one.clock_skew_s,
    )
    reading = SubjectReading(
        issuers=one.subject_issuers or (one.issuer,),
        subject_type=one.subject_type,
        email=one.email,
        opaque=one.opaque,
        phone_number=one.phone_number,
        sessions=one.sessions,
        devices=one.devices,
    )
    secret = sha256(secret_of(one.push_authorization_file).encode()) if one.push_authorization_file else b""
    return Receiver(one.name, one.tenant, SetVerifier(config), reading, secret, one.pushes, one.events)


def _source(one: ReceiverSection, settings: SsfSection) -> Source:
    rules = AddressRules((), settings.allow_http_loopback, anywhere=True)
    for url in filter(None, (one.poll_url, one.verify_url)):
        check_url(url, rules)
    authorization = secret_of(one.authorization_file) if one.authorization_file else ""
    return Source(one.poll_url, one.verify_url, one.stream_id, authorization, one.poll_every_s)


def secret_of(path: Path) -> str:
    """Return the header value that a file holds."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SECRET + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise FaultyInputError("config_invalid", f"the secret file `{path}` cannot be read") from None
    if not 0 < len(text) <= MAX_SECRET or not text.isprintable():
        raise FaultyInputError("config_invalid", f"the secret file `{path}` holds no header value")
    return text
