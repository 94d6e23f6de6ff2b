"""CloudTrail, Kubernetes audit, OCSF, Okta, Entra and sshd records, field by field, in small hand-written cases."""

import json
from typing import Any

import pytest
from ocsf_json_schema import OcsfJsonSchema, get_ocsf_schema

from ostiary.signals.adapters import ocsf
from ostiary.signals.importing import Accepted, Rejected, read
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts

SSO_ROLE = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_admin_7"
TRAIL: dict[str, Any] = {
    "eventTime": "2024-07-30T21:31:21.5Z",
    "eventID": "450230d4",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "200.249.253.51",
    "userAgent": "aws-cli/2.15",
    "userIdentity": {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::1:assumed-role/admin/ann@example.org",
        "accessKeyId": "ASIAX",
        "sessionContext": {
            "sessionIssuer": {"arn": SSO_ROLE, "userName": "AWSReservedSSO_admin_7"},
            "attributes": {"creationDate": "2024-07-30T21:30:21.5Z", "mfaAuthenticated": "true"},
        },
    },
    "requestParameters": {"bucketName": "reports", "key": "2024/07.csv"},
}
AUDIT: dict[str, Any] = {
    "kind": "Event",
    "auditID": "a1",
    "stage": "ResponseComplete",
    "requestReceivedTimestamp": "2024-11-13T21:14:10.595141Z",
    "verb": "get",
    "user": {"username": "ann", "groups": ["dev", "system:authenticated"]},
    "sourceIPs": ["10.1.2.3"],
    "userAgent": "kubectl/v1.30",
    "objectRef": {"resource": "secrets", "namespace": "payments", "name": "db"},
    "responseStatus": {"code": 200},
}
OCSF: dict[str, Any] = {
    "class_uid": 6005,
    "category_uid": 6,
    "type_uid": 600504,
    "activity_id": 4,
    "activity_name": "Query",
    "severity_id": 1,
    "time": 1_722_375_081_500,
    "timezone_offset": 120,
    "status_id": 1,
    "metadata": {"uid": "o1", "version": "1.8.0", "product": {"name": "db", "vendor_name": "v"}},
    "actor": {"user": {"uid": "ann", "groups": [{"name": "analysts"}]}, "session": {"uid": "s1", "is_mfa": True}},
    "src_endpoint": {"ip": "8.8.8.8", "location": {"country": "US"}, "autonomous_system": {"number": 15169}},
    "table": {"uid": "prod/customers"},
}
OKTA: dict[str, Any] = {
    "uuid": "u1",
    "published": "2024-05-01T10:00:00.123Z",
    "eventType": "user.session.start",
    "actor": {"type": "User", "alternateId": "ann@example.org", "id": "00u1"},
    "outcome": {"result": "FAILURE"},
    "client": {"ipAddress": "8.8.4.4", "userAgent": {"rawUserAgent": "curl/8"}},
    "authenticationContext": {"externalSessionId": "s9"},
    "securityContext": {"asNumber": 15169},
    "target": [{"type": "AppInstance", "alternateId": "payroll"}],
}
ENTRA: dict[str, Any] = {
    "id": "e1",
    "createdDateTime": "2024-05-01T10:00:00Z",
    "userPrincipalName": "Ann@Example.org",
    "userId": "1-2",
    "resourceDisplayName": "Microsoft Graph",
    "appDisplayName": "Azure CLI",
    "ipAddress": "8.8.8.8",
    "location": {"countryOrRegion": "US"},
    "deviceDetail": {"deviceId": "d1", "isManaged": True, "operatingSystem": "Windows 11", "browser": "Edge 120"},
    "status": {"errorCode": 50126},
    "authenticationRequirement": "multiFactorAuthentication",
}
S3 = {"name": "s3"}
SSHD = (
    "2024-05-01T10:00:00+02:00 bastion sshd[811]: "
    "Accepted publickey for ann from 8.8.8.8 port 50022 ssh2: ED25519 SHA256:abcd"
)


