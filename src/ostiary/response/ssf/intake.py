"""Takes the event tokens of configured transmitters: verified, recorded, acted on, and only then acknowledged.

What happens to one token, in this order:

1. who sends it: a push must carry the authorisation that we gave the transmitter;
2. it is verified (``identity.secevent``);
3. it is of a type that was agreed on, and a verification event has the state that we sent;
4. it is new: a token that was taken before is refused, however good it still is;
5. it is recorded, whomever it means: kind ``signal``, with the id that its effects will name as their cause;
6. the responder takes it; then it is marked as taken, and acknowledged.

What a token says beside whom it means are facts of the trigger, but for those that name something of ours: another
domain ends no enforcement point, blocks no model and is shown at no decision by writing its name into a claim.

A crash between 5 and 6 makes the transmitter send it again: it is recorded twice and acts once, because its id is made
of issuer and ``jti``. Marking first and recording later would lose it.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.secevent import SetPayload, SetRefusal, SetVerifier, UnverifiedSet, VerifiedSet
from ostiary.identity.types import thaw
from ostiary.keys import equal, sha256
from ostiary.response.ssf.limits import SIGNAL_ID
from ostiary.response.ssf.naming import Find, Meant, SubjectReading, inward
from ostiary.response.ssf.ports import MarkStore, Recorder
from ostiary.response.trigger import Responder, Trigger
from ostiary.vocabulary.clock import Clock

MAX_MARKS: Final = 1_000_000
STATE_S: Final = 3600
TAKEN: Final = "taken"
STATE: Final = "state"
_ID_HEX: Final = 32
_MAX_FACT: Final = 512
_STREAM_EVENTS: Final = frozenset({"verification", "stream-updated"})
_OURS: Final = frozenset({"decision_id", "model", "pep"})


class Receiver(msgspec.Struct, frozen=True):
    """One transmitter that one tenant listens to.

    Attributes:
        name: unique over all tenants; it is part of the address to push to.
        verifier: who verifies its tokens.
        reading: how its subjects are read.
        secret: SHA-256 of the ``Authorization`` header that its pushes must carry; empty = any.
        pushes: whether pushes are taken at all.
        events: short names of the event types agreed on; empty = every listed type.
    """

    name: str
    tenant: str
    verifier: SetVerifier
    reading: SubjectReading
    secret: bytes = b""
    pushes: bool = True
    events: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """What became of one event token."""

    signal_id: str
    jti: str
    event: str
    subject: str
    outcome: str


class Intake:
    """Takes event tokens. Safe for several threads."""

    def __init__(
        self,
        receivers: Sequence[Receiver],
        marks: MarkStore,
        clock: Clock,
        record: Recorder,
        responder: Responder,
        find: Find,
    ) -> None:
        """Take the configured receivers and what they work with."""
        self.receivers: Mapping[str, Receiver] = {one.name: one for one in receivers}
        self._marks = marks
        self._clock = clock
        self._record = record
        self._responder = responder
        self._find = find
        # Two copies that arrive together must not both be new; tokens that differ must not wait for each other's disk.
        self._lock = threading.Lock()
        self._in_flight: set[bytes] = set()

    def pushed(self, name: str, text: str, authorization: str | None) -> Taken:
        """Take a token that was pushed to the receiver ``name``.

        Raises:
            RefusedError: one ``set_…`` code; an unknown receiver answers like a wrong authorisation.
            UnavailableError: it cannot be taken now; the transmitter must send it again.
        """
        receiver = self.receivers.get(name)
        given = sha256((authorization or "").encode())
        if receiver is None or (receiver.secret and not equal(given, receiver.secret)):
            raise RefusedError(SetRefusal.SET_SENDER_UNAUTHENTICATED, "the sender did not authenticate")
        if not receiver.pushes:
            raise RefusedError(SetRefusal.SET_SENDER_UNWELCOME, "this receiver fetches its event tokens itself")
        return self.take(receiver, text)

    def take(self, receiver: Receiver, text: str) -> Taken:
        """Take one token of a receiver's transmitter; same errors as ``pushed``."""
        now_ns = self._clock.now_ns()
        verified = receiver.verifier.verify(UnverifiedSet(text), now_ns)
        payload = verified.payload
        if receiver.events and payload.event.name not in receiver.events and payload.event.name not in _STREAM_EVENTS:
            raise RefusedError(SetRefusal.SET_EVENT_NOT_AGREED, "this type of event was not agreed on")
        digest = sha256(msgspec.json.encode([receiver.name, payload.iss, payload.jti]))
        self._begin(receiver, digest, now_ns)
        try:
            return self._take(receiver, verified, digest, now_ns)
        finally:
            with self._lock:
                self._in_flight.discard(digest)

    def expect(self, receiver: Receiver, state: str) -> None:
        """Remember a state that we send with a request for verification."""
        expires_ns = self._clock.now_ns() + STATE_S * SECOND_NS
        self._marks.mark(receiver.tenant, receiver.name, STATE, sha256(state.encode()), expires_ns, MAX_MARKS)

    def _begin(self, receiver: Receiver, digest: bytes, now_ns: int) -> None:
        with self._lock:
            if digest in self._in_flight:
                # Not "received before": if the other copy fails to be recorded, this one must come again.
                raise UnavailableError("signal_in_flight", "this event token is being received at this moment")
            if self._marks.is_marked(receiver.tenant, receiver.name, TAKEN, digest, now_ns):
                raise RefusedError(SetRefusal.SET_REPLAYED, "this event token was received before")
            self._in_flight.add(digest)

    def _take(self, receiver: Receiver, verified: VerifiedSet, digest: bytes, now_ns: int) -> Taken:
        payload = verified.payload
        state = self._check_state(receiver, payload, now_ns)
        signal_id = f"{SIGNAL_ID}_{digest.hex()[:_ID_HEX]}"
        meant = inward(payload.sub_id, receiver.reading, lambda name, value: self._find(receiver.tenant, name, value))
        taken = Taken(signal_id, payload.jti, payload.event.name, meant.subject, _outcome(payload, meant))
        self._record(receiver.tenant, signal_id, _told(receiver, payload, meant, taken), meant.subject)
        if taken.outcome == "told":
            self._responder.respond(_trigger(receiver, payload, meant, signal_id, now_ns))
        config = receiver.verifier.config
        # Until the token is too old to be believed anyway.
        expires_ns = now_ns + (config.max_age_s + 2 * config.clock_skew_s + 1) * SECOND_NS
        self._marks.mark(receiver.tenant, receiver.name, TAKEN, digest, expires_ns, MAX_MARKS)
        if state:
            self._marks.unmark(receiver.tenant, receiver.name, STATE, state)
        return taken

    def _check_state(self, receiver: Receiver, payload: SetPayload, now_ns: int) -> bytes:
        """Return the digest of the state that a verification event answers, empty when it has none."""
        state = payload.event.claims.get("state") if payload.event.name == "verification" else None
        if state is None:
            return b""
        digest = sha256(str(state).encode())
        known = self._marks.is_marked(receiver.tenant, receiver.name, STATE, digest, now_ns)
        if not isinstance(state, str) or not known:
            raise RefusedError(SetRefusal.SET_STATE_WRONG, "this is not the state that was asked to be verified")
        return digest


