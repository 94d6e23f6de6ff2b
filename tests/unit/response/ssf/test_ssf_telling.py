"""What is told of what happens here: the event for each change, to whom, and what nobody is ever told."""

from typing import Any

import msgspec
import pytest

from ostiary.identity.secevent.subjects import Complex, Email, IssSub, Opaque, read_subject_id
from ostiary.response.ssf.caep import compliance, credential, standing
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.matching import canonical, tells_of
from ostiary.response.ssf.naming import SubjectNaming
from ostiary.response.ssf.streams import SUPPORTED
from ostiary.response.ssf.transmitter import MAX_QUEUED, Transmitter
from ostiary.sessions import ChangeKind, SessionChange

ALICE = IssSub("https://us.example", "alice")


def change(kind: ChangeKind = ChangeKind.TERMINATED, **more: Any) -> SessionChange:
    told = {"session_id": "s1", "subject": "user:alice", "reason": "risk", "cause": "dec_1", **more}
    return SessionChange("acme", kind=kind, at_ns=1_790_000_000_500_000_000, **told)


def told(domain: Any, stream: Any, what: Any) -> list[tuple[str, dict[str, Any]]]:
    domain.transmitter.tell(what)
    domain.transmitter.drain()
    found = [(one.event.name, one.claims()) for one in domain.waiting(stream)]
    domain.store.clear(stream.tenant, stream.stream_id)
    return found


def test_a_terminated_session_is_told_with_user_session_and_the_decision_behind_it(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ((name, claims),) = told(domain, stream, change())
    assert name == "session-revoked"
    assert claims["txn"] == "dec_1"
    assert claims["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": "https://us.example", "sub": "alice"},
        "session": {"format": "opaque", "id": "s1"},
    }
    (said,) = claims["events"].values()
    assert said == {
        "event_timestamp": 1_790_000_000,
        "initiating_entity": "policy",
        "reason_admin": {"en": "session terminated: risk"},
        "reason_user": {"en": "This session has ended. Sign in again to go on."},
    }


@pytest.mark.parametrize(
    ("kind", "more", "name", "said"),
    [
        (ChangeKind.REDUCED, {}, "assurance-level-change", ("reduced", "decrease")),
        (ChangeKind.STEP_UP, {}, "assurance-level-change", ("step-up-required", "decrease")),
        (ChangeKind.PROVEN, {"acr_values": ("urn:acr:mfa",)}, "assurance-level-change", ("urn:acr:mfa", "increase")),
        (ChangeKind.PROVEN, {}, "assurance-level-change", ("proven", "increase")),
        (ChangeKind.LEVEL, {"level": "high", "previous_level": "low"}, "risk-level-change", ("HIGH", None)),
        (ChangeKind.LEVEL, {"level": "medium", "previous_level": "unknown"}, "risk-level-change", ("MEDIUM", None)),
        (ChangeKind.SUBJECT_REVOKED, {"session_id": ""}, "session-revoked", (None, None)),
    ],
)
def test_each_change_has_its_event(
    domain: Any, owner: Caller, kind: ChangeKind, more: dict[str, Any], name: str, said: tuple[Any, Any]
) -> None:
    stream = domain.desk.create(owner, {})
    ((event, claims),) = told(domain, stream, change(kind, **more))
    (body,) = claims["events"].values()
    assert (event, body.get("current_level"), body.get("change_direction")) == (name, *said)
    assert body["reason_admin"]["en"]
    if kind is ChangeKind.SUBJECT_REVOKED:
        assert claims["sub_id"] == ALICE.document()


@pytest.mark.parametrize(
    ("more", "who"),
    [
        ({"cause": "adm_1"}, "admin"),
        ({"reason": "admin_request"}, "admin"),
        ({"reason": "session_idle"}, "system"),
        ({"kind": ChangeKind.PROVEN}, "user"),
        ({}, "policy"),
    ],
)
def test_it_says_who_is_behind_it(domain: Any, owner: Caller, more: dict[str, Any], who: str) -> None:
    stream = domain.desk.create(owner, {})
    ((_, claims),) = told(domain, stream, change(**more))
    (body,) = claims["events"].values()
    assert body["initiating_entity"] == who


@pytest.mark.parametrize(
    "nothing",
    [
        change(ChangeKind.LEVEL, level="unknown", previous_level="low"),
        change(ChangeKind.LEVEL, level="high", previous_level="critical"),
        change(session_id="", subject=""),
    ],
)
def test_what_says_nothing_is_not_told(domain: Any, owner: Caller, nothing: SessionChange) -> None:
    assert told(domain, domain.desk.create(owner, {}), nothing) == []