def one(name: str, record: dict[str, Any] | str) -> AccessEvent:
    data = record if isinstance(record, str) else json.dumps(record)
    (outcome,) = read(name, [data.encode()], "default")
    assert isinstance(outcome, Accepted), outcome
    return outcome.event


def refused(name: str, record: dict[str, Any] | str) -> str:
    data = record if isinstance(record, str) else json.dumps(record)
    (outcome,) = read(name, [data.encode()], "default")
    assert isinstance(outcome, Rejected)
    return outcome.code


def told(event: AccessEvent, **wanted: object) -> None:
    assert {name: getattr(event, name) for name in wanted} == wanted


def test_cloudtrail_tells_the_person_behind_a_role() -> None:
    told(
        one("cloudtrail", TRAIL),
        event_id="450230d4",
        tenant="default",
        time_ns=1_722_375_081_500_000_000,
        subject_id="ann@example.org",
        subject_type="user",
        action="s3:GetObject",
        action_class=ActionClass.READ,
        resource_type="s3-object",
        resource_id="reports/2024/07.csv",
        outcome=EventOutcome.SUCCESS,
        mfa=True,
        auth_age_s=60.0,
        session_id="ASIAX",
        issuer=SSO_ROLE,
        ip="200.249.253.51",
        source="cloudtrail",
    )


@pytest.mark.parametrize(
    ("identity", "kind", "subject"),
    [
        ({"type": "IAMUser", "userName": "bob", "accessKeyId": "AKIAX"}, "user", "bob"),
        ({"type": "Root", "accountId": "1"}, "user", "root:1"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "service", "ec2.amazonaws.com"),
        ({"type": "AWSAccount", "accountId": "7"}, "account", "7"),
        (
            {**TRAIL["userIdentity"], "arn": "arn:aws:sts::1:assumed-role/admin/i-0123"},
            "role",
            SSO_ROLE,
        ),
    ],
)
def test_cloudtrail_subjects(identity: dict[str, Any], kind: str, subject: str) -> None:
    event = one("cloudtrail", {**TRAIL, "userIdentity": identity})
    told(event, subject_type=kind, subject_id=subject)
    assert event.session_id in {None, "ASIAX"}, "a permanent key names no session"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"errorCode": "AccessDenied"}, EventOutcome.DENIED),
        ({"errorCode": "Client.UnauthorizedOperation"}, EventOutcome.DENIED),
        ({"errorCode": "ThrottlingException"}, EventOutcome.FAILURE),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}}, EventOutcome.FAILURE),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Success"}}, EventOutcome.SUCCESS),
    ],
)
def test_cloudtrail_outcomes(change: dict[str, Any], outcome: EventOutcome) -> None:
    told(one("cloudtrail", {**TRAIL, **change}), outcome=outcome)


@pytest.mark.parametrize(
    ("asked", "kind", "name"),
    [
        ({"roleName": "r"}, "iam-role", "r"),
        ({"secretId": "arn:aws:secretsmanager:eu-west-1:1:secret:db"}, "iam-secret", "db"),
        ({"instancesSet": {"items": [{"instanceId": "i-1"}]}}, "iam-instance", "i-1"),
        (None, "iam", "eu-west-1"),
    ],
)
def test_cloudtrail_resources(asked: dict[str, Any] | None, kind: str, name: str) -> None:
    event = one("cloudtrail", {**TRAIL, "eventSource": "iam.amazonaws.com", "requestParameters": asked})
    told(event, resource_type=kind, resource_id=name)


