"""Streams: who may set up what, how they change, what is told of them, and what never is."""

from typing import Any

import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.secevent import read_subject_id
from ostiary.response.ssf.addresses import AddressRules
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.documents import Places, status_document, stream_document
from ostiary.response.ssf.limits import MAX_STREAMS_PER_OWNER
from ostiary.response.ssf.streams import POLL, PUSH, SUPPORTED

PUSHED = {"method": PUSH, "endpoint_url": "https://93.184.216.34/events", "authorization_header": "Bearer s3cret"}
ALICE = {"format": "iss_sub", "iss": "https://us.example", "sub": "alice"}
OTHERS = [Caller("acme", "pep:app", "app"), Caller("evil", "pep:web", "web"), Caller("evil", "adm_9")]


def shown(domain: Any, stream: Any) -> dict[str, Any]:
    return stream_document(stream, Places("https://us.example"), domain.rules)


def test_a_stream_is_polled_unless_its_receiver_says_otherwise(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    document = shown(domain, stream)
    assert document["delivery"] == {
        "method": POLL,
        "endpoint_url": f"https://us.example/ssf/v1/poll/{stream.stream_id}",
    }
    assert (document["iss"], document["aud"]) == ("https://us.example/acme", "web")
    assert document["events_delivered"] == list(SUPPORTED)
    assert domain.deeds == [
        {
            "tenant": "acme",
            "by": "pep:web",
            "action": "stream.create",
            "stream": stream.stream_id,
            "owner": "web",
            "status": "enabled",
            "method": POLL,
            "url": "",
        }
    ]


def test_the_authorisation_of_a_push_is_sealed_and_never_shown(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {"delivery": PUSHED})
    assert stream.delivery.sealed
    for told in (repr(stream), repr(shown(domain, stream)), repr(domain.deeds)):
        assert "s3cret" not in told
        assert "terc3s" not in told


def test_only_what_is_asked_for_and_supported_is_delivered(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {"events_requested": [SUPPORTED[0], "urn:unknown"]})
    assert stream.delivered == (SUPPORTED[0],)
    assert domain.desk.create(owner, {"events_requested": []}).delivered == ()
    assert shown(domain, domain.desk.create(owner, {"events_requested": []}))["events_requested"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"delivery": "push"},
        {"delivery": {}},
        {"delivery": {"method": "urn:x"}},
        {"delivery": {"method": PUSH}},
        {"delivery": {"method": PUSH, "endpoint_url": 7}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://r.example/", "authorization_header": "a\r\nHost: evil"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://r.example/", "authorization_header": "x" * 5000}},
        {"events_requested": "all"},
        {"events_requested": [7]},
        {"events_requested": ["x"] * 65},
        {"description": 7},
        {"description": "x" * 600},
    ],
)
def test_a_malformed_configuration_is_refused(domain: Any, owner: Caller, body: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        domain.desk.create(owner, body)
    assert fault.value.code == "stream_invalid"
    assert domain.store.all_streams() == []


def test_to_everybody_else_a_stream_is_unknown(domain: Any, owner: Caller) -> None:
    stream_id = domain.desk.create(owner, {}).stream_id
    desk = domain.desk
    deeds = [
        desk.find,
        lambda who, which: desk.change(who, which, {"description": "mine"}, whole=False),
        lambda who, which: desk.set_status(who, which, "disabled"),
        lambda who, which: desk.add_subject(who, which, ALICE),
        lambda who, which: desk.remove_subject(who, which, ALICE),
        desk.verify,
        desk.delete,
    ]
    said = set()
    for deed in deeds:
        for who, which in [*((other, stream_id) for other in OTHERS), (owner, "str_never")]:
            with pytest.raises(RefusedError) as no:
                deed(who, which)
            said.add((no.value.code, no.value.message))
    assert said == {("stream_unknown", "there is no such stream")}
    assert [desk.listed(who) for who in OTHERS] == [[], [], []]
    assert len(desk.listed(owner)) == 1


def test_a_receiver_has_only_so_many(domain: Any, owner: Caller) -> None:
    for _ in range(MAX_STREAMS_PER_OWNER):
        domain.desk.create(owner, {})
    with pytest.raises(RefusedError) as no:
        domain.desk.create(owner, {})
    assert no.value.code == "streams_too_many"
    assert domain.desk.create(Caller("evil", "pep:web", "web"), {})


def test_patch_changes_what_it_names_and_put_all(domain: Any, owner: Caller) -> None:
    stream_id = domain.desk.create(owner, {"delivery": PUSHED, "description": "one"}).stream_id
    patched = domain.desk.change(owner, stream_id, {"events_requested": [SUPPORTED[0]]}, whole=False)
    assert (patched.delivery.method, patched.description, patched.delivered) == (PUSH, "one", (SUPPORTED[0],))
    put = domain.desk.change(owner, stream_id, {"description": "two"}, whole=True)
    assert (put.delivery.method, put.description, put.delivered) == (POLL, "two", SUPPORTED)


def test_nothing_is_done_that_cannot_be_recorded(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.log_is_away = True
    for deed in (
        lambda: domain.desk.create(owner, {}),
        lambda: domain.desk.set_status(owner, stream.stream_id, "disabled"),
        lambda: domain.desk.add_subject(owner, stream.stream_id, ALICE),
        lambda: domain.desk.delete(owner, stream.stream_id),
    ):
        with pytest.raises(UnavailableError):
            deed()
    assert domain.store.all_streams() == [stream]
    assert domain.store.subjects("acme", stream.stream_id) == []


def test_a_subject_is_left_out_or_added_as_the_default_says(make_domain: Any, owner: Caller) -> None:
    for default, listed_after_add, listed_after_remove in (("ALL", 0, 1), ("NONE", 1, 0)):
        domain = make_domain(default_subjects=default)
        stream_id = domain.desk.create(owner, {}).stream_id
        domain.desk.add_subject(owner, stream_id, ALICE)
        assert len(domain.store.subjects("acme", stream_id)) == listed_after_add
        domain.desk.remove_subject(owner, stream_id, ALICE)
        assert len(domain.store.subjects("acme", stream_id)) == listed_after_remove
        assert "alice" not in repr(domain.deeds)
        with pytest.raises(RefusedError) as no:
            domain.desk.add_subject(owner, stream_id, {"format": "email"})
        assert no.value.code == "set_subject_invalid"


def test_a_person_to_be_forgotten_is_taken_off_every_list_of_the_tenant(make_domain: Any, owner: Caller) -> None:
    domain = make_domain(default_subjects="NONE")
    user = read_subject_id(ALICE)
    in_part = {"format": "complex", "user": ALICE, "device": {"format": "opaque", "id": "d"}}
    first, second = (domain.desk.create(owner, {}).stream_id for _ in range(2))
    other = domain.desk.create(OTHERS[1], {}).stream_id
    for subject in (ALICE, in_part, {**ALICE, "sub": "bob"}):
        domain.desk.add_subject(owner, first, subject)
    domain.desk.add_subject(OTHERS[1], other, ALICE)
    assert domain.desk.forget_subject("acme", user) == 1
    assert [len(domain.store.subjects("acme", one)) for one in (first, second)] == [1, 0]
    assert len(domain.store.subjects("evil", other)) == 1


def test_a_verification_carries_its_state_and_may_not_be_asked_for_too_often(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.desk.verify(owner, stream.stream_id, "opaque")
    (payload,) = domain.waiting(stream)
    assert payload.sub_id.document() == {"format": "opaque", "id": stream.stream_id}
    assert (payload.event.name, dict(payload.event.claims)) == ("verification", {"state": "opaque"})
    with pytest.raises(RefusedError) as no:
        domain.desk.verify(owner, stream.stream_id)
    assert no.value.code == "verification_too_soon"
    domain.clock.advance(60)
    domain.desk.verify(owner, stream.stream_id)
    assert len(domain.waiting(stream)) == 2
    for state in (7, "x" * 2000):
        with pytest.raises(FaultyInputError):
            domain.desk.verify(owner, stream.stream_id, state)


def test_an_administrators_change_of_status_is_told_and_a_receivers_own_is_not(
    domain: Any, owner: Caller, admin: Caller
) -> None:
    stream = domain.desk.create(owner, {})
    domain.desk.set_status(owner, stream.stream_id, "paused", "maintenance")
    assert domain.waiting(stream) == []
    domain.desk.set_status(admin, stream.stream_id, "enabled")
    domain.desk.set_status(admin, stream.stream_id, "disabled", "abuse")
    said = [(one.event.name, one.event.claims["status"]) for one in domain.waiting(stream)]
    assert said == [("stream-updated", "enabled"), ("stream-updated", "disabled")]
    found = domain.desk.find(owner, stream.stream_id)
    assert status_document(found) == {"stream_id": stream.stream_id, "status": "disabled", "reason": "abuse"}
    with pytest.raises(FaultyInputError):
        domain.desk.set_status(owner, stream.stream_id, "asleep")


def test_disabling_drops_what_waits(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.desk.verify(owner, stream.stream_id)
    domain.desk.set_status(owner, stream.stream_id, "disabled")
    assert domain.waiting(stream) == []


def test_push_over_plain_http_is_for_trying_out_only(make_domain: Any, owner: Caller) -> None:
    body = {"delivery": {"method": PUSH, "endpoint_url": "http://127.0.0.1:9/x"}}
    with pytest.raises(FaultyInputError) as fault:
        make_domain().desk.create(owner, body)
    assert fault.value.code == "address_refused"
    assert make_domain(AddressRules(loopback_http=True)).desk.create(owner, body).delivery.method == PUSH
