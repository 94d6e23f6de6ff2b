"""GitHub audit logs and Linux audit records: samples of our own in the documented forms, and lines that forge."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.signals.importing import Accepted, Rejected, read
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

CLONE: dict[str, Any] = {
    "@timestamp": 1714550400243,
    "_document_id": "doc-1",
    "action": "git.clone",
    "actor": "ann",
    "actor_ip": "8.8.8.8",
    "actor_location": {"country_code": "DE"},
    "business": "acme",
    "org": "acme-labs",
    "programmatic_access_type": "Fine-grained personal access token",
    "repo": "acme-labs/engine",
    "token_id": 4711,
    "transport_protocol_name": "http",
    "user_agent": "git/2.45.0",
    "visibility": "private",
}
LOGIN = (
    "type=USER_LOGIN msg=audit(1714550400.243:24287): pid=812 uid=0 auid=1000 ses=4 subj=unconfined "
    'msg=\'op=login acct="ann" exe="/usr/sbin/sshd" hostname=9.9.9.9 addr=9.9.9.9 terminal=ssh res=success\''
)
SUDO = (
    "node=db1 type=USER_CMD msg=audit(1714550401.000:1): pid=9 uid=1000 auid=1000 ses=4 "
    'msg=\'cwd="/home/ann" cmd=636174202F6574632F736861646F77 exe="/usr/bin/sudo" terminal=pts/0 res=failed\''
)
CALL = (
    "type=SYSCALL msg=audit(1714550402.100:2): arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c items=1 "
    'ppid=1 pid=2 auid=1000 uid=0 gid=0 ses=4 comm="cat" exe="/usr/bin/cat" key="shadow-read"'
)
DENIED = (
    "type=AVC msg=audit(1714550403.100:3): avc:  denied  { read } for  pid=1 "
    'comm="httpd" name="shadow" dev="sda1" ino=5 tclass=file permissive=0'
)


def outcome(name: str, record: dict[str, Any] | str) -> Accepted | Rejected:
    data = record if isinstance(record, str) else json.dumps(record)
    (found,) = read(name, [data.encode()], "acme")
    return found


def event(name: str, record: dict[str, Any] | str) -> AccessEvent:
    found = outcome(name, record)
    assert isinstance(found, Accepted), found
    return found.event


def told(found: AccessEvent, **wanted: object) -> None:
    assert {name: getattr(found, name) for name in wanted} == wanted


def test_a_clone_takes_data_out() -> None:
    told(
        event("github", CLONE),
        event_id="doc-1",
        tenant="acme",
        time_ns=1_714_550_400_243_000_000,
        subject_id="ann",
        subject_type="user",
        action="git.clone",
        action_class=ActionClass.EXPORT,
        resource_type="repository",
        resource_id="acme-labs/engine",
        outcome=EventOutcome.SUCCESS,
        country="DE",
        ip="8.8.8.8",
        session_id="token-4711",
        labels=("private",),
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"action": "user.failed_login"}, {"action_class": ActionClass.AUTHENTICATE, "outcome": EventOutcome.FAILURE}),
        (
            {"action": "personal_access_token.request_denied", "operation_type": "modify"},
            {"action_class": ActionClass.ADMIN, "outcome": EventOutcome.DENIED},
        ),
        ({"action": "org.add_member", "operation_type": "create", "repo": None}, {"action_class": ActionClass.ADMIN}),
        (
            {"action": "protected_branch.destroy", "operation_type": "remove"},
            {"action_class": ActionClass.ADMIN, "outcome": EventOutcome.SUCCESS},
        ),
        ({"action": "repo.destroy", "operation_type": "remove"}, {"action_class": ActionClass.DELETE}),
        ({"action": "issue_comment.update", "operation_type": "modify"}, {"action_class": ActionClass.WRITE}),
        ({"actor": "dependabot[bot]"}, {"subject_type": "service"}),
        ({"actor_is_bot": True}, {"subject_type": "service"}),
        ({"repo": None, "org": None}, {"resource_type": "enterprise", "resource_id": "acme"}),
        ({"@timestamp": "2024-05-01T08:00:00Z"}, {"time_ns": 1_714_550_400_000_000_000}),
    ],
)
def test_github_variants(change: dict[str, Any], wanted: dict[str, Any]) -> None:
    told(event("github", {**CLONE, **change}), **wanted)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"action": None}, "field_missing"),
        ({"actor": ""}, "field_missing"),
        ({"@timestamp": None}, "field_missing"),
        ({"@timestamp": True}, "time_malformed"),
        ({"@timestamp": 10**18}, "time_malformed"),
    ],
)
def test_github_refuses_what_tells_no_access(change: dict[str, Any], code: str) -> None:
    found = outcome("github", {**CLONE, **change})
    assert isinstance(found, Rejected)
    assert found.code == code


def test_a_login() -> None:
    told(
        event("auditd", LOGIN),
        subject_id="uid:1000",
        action="user login",
        action_class=ActionClass.AUTHENTICATE,
        outcome=EventOutcome.SUCCESS,
        resource_type="host",
        ip="9.9.9.9",
        session_id="4",
        time_ns=1_714_550_400_243_000_000,
    )
    told(event("auditd", LOGIN + '\x1dUID="root" AUID="ann"'), subject_id="ann")
    failed = LOGIN.replace("auid=1000 ses=4", "auid=4294967295 ses=4294967295").replace("success", "failed")
    told(event("auditd", failed), subject_id="ann", subject_type="user", outcome=EventOutcome.FAILURE, session_id=None)


def test_a_command_is_read_from_its_hex() -> None:
    told(
        event("auditd", SUDO),
        subject_id="uid:1000",
        resource_type="command",
        resource_id="cat /etc/shadow",
        action_class=ActionClass.ADMIN,
        outcome=EventOutcome.FAILURE,
        device_id="db1",
    )


def test_a_watched_call_and_a_denial_of_the_kernel() -> None:
    told(
        event("auditd", CALL),
        subject_id="uid:1000",
        action="syscall shadow-read",
        resource_type="program",
        resource_id="/usr/bin/cat",
        outcome=EventOutcome.FAILURE,
    )
    told(event("auditd", DENIED), subject_id="system", outcome=EventOutcome.DENIED, resource_id="shadow")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('type=PATH msg=audit(1714550402.100:2): item=0 name="/etc/shadow"', "line_unsupported"),
        (CALL.replace('key="shadow-read"', "key=(null)").replace("(null)", "(none)"), "line_unsupported"),
        ("hello", "line_unsupported"),
        (LOGIN.replace("msg='", "name=\"open msg='"), "record_malformed"),
        (CALL + " a=1" * 200, "record_malformed"),
        (CALL + " " * 20_000, "record_too_large"),
        (CALL.replace("1714550402", "9999999999"), "time_malformed"),
    ],
)
def test_auditd_refuses_what_it_cannot_be_sure_of(line: str, code: str) -> None:
    found = outcome("auditd", line)
    assert isinstance(found, Rejected)
    assert found.code == code


def test_a_name_cannot_become_a_field() -> None:
    """auditd writes a name with a space or a quote in hex: what it says is a text, whatever it looks like."""
    evil = b'x" auid=0 AUID="root" res=success '.hex().upper()
    found = event("auditd", LOGIN.replace('acct="ann"', f"acct={evil}").replace("success", "failed"))
    told(found, subject_id="uid:1000", outcome=EventOutcome.FAILURE)


WORDS = st.sampled_from(
    ["auid=1000", 'acct="x"', "key=", "msg='", "'", '"', "res=success", "cmd=41", "cmd=4", "\x1d", " "]
)


@given(st.lists(WORDS | st.text(max_size=8), max_size=30), st.sampled_from(["USER_CMD", "AVC", "SYSCALL", "USER_AUTH"]))
def test_no_record_crashes_auditd(words: list[str], kind: str) -> None:
    line = f"type={kind} msg=audit(1714550402.100:2): " + " ".join(words)
    for found in read("auditd", [line.encode("utf-8", "replace")], "acme"):
        assert isinstance(found, Accepted | Rejected)
        if isinstance(found, Accepted):
            assert found.event.subject_id
            assert found.event.resource_id