def test_kubernetes_audit() -> None:
    told(
        one("kubernetes_audit", AUDIT),
        event_id="a1",
        time_ns=1_731_532_450_595_141_000,
        subject_id="ann",
        subject_type="user",
        groups=("dev",),
        action="get secrets",
        action_class=ActionClass.READ,
        resource_type="secrets",
        resource_id="payments/db",
        outcome=EventOutcome.SUCCESS,
        ip="10.1.2.3",
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"user": {"username": "system:serviceaccount:ci:bot"}}, {"subject_type": "service", "subject_id": "ci/bot"}),
        ({"user": {"username": "system:node:n1"}}, {"subject_type": "node", "subject_id": "n1"}),
        ({"responseStatus": {"code": 403}}, {"outcome": EventOutcome.DENIED}),
        ({"responseStatus": {"code": 404}}, {"outcome": EventOutcome.FAILURE}),
        (
            {"verb": "create", "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "a", "name": "p"}},
            {"action_class": ActionClass.ADMIN, "resource_type": "pods/exec"},
        ),
        (
            {"verb": "delete", "objectRef": {"resource": "clusterroles", "name": "x"}},
            {"action_class": ActionClass.ADMIN},
        ),
        ({"objectRef": None, "requestURI": "/version?x=1"}, {"resource_type": "url", "resource_id": "/version"}),
    ],
)
def test_kubernetes_variants(change: dict[str, Any], wanted: dict[str, Any]) -> None:
    told(one("kubernetes_audit", {**AUDIT, **change}), **wanted)


def test_kubernetes_counts_a_request_once() -> None:
    assert refused("kubernetes_audit", {**AUDIT, "stage": "RequestReceived"}) == "stage_announcement"


def test_a_kubernetes_event_list_is_opened() -> None:
    whole = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [AUDIT, AUDIT]}
    assert len(list(read("kubernetes_audit", [json.dumps(whole, indent=2).encode()], "default"))) == 2
    assert len(list(read("kubernetes_audit", [json.dumps(whole).encode()], "default"))) == 2


def test_ocsf_datastore() -> None:
    told(
        one("ocsf", OCSF),
        event_id="o1",
        time_ns=1_722_375_081_500_000_000,
        subject_id="ann",
        action="Query",
        action_class=ActionClass.READ,
        resource_type="table",
        resource_id="prod/customers",
        groups=("analysts",),
        session_id="s1",
        mfa=True,
        country="US",
        asn=15169,
        tz_offset_min=120,
        outcome=EventOutcome.SUCCESS,
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {"class_uid": 6003, "activity_id": 0, "api": {"operation": "ListAll", "service": S3}, "table": None},
            {"action_class": ActionClass.LIST, "resource_type": "service", "resource_id": "s3"},
        ),
        (
            {"class_uid": 3002, "activity_id": 1, "actor": None, "user": {"name": "bob", "type_id": 4}, "table": None},
            {"action_class": ActionClass.AUTHENTICATE, "subject_id": "bob", "subject_type": "service"},
        ),
        ({"class_uid": 3003, "activity_id": 1}, {"action_class": ActionClass.AUTHENTICATE}),
        ({"class_uid": 3005, "activity_id": 1}, {"action_class": ActionClass.ADMIN}),
        ({"action_id": 2}, {"outcome": EventOutcome.DENIED}),
        ({"status_id": 2}, {"outcome": EventOutcome.FAILURE}),
        ({"table": None, "resources": [{"uid": "r", "type": "bucket", "criticality": "High"}]}, {"sensitivity": 3}),
    ],
)  # fmt: skip
def test_ocsf_variants(change: dict[str, Any], wanted: dict[str, Any]) -> None:
    told(one("ocsf", {**OCSF, **change}), **wanted)


def test_ocsf_findings_tell_no_access() -> None:
    assert refused("ocsf", {**OCSF, "class_uid": 2004}) == "class_unsupported"