def test_two_domains_that_listen_to_each_other_fall_silent(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.transmitter.on_change(change(cause="sig_0123"))
    assert domain.transmitter.drain() == 0
    domain.transmitter.on_change(change())
    assert domain.transmitter.drain() == 1
    assert len(domain.waiting(stream)) == 1


def test_a_reason_cannot_forge_a_line_and_words_for_users_say_nothing_tunable(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ((_, claims),) = told(domain, stream, change(reason="rule\nscore=0.83 > threshold=0.8"))
    (body,) = claims["events"].values()
    assert "\n" not in body["reason_admin"]["en"]
    assert "0.8" not in body["reason_user"]["en"]


def test_a_session_named_by_an_enforcement_point_is_told_by_its_bare_id(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ((_, claims),) = told(domain, stream, change(session_id="user\nalice\ns9"))
    assert claims["sub_id"]["session"] == {"format": "opaque", "id": "s9"}


def test_devices_and_credentials_have_their_events_too(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    ((name, claims),) = told(domain, stream, compliance("acme", "dev-1", compliant=False, at_ns=0, reason="patches"))
    (body,) = claims["events"].values()
    assert (name, body["previous_status"], body["current_status"]) == (
        "device-compliance-change",
        "compliant",
        "not-compliant",
    )
    assert claims["sub_id"] == {"format": "complex", "device": {"format": "opaque", "id": "dev-1"}}
    ((name, claims),) = told(domain, stream, credential("acme", ALICE, kind="fido2-roaming", change="create", at_ns=0))
    assert (name, claims["sub_id"]) == ("credential-change", ALICE.document())


def test_a_stream_gets_only_its_tenants_events_of_its_types_while_it_is_not_disabled(domain: Any) -> None:
    mine, other = Caller("acme", "pep:a", "a"), Caller("evil", "pep:b", "b")
    wanting = {"events_requested": [uri for uri in SUPPORTED if "risk-level" in uri]}
    streams = [domain.desk.create(mine, {}), domain.desk.create(mine, wanting), domain.desk.create(other, {})]
    off, resting = domain.desk.create(mine, {}), domain.desk.create(mine, {})
    domain.desk.set_status(mine, off.stream_id, "disabled")
    domain.desk.set_status(mine, resting.stream_id, "paused")
    domain.transmitter.tell(change())
    domain.transmitter.drain()
    assert [len(domain.waiting(stream)) for stream in (*streams, off, resting)] == [1, 0, 0, 0, 1]
    (payload,) = domain.waiting(streams[0])
    assert payload.for_whom == ("a",)


def test_a_subject_that_was_taken_off_is_never_mentioned(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.desk.remove_subject(owner, stream.stream_id, ALICE.document())
    assert told(domain, stream, change()) == []
    assert len(told(domain, stream, change(subject="user:bob"))) == 1
    domain.desk.add_subject(owner, stream.stream_id, ALICE.document())
    assert len(told(domain, stream, change())) == 1


def test_lists_match_users_sessions_and_parts_of_complex_subjects() -> None:
    session = Complex({"user": ALICE, "session": Opaque("s1")})
    for listed, expected in (
        (session, True),
        (ALICE, True),
        (Complex({"session": Opaque("s1"), "user": ALICE}), True),
        (Complex({"user": ALICE}), True),
        (Complex({"user": ALICE, "tenant": Opaque("t")}), True),
        (Complex({"user": ALICE, "session": Opaque("s2")}), False),
        (Complex({"tenant": Opaque("t")}), False),
        (Email("alice@example.org"), False),
        (Opaque("s1"), False),
    ):
        assert tells_of([canonical(listed)], "NONE", session) is expected, listed
        assert tells_of([canonical(listed)], "ALL", session) is not expected, listed
    assert not tells_of([], "NONE", ALICE)


def test_subjects_are_named_as_configured() -> None:
    naming = SubjectNaming("https://us.example")
    assert naming.outward("service:ci") == IssSub("https://us.example", "service:ci")
    by_mail = msgspec.structs.replace(naming, format="email")
    assert by_mail.outward("user:a@b.example") == Email("a@b.example")
    assert by_mail.outward("user:alice") == ALICE
    assert msgspec.structs.replace(naming, format="opaque").outward("user:alice") == Opaque("alice")
    assert read_subject_id(ALICE.document()) == ALICE


def test_what_cannot_be_kept_waits_and_what_is_too_much_is_said(domain: Any, owner: Caller) -> None:
    class Away(type(domain.store)):  # type: ignore[misc]
        away = True

        def put_out(self, rows: Any, limit: int) -> None:
            if self.away:
                raise OSError("the disk is away")
            super().put_out(rows, limit)

    store = Away()
    transmitter = Transmitter(
        store,
        domain.clock,
        domain._sign,
        domain.make_id,
        issuer=lambda tenant: "https://us.example",
        naming=lambda tenant: SubjectNaming("https://us.example"),
        on_fault=lambda code, fault: domain.faults.append((code, fault)),
        rules=StreamRules(),
    )
    store.add_stream(domain.desk.create(owner, {}), of_owner=9, of_tenant=9)
    transmitter.on_change(change())
    with pytest.raises(OSError, match="away"):
        transmitter.drain()
    store.away = False
    assert transmitter.drain() == 1
    transmitter._queue.extend([change()] * MAX_QUEUED)
    transmitter.on_change(change())
    assert [code for code, _ in domain.faults] == ["ssf_backlog_full"]


def test_what_can_never_be_told_does_not_hold_up_the_rest(domain: Any, owner: Caller) -> None:
    stream = domain.desk.create(owner, {})
    domain.transmitter.tell(
        msgspec.structs.replace(credential("acme", ALICE, kind="x", change="y", at_ns=0), event="z")
    )
    domain.transmitter.tell(change())
    assert domain.transmitter.drain() == 1
    assert [code for code, _ in domain.faults] == ["signal_not_told"]
    assert len(domain.waiting(stream)) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("compliant", "not_compliant", "not-compliant"),
        ("unjudged", "quarantined", "not-compliant"),
        ("not_compliant", "compliant", "compliant"),
        ("quarantined", "compliant", "compliant"),
        ("not_compliant", "quarantined", None),
        ("unjudged", "compliant", None),
        ("compliant", "removed", None),
        ("compliant", "unjudged", None),
    ],
)
def test_a_devices_fall_is_told_and_its_return(before: str, after: str, said: str | None) -> None:
    found = standing("acme", "d1", before=before, after=after, at_ns=0)
    assert (None if found is None else found.claims["current_status"]) == said
