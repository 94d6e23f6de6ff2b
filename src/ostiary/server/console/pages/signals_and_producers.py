"""Shared signals both ways, and producers of events with what was refused of theirs.

A refused batch comes in by people's agreement alone, whatever else the tenant lets one administrator do.
"""

from typing import Any, Final

from ostiary.server.admin.batches import (
    ProducerBody,
    ReleaseBody,
    RevokeBody,
    end_producer,
    let_in,
    list_producers,
    register_producer,
    show_quarantine,
)
from ostiary.server.admin.signals import (
    StateBody,
    StatusBody,
    delete_stream,
    list_receivers,
    list_streams,
    poll_receiver,
    set_status,
    verify_receiver,
    verify_stream,
)
from ostiary.server.console.asked import check_typed, reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

SIGNALS: Final = "/integrations/signals"
PRODUCERS: Final = "/integrations/producers"
_IN: Final = "/integrations"
_NS: Final = 1_000_000_000
_STATES: Final = {"enabled": "good", "paused": "wait", "disabled": "bad"}


def signals(visit: Visit) -> Reply:
    """Show who listens to us, and whom we listen to."""
    streams = [
        {
            **one.model_dump(),
            "heard": stamp(one.heard_ns) if one.heard_ns else "",
            "made": stamp(one.made_ns),
            "state_kind": _STATES.get(one.status, ""),
        }
        for one in list_streams(visit.tenant, visit.desk)
    ]
    receivers = [one.model_dump() for one in list_receivers(visit.tenant, visit.desk)]
    return visit.page("signals.html", _IN, streams=streams, receivers=receivers)


def set_stream(visit: Visit) -> Reply:
    """Enable, pause or disable a stream; its receiver is told why."""
    body = StatusBody.model_validate({"status": visit.form.get("status", ""), "reason": reason_of(visit.form)})
    told = set_status(visit.tenant, visit.told["stream"], body, visit.who, visit.desk)
    return visit.done(SIGNALS, f"The stream of {told.owner} is {told.status}")


def try_stream(visit: Visit) -> Reply:
    """Send a verification event over a stream."""
    verify_stream(visit.tenant, visit.told["stream"], StateBody(), visit.who, visit.desk)
    return visit.done(SIGNALS, "A verification event is on its way")


def end_stream(visit: Visit) -> Reply:
    """Delete a stream and all that waits for it."""
    check_typed(visit.form, visit.told["stream"])
    delete_stream(visit.tenant, visit.told["stream"], visit.who, visit.desk)
    return visit.done(SIGNALS, "The stream is gone, and what waited for it")


def poll(visit: Visit) -> Reply:
    """Poll a transmitter now."""
    told = poll_receiver(visit.tenant, visit.told["receiver"], visit.who, visit.desk)
    words = f"{len(told.taken)} events came, {len(told.refused)} were refused"
    return visit.done(SIGNALS, words)


def try_receiver(visit: Visit) -> Reply:
    """Ask a transmitter for a verification event."""
    verify_receiver(visit.tenant, visit.told["receiver"], visit.who, visit.desk)
    return visit.done(SIGNALS, "The transmitter was asked for a verification event")


def producers(visit: Visit) -> Reply:
    """Show producers and the batches that were refused."""
    rows: list[dict[str, Any]] = []
    for one in list_producers(visit.tenant, visit.desk):
        told = {"since": stamp(one.added * _NS), "ended": stamp(one.revoked * _NS) if one.revoked else ""}
        rows.append({**one.model_dump(), **told})
    found = show_quarantine(visit.tenant, visit.desk)
    kept = [{**one.model_dump(), "when": stamp(one.at * _NS)} for one in found.kept]
    return visit.page("producers.html", _IN, rows=rows, refused=found.refused, kept=kept)


def add_producer(visit: Visit) -> Reply:
    """Register a producer by its public key."""
    form = visit.form
    body = ProducerBody.model_validate({"name": form.get("name", "").strip(), "key": form.get("key", "").strip()})
    made = register_producer(visit.tenant, body, visit.who, visit.desk)
    return visit.done(PRODUCERS, f"Batches that {made.name} signs are taken")


def end(visit: Visit) -> Reply:
    """Revoke a producer for ever; what it sent since a moment may be distrusted."""
    name = visit.told["producer"]
    check_typed(visit.form, name)
    days = visit.form.get("days", "").strip()
    since = visit.now_ns // _NS - int(days) * 86_400 if days.isascii() and days.isdigit() and len(days) < 5 else None  # noqa: PLR2004
    body = RevokeBody(distrusted=None if since is None else max(0, since))
    end_producer(visit.tenant, name, body, visit.who, visit.desk)
    return visit.done(PRODUCERS, f"{name} is revoked for ever")


def release(visit: Visit) -> Reply:
    """Let a refused batch in that people agreed to."""
    body = ReleaseBody(proposal=visit.form.get("proposal", "").strip())
    told = let_in(visit.tenant, visit.told["batch"], body, visit.who, visit.desk)
    return visit.done(PRODUCERS, f"{told.events} events of {told.producer} came in")


ROUTES = (
    Route("GET", SIGNALS, "integrations", signals),
    Route("POST", "/integrations/streams/{stream}/status", "integrations", set_stream, "change"),
    Route("POST", "/integrations/streams/{stream}/verify", "integrations", try_stream, "change"),
    Route("POST", "/integrations/streams/{stream}/delete", "integrations", end_stream, "change"),
    Route("POST", "/integrations/receivers/{receiver}/poll", "integrations", poll, "change"),
    Route("POST", "/integrations/receivers/{receiver}/verify", "integrations", try_receiver, "change"),
    Route("GET", PRODUCERS, "integrations", producers),
    Route("POST", PRODUCERS, "integrations", add_producer, "change"),
    Route("POST", "/integrations/producers/{producer}/revoke", "integrations", end, "change"),
    Route("POST", "/integrations/batches/{batch}/release", "integrations", release, "change"),
)