def test_ocsf_activities_are_those_of_the_schema() -> None:
    """Every activity that we read exists in OCSF 1.8, and every class that we read too."""
    classes = {found.get("uid"): found for found in get_ocsf_schema(version="1.8.0")["classes"].values()}
    assert OcsfJsonSchema
    for uid, activities in ocsf._CLASSES.items():
        known = {int(number) for number in classes[uid]["attributes"]["activity_id"]["enum"]}
        generous = {3001, 3002, 3003, 3005, 3006, 6002}  # one meaning for all activities, also those of later versions
        assert uid in generous or set(activities) <= known, uid


def test_okta() -> None:
    told(
        one("okta", OKTA),
        subject_id="ann@example.org",
        action_class=ActionClass.AUTHENTICATE,
        outcome=EventOutcome.FAILURE,
        resource_type="AppInstance",
        resource_id="payroll",
        asn=15169,
        session_id="s9",
    )
    assert len(list(read("okta", [json.dumps([OKTA, OKTA]).encode()], "default"))) == 2


def test_entra() -> None:
    told(
        one("entra", ENTRA),
        subject_id="ann@example.org",
        outcome=EventOutcome.FAILURE,
        mfa=True,
        device_managed=True,
        country="US",
        client_id="Azure CLI",
        resource_id="Microsoft Graph",
    )
    told(one("entra", {"time": "2024-05-01T10:00:00Z", "properties": ENTRA}), subject_id="ann@example.org")
    told(one("entra", {**ENTRA, "status": {"errorCode": 53003}}), outcome=EventOutcome.DENIED)


def test_places_are_read_where_a_log_tells_them() -> None:
    where = {"state": "Bavaria", "city": "Munich"}
    point = {"latitude": 48.1, "longitude": 11.6}
    munich = PlaceFacts("Bavaria", "Munich", 48.1, 11.6)
    told(one("entra", {**ENTRA, "location": {**where, "geoCoordinates": point}}), place=munich)
    okta = {**where, "geolocation": {"lat": 48.1, "lon": 11.6}}
    told(one("okta", {**OKTA, "client": {**OKTA["client"], "geographicalContext": okta}}), place=munich)
    proxy = one("okta", {**OKTA, "securityContext": {"isProxy": True}})
    told(proxy, place=PlaceFacts(kind=NetworkKind.PROXY))
    located = {"region": "Bavaria", "city": "Munich", "lat": 48.1, "long": 11.6}
    told(one("ocsf", {**OCSF, "src_endpoint": {"ip": "8.8.8.8", "location": located}}), place=munich)
    nowhere = {"geoCoordinates": {"latitude": 0, "longitude": 0}}
    told(one("entra", {**ENTRA, "location": nowhere}), place=None)
    half = {**where, "geoCoordinates": {"latitude": 48.1, "longitude": "east"}}
    told(one("entra", {**ENTRA, "location": half}), place=PlaceFacts("Bavaria", "Munich"))


def test_sshd() -> None:
    told(
        one("sshd", SSHD),
        subject_id="ann",
        time_ns=1_714_550_400_000_000_000,
        resource_type="host",
        resource_id="bastion",
        outcome=EventOutcome.SUCCESS,
        auth_method="publickey",
        ip="8.8.8.8",
    )
    failed = "2024-05-01T10:00:00Z bastion sshd[1]: Failed password for invalid user root from 8.8.4.4 port 1 ssh2"
    told(one("sshd", failed), subject_id="root", outcome=EventOutcome.FAILURE)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("May  1 10:00:00 bastion sshd[1]: Accepted password for ann from 8.8.8.8 port 1 ssh2", "time_malformed"),
        ("2024-05-01T10:00:00Z bastion cron[1]: hello", "line_unsupported"),
        (
            "2024-05-01T10:00:00Z b sshd[1]: Failed none for invalid user x from 9.9.9.9 port 1 ssh2 from 8.8.8.8",
            "line_unsupported",
        ),
    ],
)
def test_sshd_refuses_what_it_cannot_be_sure_of(line: str, code: str) -> None:
    """The last line is a user name that forges an address (the well-known log injection against fail2ban)."""
    assert refused("sshd", line) == code