def _outcome(payload: SetPayload, meant: Meant) -> str:
    if payload.event.name in _STREAM_EVENTS:
        return payload.event.name
    if not payload.event.name:
        return "unknown_event"
    return "told" if meant.subject or meant.session_id or meant.device_id else "unknown_subject"


def _told(receiver: Receiver, payload: SetPayload, meant: Meant, taken: Taken) -> dict[str, Any]:
    """Return the record: everything the token said, and what we made of it."""
    return {
        "v": 1,
        "type": "signal",
        "receiver": receiver.name,
        "outcome": taken.outcome,
        "event": payload.event.name or payload.event.uri,
        "subject": meant.subject,
        "session_id": meant.session_id,
        "device_id": meant.device_id,
        "set": payload.claims(),
    }


def _trigger(receiver: Receiver, payload: SetPayload, meant: Meant, signal_id: str, now_ns: int) -> Trigger:
    told = thaw(payload.event.claims)
    said = {name: value for name, value in told.items() if name not in _OURS and _is_small(value)}
    facts = {**said, "by": "rule", "receiver": receiver.name, "issuer": payload.iss, "jti": payload.jti}
    return Trigger(
        id=signal_id,
        tenant=receiver.tenant,
        kind=f"signal:{payload.event.name}",
        subject=meant.subject,
        session_id=meant.session_id,
        device_id=meant.device_id,
        facts={**facts, "txn": payload.txn},
        at_ns=now_ns,
    )


def _is_small(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _MAX_FACT)
