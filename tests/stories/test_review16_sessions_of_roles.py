"""Whoever may assume a role of Amazon called his session like somebody's mail, and acted as that person from then on.

The name of a session, and of a federated user, is chosen by who asks for it; only IAM Identity Center sets it itself.
"""

from typing import Any

import pytest

from ostiary.signals.importing import adapter_of
from ostiary.signals.logtypes.registry import normaliser_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

BOSS = "boss@corp.example"
ARN = f"arn:aws:sts::1:assumed-role/dev/{BOSS}"
SSO = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_7"


def event_of(kind: str, arn: str, issuer: str, **asked: Any) -> AccessEvent:
    return adapter_of("cloudtrail").normalise(
        {
            "eventTime": "2024-05-01T10:00:00Z",
            "eventSource": "ram.amazonaws.com",
            "eventName": "CreateResourceShare",
            "userIdentity": {"type": kind, "arn": arn, "sessionContext": {"sessionIssuer": {"arn": issuer}}},
            "requestParameters": asked,
        },
        "acme",
    )


@pytest.mark.parametrize(
    ("kind", "arn", "issuer", "told"),
    [
        ("AssumedRole", ARN, "arn:aws:iam::1:role/dev", ("role", ARN)),
        ("AssumedRole", ARN, "arn:aws:iam::1:role/x/aws-reserved/sso.amazonaws.com/dev", ("role", ARN)),
        ("AssumedRole", ARN, "arn:aws:iam::1:role/AWSReservedSSO_Admin_7", ("role", ARN)),
        ("AssumedRole", ARN, SSO, ("user", BOSS)),
        ("AssumedRole", ARN, SSO.replace("arn:aws:", "arn:aws-us-gov:"), ("user", BOSS)),
        (
            "FederatedUser",
            f"arn:aws:sts::1:federated-user/{BOSS}",
            "arn:aws:iam::1:user/mallory",
            ("role", "arn:aws:iam::1:user/mallory"),
        ),
    ],
)
def test_a_session_is_no_person(kind: str, arn: str, issuer: str, told: tuple[str, str]) -> None:
    event = event_of(kind, arn, issuer)
    assert (event.subject_type, event.subject_id) == told


def test_a_session_brings_no_home_along() -> None:
    """A share with ``evil.example`` was inside for whoever called his session after it."""
    asked = {"principals": ["m@evil.example"]}
    assert Mark.EXTERNAL in event_of("AssumedRole", ARN, SSO, **asked).marks
    evil = "arn:aws:sts::1:assumed-role/dev/x@evil.example"
    with_name = {**asked, "userIdentity": {"arn": evil}}
    assert Mark.EXTERNAL in event_of("AssumedRole", ARN, SSO, **with_name).marks


def test_whom_it_is_done_to_is_nobody_of_ours() -> None:
    record = {
        "action": "invite member",
        "time": "2024-05-01T10:00:00Z",
        "actor": {"email": "ann@corp.example"},
        "email": "m@evil.example",
    }
    for name in ("Asana.Audit", "Slack.AuditLogs"):
        assert Mark.EXTERNAL in normaliser_of(name)({**record, "event_type": "invite member"}, "acme").marks
