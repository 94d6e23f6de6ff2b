"""Shared signals of a tenant: the streams of those who listen to us, and the transmitters that we listen to."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from ostiary.errors import RefusedError
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.streams import POLL, PUSH
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.signalling import SharedSignals, shared_signals
from ostiary.server.signals_shown import decoded, shown_receiver, shown_stream

router = APIRouter(tags=["shared signals"])

_GONE: dict[int | str, dict[str, Any]] = {409: {"description": "There are too many, or somebody else changed it."}}
Text = Annotated[str, Field(max_length=512)]


class StreamBody(Model):
    """A stream to set up for an enforcement point; without an address to push to it is polled."""

    owner: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
    endpoint_url: Text = ""
    authorization_header: Annotated[str, Field(max_length=4096)] = ""
    events_requested: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    audience: Text = ""
    description: Text = ""


class StatusBody(Model):
    """The status that a stream shall have; its receiver is told."""

    status: Literal["enabled", "paused", "disabled"]
    reason: Text = ""


class StateBody(Model):
    """What the verification event shall carry."""

    state: Annotated[str, Field(max_length=1024)] = ""


class TokenBody(Model):
    """An event token to look at."""

    token: Annotated[str, Field(max_length=65_536)]


class StreamShown(Model):
    """A stream and how its delivery stands."""

    stream_id: str
    owner: str
    status: str
    reason: str
    method: str
    endpoint_url: str
    issuer: str
    audience: tuple[str, ...]
    events: tuple[str, ...]
    description: str
    default_subjects: str
    subjects_listed: int
    waiting: int
    dropped: int
    heard_ns: int
    made_ns: int


class ReceiverShown(Model):
    """A transmitter that is listened to; its secrets are never shown."""

    name: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    pushes: bool
    push_url: str
    push_authenticated: bool
    poll_url: str
    verify_url: str
    stream_id: str
    events: tuple[str, ...]
    subject_issuers: tuple[str, ...]
    subject_type: str


class PolledShown(Model):
    """What one poll brought."""

    taken: tuple[dict[str, str], ...]
    refused: dict[str, str]
    known: int
    more: bool


class Decoded(Model):
    """What an event token says, and which receiver would believe it."""

    verified: bool
    receivers: dict[str, str]
    event: str
    header: dict[str, Any]
    claims: dict[str, Any]


def _signals(desk: Office) -> SharedSignals:
    def on_fault(_reason: str, fault: BaseException) -> None:
        raise fault  # nothing runs beside this request: what fails here is its own answer

    return shared_signals(desk.house, on_fault)


@router.get("/tenants/{tenant}/signals/streams")
def list_streams(tenant: Tenant, desk: Desk) -> list[StreamShown]:
    """List a tenant's streams."""
    signals = _signals(desk)
    streams = signals.desk.listed(Caller(tenant, ""))
    return [StreamShown.model_validate(shown_stream(signals, desk.house, stream)) for stream in streams]


@router.post("/tenants/{tenant}/signals/streams", status_code=201, responses=_GONE)
def create_stream(tenant: Tenant, body: StreamBody, who: Who, desk: Desk) -> StreamShown:
    """Set up a stream for an enforcement point of the tenant."""
    if body.owner not in {pep.pep_id for pep in desk.house.store.peps.of_tenant(tenant)}:
        raise RefusedError("pep_unknown", "there is no such enforcement point")
    push = {"endpoint_url": body.endpoint_url, "authorization_header": body.authorization_header}
    asked = {
        "delivery": {"method": PUSH, **push} if body.endpoint_url else {"method": POLL},
        "description": body.description,
        **({"events_requested": list(body.events_requested)} if body.events_requested else {}),
    }
    signals = _signals(desk)
    stream = signals.desk.create(Caller(tenant, who.key_id), asked, body.owner, body.audience)
    return StreamShown.model_validate(shown_stream(signals, desk.house, stream))


@router.get("/tenants/{tenant}/signals/streams/{stream_id}")
def show_stream(tenant: Tenant, stream_id: str, desk: Desk) -> StreamShown:
    """Show one stream."""
    signals = _signals(desk)
    stream = signals.desk.find(Caller(tenant, ""), stream_id)
    return StreamShown.model_validate(shown_stream(signals, desk.house, stream))


@router.delete("/tenants/{tenant}/signals/streams/{stream_id}", status_code=204)
def delete_stream(tenant: Tenant, stream_id: str, who: Who, desk: Desk) -> None:
    """Delete a stream and all that waits for it."""
    _signals(desk).desk.delete(Caller(tenant, who.key_id), stream_id)


@router.post("/tenants/{tenant}/signals/streams/{stream_id}/status", responses=_GONE)
def set_status(tenant: Tenant, stream_id: str, body: StatusBody, who: Who, desk: Desk) -> StreamShown:
    """Enable, pause or disable a stream, and tell its receiver."""
    signals = _signals(desk)
    stream = signals.desk.set_status(Caller(tenant, who.key_id), stream_id, body.status, body.reason)
    return StreamShown.model_validate(shown_stream(signals, desk.house, stream))


@router.post("/tenants/{tenant}/signals/streams/{stream_id}/verify", status_code=204)
def verify_stream(tenant: Tenant, stream_id: str, body: StateBody, who: Who, desk: Desk) -> None:
    """Send a verification event over a stream."""
    _signals(desk).desk.verify(Caller(tenant, who.key_id), stream_id, body.state)


@router.get("/tenants/{tenant}/signals/receivers")
def list_receivers(tenant: Tenant, desk: Desk) -> list[ReceiverShown]:
    """List the transmitters that a tenant listens to."""
    signals = _signals(desk)
    mine = [name for name, one in signals.intake.receivers.items() if one.tenant == tenant]
    return [ReceiverShown.model_validate(shown_receiver(signals, tenant, name)) for name in sorted(mine)]


@router.get("/tenants/{tenant}/signals/receivers/{name}")
def show_receiver(tenant: Tenant, name: str, desk: Desk) -> ReceiverShown:
    """Show one receiver."""
    return ReceiverShown.model_validate(shown_receiver(_signals(desk), tenant, name))


@router.post("/tenants/{tenant}/signals/receivers/{name}/poll", responses=_GONE)
def poll_receiver(tenant: Tenant, name: str, who: Who, desk: Desk) -> PolledShown:
    """Poll a transmitter now."""
    signals = _signals(desk)
    shown_receiver(signals, tenant, name)
    desk.record(who, tenant, "signals.poll", receiver=name)
    polled = signals.poller.poll(name)
    taken = tuple({"event": one.event, "outcome": one.outcome, "record_id": one.signal_id} for one in polled.taken)
    return PolledShown(taken=taken, refused=polled.refused, known=polled.known, more=polled.more)


@router.post("/tenants/{tenant}/signals/receivers/{name}/verify", status_code=204, responses=_GONE)
def verify_receiver(tenant: Tenant, name: str, who: Who, desk: Desk) -> None:
    """Ask a transmitter to send a verification event."""
    signals = _signals(desk)
    shown_receiver(signals, tenant, name)
    desk.record(who, tenant, "signals.verify", receiver=name)
    signals.poller.ask_verification(name)


@router.post("/tenants/{tenant}/signals/decode", responses=_GONE)
def decode_token(tenant: Tenant, body: TokenBody, desk: Desk) -> Decoded:
    """Show what an event token says and who would believe it; nothing comes of it."""
    return Decoded.model_validate(decoded(_signals(desk), tenant, body.token, desk.house.clock.now_ns()))
