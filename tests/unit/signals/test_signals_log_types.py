"""Tables of log types: stand-ins, constants, absence, codes, times, outcomes, and which table a record is read by."""

from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.adapters import panther
from ostiary.signals.deeds import deed_of
from ostiary.signals.importing import Accepted, Rejected, adapter_of, adapters, read
from ostiary.signals.logtypes.choosing import best_of
from ostiary.signals.logtypes.outcomes import outcome_of
from ostiary.signals.logtypes.reading import normaliser
from ostiary.signals.logtypes.registry import log_types, normaliser_of
from ostiary.signals.logtypes.table import log_type
from ostiary.signals.logtypes.times import when
from ostiary.vocabulary.events import ActionClass, EventOutcome
from ostiary.vocabulary.facts import Mark

TIME = "2024-05-01T10:00:00Z"
GITHUB = {
    "action": "protected_branch.destroy",
    "actor": "ann",
    "actor_ip": "203.0.113.7",
    "org": "acme",
    "repo": "acme/shop",
    "@timestamp": 1_714_557_600_000,
    "user_agent": "Mozilla/5.0",
}


def test_a_record_of_github() -> None:
    event = normaliser_of("GitHub.Audit")(GITHUB, "default")
    assert (event.subject_id, event.subject_type, event.action) == ("ann", "user", "github:protected_branch.destroy")
    assert (event.resource_type, event.resource_id, event.ip) == ("repository", "acme/shop", "203.0.113.7")
    assert event.time_ns == 1_714_557_600_000_000_000
    assert event.action_class is ActionClass.DELETE
    assert event.source == "github_audit"
    assert Mark.DESTROYS in event.marks
    assert normaliser_of("GitHub.Audit")(GITHUB, "default") == event


def test_who_is_not_told_is_no_person() -> None:
    kind = log_type("X.Y", "x_y", "a test", action="what", place="account")
    base = {"what": "delete bucket", "time": TIME}
    tell = normaliser(kind)
    assert tell({**base}, "t").subject_type == "product"
    assert tell({**base, "account": "a1"}, "t").subject_type == "account"
    assert tell({**base, "account": "a1", "hostname": "h"}, "t").subject_type == "device"
    assert tell({**base, "hostname": "h", "ip": "192.0.2.1:443"}, "t").subject_type == "address"
    assert tell({**base, "ip": "192.0.2.1:443"}, "t").subject_id == "192.0.2.1"
    assert tell({**base, "user": "ann"}, "t").subject_type == "user"
    assert tell({**base, "user": "system:kube-scheduler"}, "t").subject_type == "service"


def test_neither_who_nor_what_is_a_fault() -> None:
    tell = normaliser(log_type("X.Y", "x_y", "a test"))
    with pytest.raises(FaultyInputError) as caught:
        tell({"time": TIME, "unheard": 1}, "t")
    assert caught.value.code == "field_missing"


def test_absence_and_codes_and_constants() -> None:
    kind = log_type(
        "X.Y", "x_y", "a test", codes={"6": "login failed"}, action="code", mfa="second|=no", kind="=directory"
    )
    event = normaliser(kind)({"code": 6, "user": "ann", "time": TIME}, "t")
    assert (event.action, event.mfa, event.resource_type) == ("login failed", False, "directory")
    assert event.outcome is EventOutcome.FAILURE
    assert Mark.WEAK_LOGIN in event.marks
    assert normaliser(kind)({"code": 6, "second": "OTP", "user": "ann", "time": TIME}, "t").mfa is True


def test_a_place_for_no_field_is_our_fault() -> None:
    with pytest.raises(FaultyInputError) as caught:
        log_type("X.Y", "x_y", "a test", colour="blue")
    assert caught.value.code == "log_type_faulty"


def test_findings_say_how_bad_they_are() -> None:
    tell = normaliser_of("Upwind.Detections")
    base = {"title": "something", "last_seen_time": TIME}
    assert {Mark.FLAGGED, Mark.SEVERE} <= set(tell({**base, "severity": "HIGH"}, "t").marks)
    assert Mark.MINOR in tell({**base, "severity": "low"}, "t").marks
    assert Mark.FLAGGED in tell(base, "t").marks


def test_a_record_inside_a_text() -> None:
    log = '{"verb": "create", "user": {"username": "ann"}, "objectRef": {"resource": "pods/exec", "name": "p"}}'
    record = {"time": TIME, "category": "kube-audit", "properties": {"log": log}}
    event = normaliser_of("Azure.MonitorActivity")(record, "t")
    assert (event.subject_id, event.action, event.resource_id) == ("ann", "pods/exec:create", "p")
    assert Mark.INTERACTIVE in event.marks


