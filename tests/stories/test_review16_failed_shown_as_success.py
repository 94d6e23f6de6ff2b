"""Failed log-ins that were told as successes, or as nothing; devices of an unknown state that were trusted."""

from typing import Any

import pytest

from ostiary.signals.importing import adapter_of
from ostiary.signals.logtypes.registry import normaliser_of

TIME = "2024-05-01T10:00:00Z"
OUTCOMES: list[tuple[str, dict[str, Any], str]] = [
    (
        "Microsoft365.Audit.AzureActiveDirectory",
        {"Operation": "UserLoginFailed", "ResultStatus": "Success", "LogonError": "InvalidUserNameOrPassword"},
        "failure",
    ),
    ("Microsoft365.Audit.AzureActiveDirectory", {"Operation": "UserLoggedIn", "ResultStatus": "Success"}, "success"),
    ("Salesforce.Login", {"EVENT_TYPE": "Login", "LOGIN_STATUS": "LOGIN_ERROR_INVALID_PASSWORD"}, "failure"),
    ("Salesforce.Login", {"EVENT_TYPE": "Login", "LOGIN_STATUS": "LOGIN_NO_ERROR"}, "success"),
    ("AWS.VPCDns", {"query_name": "x", "rcode": "NOERROR"}, "success"),
    ("AWS.CloudTrail", {"eventName": "RunInstances", "errorCode": "Client.InvalidParameter"}, "failure"),
    ("Azure.MonitorActivity", {"operationName": "x", "resultType": "AuthenticationFailed"}, "failure"),
    ("Upwind.Detections", {"title": "x", "status": "open"}, "unknown"),
]


@pytest.mark.parametrize(("name", "record", "outcome"), OUTCOMES)
def test_what_failed_is_no_success(name: str, record: dict[str, Any], outcome: str) -> None:
    event = normaliser_of(name)({"time": TIME, "CreationTime": TIME, "user": "ann", **record}, "acme")
    assert event.outcome.value == outcome


@pytest.mark.parametrize(
    ("said", "managed"), [("trusted", True), ("not trusted", False), ("unknown", None), ("error", None), ("x", None)]
)
def test_a_word_that_nobody_knows_trusts_no_device(said: str, *, managed: bool | None) -> None:
    record = {
        "isotimestamp": TIME,
        "event_type": "authentication",
        "user": {"name": "a"},
        "trusted_endpoint_status": said,
    }
    assert normaliser_of("Duo.Authentication")(record, "acme").device_managed is managed


def test_who_signs_in_is_who_is_signed_in() -> None:
    record = {
        "class_uid": 3002,
        "activity_id": 1,
        "activity_name": "Logon",
        "time": 1_714_557_600_000,
        "status_id": 2,
        "actor": {"user": {"uid": "sshd"}},
        "user": {"uid": "ann"},
        "metadata": {"product": {"name": "p"}},
        "service": {"name": "s"},
    }
    assert adapter_of("ocsf").normalise(record, "acme").subject_id == "ann"
    assert adapter_of("ocsf").normalise({**record, "class_uid": 6003}, "acme").subject_id == "sshd"
