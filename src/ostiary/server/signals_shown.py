"""Shared signals as administrators see them, by the API and on the command line; no secret is in anything shown."""

from typing import Any

from ostiary.errors import OstiaryError, RefusedError
from ostiary.identity.compact import parse_compact
from ostiary.identity.secevent import UnverifiedSet, read_payload
from ostiary.identity.secevent.reasons import SET
from ostiary.identity.secevent.verifying import MAX_LENGTH
from ostiary.response.ssf.documents import PREFIX, stream_document
from ostiary.response.ssf.streams import Stream
from ostiary.server.signalling import SharedSignals
from ostiary.server.wiring import House


def shown_stream(signals: SharedSignals, house: House, stream: Stream) -> dict[str, Any]:
    """Return a stream as administrators see it: its configuration, its status, and how its delivery stands."""
    life = house.store.signals.life(stream.tenant, stream.stream_id)
    document = stream_document(stream, signals.places, signals.rules)
    return {
        "stream_id": stream.stream_id,
        "owner": stream.owner,
        "status": stream.status,
        "reason": stream.reason,
        "method": document["delivery"]["method"],
        "endpoint_url": document["delivery"]["endpoint_url"],
        "issuer": document["iss"],
        "audience": list(stream.audience),
        "events": list(stream.delivered),
        "description": stream.description,
        "default_subjects": stream.default_subjects,
        "subjects_listed": len(house.store.signals.subjects(stream.tenant, stream.stream_id)),
        "waiting": house.store.signals.count_waiting(stream.tenant, stream.stream_id),
        "dropped": life.dropped,
        "heard_ns": life.heard_ns,
        "made_ns": stream.made_ns,
    }


def shown_receiver(signals: SharedSignals, tenant: str, name: str) -> dict[str, Any]:
    """Return a receiver as administrators see it; no secret is in it.

    Raises:
        RefusedError: ``receiver_unknown``, the same for another tenant's as for none.
    """
    receiver = signals.intake.receivers.get(name)
    if receiver is None or receiver.tenant != tenant:
        raise RefusedError("receiver_unknown", "there is no such receiver")
    source, config = signals.poller.sources[name], receiver.verifier.config
    return {
        "name": name,
        "issuer": config.issuer,
        "audience": config.audience,
        "algorithms": list(config.algorithms),
        "pushes": receiver.pushes,
        "push_url": f"{signals.places.base}{PREFIX}/events/{name}" if receiver.pushes else "",
        "push_authenticated": bool(receiver.secret),
        "poll_url": source.poll_url,
        "verify_url": source.verify_url,
        "stream_id": source.stream_id,
        "events": list(receiver.events),
        "subject_issuers": list(receiver.reading.issuers),
        "subject_type": receiver.reading.subject_type,
    }


def decoded(signals: SharedSignals, tenant: str, token: str, now_ns: int) -> dict[str, Any]:
    """Return what an event token says and which of a tenant's receivers would believe it; nothing comes of it.

    Raises:
        RefusedError: it cannot even be read: one ``set_…`` code.
    """
    header = parse_compact(token, MAX_LENGTH, SET)
    payload = read_payload(header.payload)
    verdicts = {}
    for receiver in signals.intake.receivers.values():
        if receiver.tenant == tenant:
            try:
                receiver.verifier.verify(UnverifiedSet(token), now_ns)
                verdicts[receiver.name] = "verified"
            except OstiaryError as fault:
                verdicts[receiver.name] = fault.code
    return {
        "verified": "verified" in verdicts.values(),
        "receivers": verdicts,
        "event": payload.event.name,
        "header": header.header,
        "claims": payload.claims(),
    }