MOMENTS = (
    TIME, "2024-05-01 10:00:00.000000000", 1_714_557_600, "1714557600", 1_714_557_600_000, 1_714_557_600.0,
    1_714_557_600_000_000, 1_714_557_600_000_000_000, "Wed May 01 10:00:00 2024 UTC", "5/1/2024 10:00:00 AM",
    "2024-05-01 10:00:00 (UTC)",
)  # fmt: skip
OUTCOMES = (
    ("SUCCESS", "success"), (200, "success"), ("403", "denied"), (404, "failure"), (True, "success"), ("NO", "failure"),
    ("BLOCK", "denied"), (0, "success"), (7_000_215, "failure"), ("odd", "unknown"), (None, "unknown"),
)  # fmt: skip


@pytest.mark.parametrize("value", MOMENTS)
def test_one_moment_in_many_forms(value: object) -> None:
    assert when(value) == 1_714_557_600_000_000_000


@pytest.mark.parametrize("value", [None, "", "yesterday", 0, -5, float("nan"), 10**30, True, "9" * 48, [], "12:00"])
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(FaultyInputError) as caught:
        when(value)
    assert caught.value.code == "time_malformed"


@pytest.mark.parametrize(("value", "outcome"), OUTCOMES)
def test_outcomes(value: object, outcome: str) -> None:
    assert outcome_of(value, deed_of("read")) == outcome
    assert outcome_of(None, deed_of("login_failure")) is EventOutcome.FAILURE
    assert outcome_of(None, deed_of("login_success")) is EventOutcome.SUCCESS


def test_the_envelope_says_when_it_was_received() -> None:
    record = {name: value for name, value in GITHUB.items() if name != "@timestamp"}
    event = panther.normalise({"log_type": "GitHub.Audit", "log": record, "received": TIME}, "t")
    assert event.time_ns == 1_714_557_600_000_000_000
    told = panther.normalise({"log_type": "GitHub.Audit", "log": GITHUB, "received": "2030-01-01T00:00:00Z"}, "t")
    assert told.time_ns == 1_714_557_600_000_000_000, "the record's own time comes first"
    for envelope in ({"log_type": "GitHub.Audit", "log": record}, {**record, "p_log_type": "GitHub.Audit"}):
        with pytest.raises(FaultyInputError) as caught:
            panther.normalise(envelope, "t")
        assert caught.value.code == "time_malformed"


def test_the_record_says_what_it_is() -> None:
    assert panther.normalise({**GITHUB, "p_log_type": "GitHub.Audit"}, "t").source == "github_audit"
    assert (
        panther.normalise({"log": GITHUB, "log_type": ["Slack.AuditLogs", "GitHub.Audit"]}, "t").source
        == "github_audit"
    )
    assert panther.normalise({"log": GITHUB, "log_type": "Nobody.Knows"}, "t").source == "github_audit"
    assert panther.normalise({"name": "x", "user": "ann", "time": TIME}, "t").source == "panther"
    assert best_of({"user": "ann"}) is None


def test_whole_records_go_through_their_own_adapter() -> None:
    trail: dict[str, Any] = {
        "eventTime": TIME,
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey",
        "userIdentity": {"type": "Root", "accountId": "123456789012"},
        "requestParameters": {"userName": "bob"},
    }
    event = panther.normalise({"log_type": "AWS.CloudTrail", "log": trail}, "t")
    assert event.source == "cloudtrail"
    assert {Mark.ADDS_CREDENTIAL, Mark.ROOT} <= set(event.marks)
    del trail["userIdentity"]
    assert panther.normalise({"log_type": "AWS.CloudTrail", "log": trail}, "t").source == "aws_cloudtrail"


def test_every_log_type_is_a_format() -> None:
    names = set(adapters())
    assert {kind.format for kind in log_types().values()} <= names
    assert len({kind.format for kind in log_types().values()}) == len(log_types()), "two log types share a format"
    assert adapter_of("github_audit").describe
    line = b'{"action": "repo.create", "actor": "ann", "created_at": "2024-05-01T10:00:00Z"}\n'
    found = list(read("github_audit", [line, b"{}\n"], "default"))
    assert isinstance(found[0], Accepted)
    assert isinstance(found[1], Rejected)
