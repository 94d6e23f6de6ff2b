"""Who acted, and from where, was taken from what anybody may write: a display name, a mail's sender, a header.

Whoever named his application, his account or the sender of a mail like somebody else acted as that person, and whoever
sent ``X-Forwarded-For`` chose the network that he came from.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, adapter_of, read
from ostiary.signals.logtypes.registry import normaliser_of
from ostiary.vocabulary.facts import Mark

TIME = "2024-05-01T10:00:00Z"
BOSS = "boss@corp.example"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
APP = {"displayName": BOSS, "servicePrincipalId": "sp-7"}
RECORDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("Zendesk.Audit", {"action": "update", "actor_name": BOSS, "actor_id": 7}, "user", "7"),
    ("GitLab.Audit", {"detail": {"author_name": BOSS, "custom_message": "x"}, "author_id": 7}, "user", "7"),
    ("GitLab.Audit", {"detail": {"author_name": "ann", "custom_message": "x"}, "author_id": -1}, "user", "ann"),
    ("OneLogin.Events", {"event_type_id": 5, "actor_user_name": BOSS, "actor_user_id": 7}, "user", "7"),
    ("OneLogin.Events", {"event_type_id": 6, "user_name": "ann", "actor_user_id": 0}, "user", "ann"),
    (
        "Axonius.Activity",
        {"event": {"action": "x", "user": "mallory", "params": {"user_name": BOSS}}},
        "user",
        "mallory",
    ),
    ("Azure.Audit", {"operationName": "x", "properties": {"initiatedBy": {"app": APP}}}, "service", "sp-7"),
    (
        "Azure.Audit",
        {"operationName": "x", "properties": {"initiatedBy": {"app": {"displayName": "A"}}}},
        "service",
        "A",
    ),
    (
        "Azure.MonitorActivity",
        {
            "operationName": "x",
            "caller": "guest-7",
            "identity": {"claims": {CLAIMS + "emailaddress": BOSS, "name": BOSS}},
        },
        "user",
        "guest-7",
    ),
    ("Wiz.Audit", {"action": "x", "serviceAccount": {"name": BOSS}}, "service", BOSS),
    ("Proofpoint.Event", {"sender": BOSS, "senderIP": "203.0.113.7", "subject": "Hello"}, "user", "203.0.113.7"),
    ("Windows.EventLogs", {"EventID": 4624, "SubjectUserName": "-", "TargetUserName": "ann"}, "user", "ann"),
    (
        "Windows.EventLogs",
        {"EventID": "4625", "ExtraEventData": {"SubjectUserName": "DC1$", "TargetUserName": "ann"}},
        "user",
        "ann",
    ),
    ("Windows.EventLogs", {"EventID": 4688, "SubjectUserName": "ann", "TargetUserName": "bob"}, "user", "ann"),
    (
        "Windows.EventLogs",
        {"EventID": 4624, "TargetUserName": "boss", "TargetDomainName": "PC7", "Computer": "pc7.corp.example"},
        "user",
        r"PC7\boss",
    ),
    (
        "Windows.EventLogs",
        {"EventID": 4688, "ExtraEventData": {"SubjectUserName": "boss", "SubjectDomainName": "PC7"}, "Computer": "PC7"},
        "user",
        r"PC7\boss",
    ),
    (
        "Windows.EventLogs",
        {"EventID": 4624, "TargetUserName": "ann", "TargetDomainName": "CORP", "Computer": "PC7"},
        "user",
        "ann",
    ),
    ("Windows.EventLogs", {"EventID": 4688, "SubjectUserName": "-", "TargetUserName": "bob"}, "user", "bob"),
]


@pytest.mark.parametrize(("name", "record", "kind", "subject"), RECORDS)
def test_nobody_calls_himself_somebody_else(name: str, record: dict[str, Any], kind: str, subject: str) -> None:
    event = normaliser_of(name)({"time": TIME, **record}, "acme")
    assert (event.subject_type if kind == "service" else "user", event.subject_id) == (kind, subject)


def test_an_application_is_called_by_its_id_where_it_signs_in() -> None:
    record = {"createdDateTime": TIME, "servicePrincipalName": BOSS, "servicePrincipalId": "sp-7"}
    event = adapter_of("entra").normalise(record, "acme")
    assert (event.subject_type, event.subject_id) == ("service", "sp-7")


def test_a_mail_says_no_more_than_where_it_came_from() -> None:
    record = {"messageTime": TIME, "sender": BOSS, "senderIP": "203.0.113.7", "recipient": ["ann@corp.example"]}
    event = normaliser_of("Proofpoint.Event")(record, "acme")
    assert (event.subject_type, event.ip, event.client_id) == ("service", "203.0.113.7", BOSS)
    assert Mark.EXTERNAL not in event.marks
    strange = {**record, "sender": "boss@c0rp.example"}
    assert Mark.EXTERNAL in normaliser_of("Proofpoint.Event")(strange, "acme").marks, "home is who got it"


def test_a_header_that_nobody_checked_makes_nobody(tmp_path: Path) -> None:
    """``curl -u boss:x`` at an open page was a success of the boss: nginx logs the name, checked or not."""
    line = {"time_iso8601": TIME, "remote_user": BOSS, "remote_addr": "203.0.113.7", "request_method": "GET"}
    path = tmp_path / "log"
    path.write_text(json.dumps({**line, "uri": "/", "host": "h", "status": "200"}))
    [found] = format_of("nginx_json").read(path, "acme")
    assert isinstance(found, Accepted)
    assert found.event.subject_id == f"basic:{BOSS}"


@pytest.mark.parametrize("form", ["kubernetes_audit", "eks_audit", "azure_activity"])
def test_the_address_is_not_what_a_header_says(form: str) -> None:
    log = {
        "kind": "Event",
        "stage": "ResponseComplete",
        "requestReceivedTimestamp": TIME,
        "verb": "get",
        "user": {"username": "mallory"},
        "sourceIPs": ["10.0.0.7", "10.0.0.8", "203.0.113.7"],  # Kubernetes: all but the last are the client's words
        "objectRef": {"resource": "secrets", "name": "s"},
    }
    record = {"time": TIME, "properties": {"log": log}} if form == "azure_activity" else log
    event = adapter_of(form).normalise(record, "acme")
    assert (event.subject_id, event.ip) == ("mallory", "203.0.113.7")
    unreadable: tuple[Any, ...] = ([], None, [[]], "10.0.0.7", [None])
    for odd in unreadable:
        assert adapter_of(form).normalise({**log, "time": TIME, "sourceIPs": odd}, "acme").ip is None


def test_of_several_addresses_the_last_counts() -> None:
    line = b'{"time": "2024-05-01T10:00:00Z", "action": "x", "actor": "m", "ip": "10.0.0.7, 203.0.113.7"}'
    [found] = read("panther", [line], "acme")
    assert isinstance(found, Accepted)
    assert found.event.ip == "203.0.113.7"
