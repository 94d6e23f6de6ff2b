"""The shipped mappings on records as their products write them: what a person would expect of each."""

import json
from typing import Any

import pytest

from ostiary.signals.importing import Accepted, Rejected, read
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark, PlaceFacts, TokenFacts


def event(name: str, data: Any) -> AccessEvent:
    (found,) = read(name, [data if isinstance(data, bytes) else json.dumps(data).encode()], "default")
    assert isinstance(found, Accepted), found
    return found.event


NGINX = {
    "time_iso8601": "2024-05-01T10:00:00+02:00",
    "remote_addr": "203.0.113.9",
    "remote_user": "ann",
    "request_method": "GET",
    "uri": "/reports/q1.pdf",
    "host": "files.example.org",
    "status": "403",
    "body_bytes_sent": "153",
    "http_user_agent": "curl/8.0",
    "request_id": "abc",
    "tcpinfo_rtt": "25000",
}


def test_nginx() -> None:
    found = event("nginx_json", NGINX)
    assert (found.event_id, found.subject_id, found.subject_type) == ("abc", "basic:ann", "user")
    assert (found.action, found.action_class, found.outcome, found.detail) == ("GET", "read", "denied", "403")
    assert (found.resource_id, found.bytes, found.ip) == ("files.example.org/reports/q1.pdf", 153, "203.0.113.9")
    assert found.time_ns == 1_714_550_400 * 10**9
    assert found.place == PlaceFacts(rtt_ms=25.0)


def test_nginx_without_a_user_and_a_probe() -> None:
    found = event("nginx_json", {**NGINX, "remote_user": "-", "status": 200, "uri": "/x/.git/config"})
    assert (found.subject_id, found.subject_type, found.outcome) == ("anonymous@203.0.113.9", "address", "success")
    assert found.marks == (Mark.FLAGGED,)
    (skipped,) = read("nginx_json", [json.dumps({**NGINX, "uri": "/healthz"}).encode()], "default")
    assert isinstance(skipped, Rejected)
    assert skipped.code == "row_skipped"


S3 = {
    "requestdatetime": "06/Feb/2019:00:00:38 +0000",
    "bucket_name": "reports",
    "key": "2019/q1.csv",
    "requester": "arn:aws:sts::123456789012:assumed-role/etl/job",
    "remoteip": "192.0.2.3",
    "requestid": "3E57427F3EXAMPLE",
    "operation": "REST.GET.OBJECT",
    "httpstatus": "200",
    "errorcode": "-",
    "bytessent": "2662992",
    "useragent": "aws-cli/2.15",
}


@pytest.mark.parametrize(
    ("operation", "kind", "marks"),
    [
        ("REST.GET.OBJECT", "read", ()),
        ("REST.GET.BUCKET", "list", (Mark.LISTS,)),
        ("REST.PUT.OBJECT", "write", ()),
        ("REST.PUT.BUCKETPOLICY", "admin", (Mark.CHANGES_POLICY,)),
        ("REST.DELETE.OBJECT", "delete", ()),
        ("REST.PUT.LOGGING_STATUS", "admin", (Mark.HIDES_TRACES,)),
        ("REST.GET.ACL", "read", ()),
    ],
)
def test_s3(operation: str, kind: str, marks: tuple[Mark, ...]) -> None:
    found = event("aws_s3_access", {**S3, "operation": operation})
    assert (found.action_class, found.marks) == (kind, marks)
    assert (found.resource_id, found.subject_type, found.bytes) == ("reports/2019/q1.csv", "role", 2_662_992)
    assert found.detail is None
    assert event("aws_s3_access", {**S3, "requester": "-"}).subject_id == "anonymous@192.0.2.3"


VAULT = {
    "time": "2024-05-01T10:00:00.123456789Z",
    "type": "response",
    "auth": {
        "display_name": "token-ann",
        "entity_id": "1f3c",
        "policies": ["default", "root"],
        "token_issue_time": "2024-05-01T09:00:00Z",
        "token_ttl": 7_200,
        "accessor": "hmac-sha256:ab",
    },
    "request": {
        "id": "r1",
        "operation": "read",
        "mount_type": "kv",
        "path": "secret/data/db",
        "namespace": {"id": "root"},
        "remote_address": "10.0.0.4",
        "headers": {"user-agent": ["vault/1.15"]},
    },
    "error": "1 error occurred:\n\t* permission denied\n\n",
}


def test_vault() -> None:
    found = event("vault_audit", VAULT)
    assert (found.event_id, found.subject_id, found.subject_type) == ("r1:response", "1f3c", "user")
    assert (found.action_class, found.outcome, found.resource_type) == ("read", "denied", "kv")
    assert (found.resource_id, found.user_agent, found.groups) == ("secret/data/db", "vault/1.15", ("default", "root"))
    assert found.marks == (Mark.READS_SECRET, Mark.ROOT)
    assert found.token is not None
    assert found.token == TokenFacts(age_s=found.token.age_s, lifetime_s=7_200.0, token_id="hmac-sha256:ab")
    assert found.token.age_s == pytest.approx(3_600.123456)
    (skipped,) = read("vault_audit", [json.dumps({**VAULT, "type": "request"}).encode()], "default")
    assert isinstance(skipped, Rejected)


POSTGRES = (
    "2024-05-01 10:00:00.123 UTC,{user},shop,42,10.0.0.4:5432,66321.2a,7,{tag},2024-05-01 09:00:00 UTC,3/0,0,"
    '{severity},{state},"{message}",,,,,,"select\n 1",,,psql,client backend,,0\n'
)


@pytest.mark.parametrize(
    ("tag", "severity", "state", "kind", "outcome"),
    [
        ("SELECT", "LOG", "00000", "read", "success"),
        ("authentication", "FATAL", "28P01", "authenticate", "denied"),
        ("DROP TABLE", "ERROR", "42P01", "delete", "failure"),
        ("GRANT", "LOG", "00000", "admin", "success"),
        ("VACUUM", "LOG", "00000", "other", "success"),
    ],
)
def test_postgres(tag: str, severity: str, state: str, kind: str, outcome: str) -> None:
    row = POSTGRES.format(user="ann", tag=tag, severity=severity, state=state, message='say ""x""\nand more')
    found = event("postgres_csvlog", row.encode())
    assert (found.subject_id, found.resource_id, found.session_id) == ("ann", "shop", "66321.2a")
    assert (found.action, found.action_class, found.outcome) == (tag, kind, outcome)
    assert found.event_id == "66321.2a:7"
    assert found.auth_age_s == pytest.approx(3_600.123)
    quiet = POSTGRES.format(user="", tag="", severity="LOG", state="00000", message="checkpoint")
    (skipped,) = read("postgres_csvlog", [quiet.encode()], "default")
    assert isinstance(skipped, Rejected)
    assert (skipped.line, skipped.code) == (1, "row_skipped")


def test_csv_basic() -> None:
    found = event(
        "csv_basic",
        b"time,subject_id,action,resource_id,groups,mfa,ip,outcome\n1714557600,ann,s3:GetObject,b/k,x;y,no,-,Denied\n",
    )
    assert (found.groups, found.mfa, found.ip, found.outcome) == (("x", "y"), False, None, "denied")
    assert found.action_class == "other", "enrichment tells it"
    again = event("csv_basic", b"time,subject_id,action,resource_id\n2024-05-01T10:00:00Z,ann,read,b\n")
    assert again.time_ns == 1_714_557_600 * 10**9
    assert again.event_id.startswith("digest-")
