"""Panther's rule cases and real cloud logs through the tables: nothing crashes, and what they mean stays told apart."""

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.adapters import panther
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import Mark

PEOPLE_AND_WORKLOADS = {"user", "service", "role", "node", "account", "device", "address", "product"}


def folder(shared: Path, name: str) -> Path:
    place = shared / "data" / "risk" / name
    if not place.is_dir():
        pytest.skip(f"no shared data at {place}")
    return place


@pytest.fixture(scope="module")
def bench(repo: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("risk_panther", repo / "benchmarks" / "risk_panther.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figures(bench: ModuleType, shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = bench.measure(folder(shared, "panther_cases"))
    return found


def test_every_log_type_becomes_events(figures: dict[str, Any]) -> None:
    coverage = figures["coverage"]
    assert coverage["log_types"] == coverage["log_types_normalised"] == 97
    assert coverage["log_types_without_a_rejected_case"] >= 92
    assert coverage["events"] == 3_053
    assert coverage["events_normalised"] >= 3_036
    assert set(coverage["rejected"]) <= {"field_missing"}, "a rejected case tells neither who nor what"


def test_a_record_without_a_time_needs_the_time_of_its_receipt(bench: ModuleType, shared: Path) -> None:
    codes: Counter[str] = Counter()
    for case in bench.cases(folder(shared, "panther_cases")):
        bare = bench.envelope(case)
        del bare["received"]
        try:
            event = panther.normalise(bare, "default")
        except FaultyInputError as fault:
            codes[fault.code] += 1
        else:
            codes["told"] += 1
            assert event.time_ns > 0
    assert set(codes) == {"told", "time_malformed", "field_missing"}
    assert codes["told"] > 2_000
    assert codes["time_malformed"] > 500


def test_rules_are_told_apart(figures: dict[str, Any]) -> None:
    """What was reached; the half that nobody looked at while choosing words may not fall behind unnoticed."""
    assert figures["all_rules"]["rules"] == 812
    assert figures["all_rules"]["all"]["strict"] >= 0.80
    assert figures["all_rules"]["without_quality"]["strict"] >= 0.80
    assert figures["all_rules"]["all"]["lenient"] >= 0.92
    assert figures["held_out"]["without_quality"]["strict"] >= 0.75
    assert figures["held_out"]["without_quality"]["lenient"] >= 0.90


def test_events_are_whole(bench: ModuleType, shared: Path) -> None:
    for case in bench.cases(folder(shared, "panther_cases")):
        event = bench.normalised(case)
        if isinstance(event, AccessEvent):
            assert event.subject_id
            assert event.action
            assert event.resource_type
            assert event.resource_id
            assert event.subject_type in PEOPLE_AND_WORKLOADS
            assert list(event.marks) == sorted(set(event.marks))


@pytest.fixture(scope="module")
def cloud(shared: Path) -> list[dict[str, Any]]:
    with gzip.open(folder(shared, "cloud_audit") / "events.jsonl.gz") as file:
        return [json.loads(line) for line in file]


def test_real_cloud_logs_become_events(cloud: list[dict[str, Any]]) -> None:
    """CloudTrail, Workspace, Azure AD, Office, Defender and Windows records of real attack simulations."""
    read: Counter[tuple[str, str]] = Counter()
    for case in cloud:
        wrapped = {"log_type": case["log_type"], "log": case["raw"], "received": "2024-01-01T00:00:00Z"}
        event = panther.normalise(wrapped, "default")
        read[case["log_type"], event.source] += 1
    assert read.total() == 3_690
    assert read["AWS.CloudTrail", "cloudtrail"] == 3_210
    assert sum(count for (name, source), count in read.items() if source == "gsuite_audit") == 325
    assert read["WindowsEvents", "windows_events"] == 38
    assert sum(count for (name, source), count in read.items() if source == "panther") <= 1


def test_simulated_attacks_carry_the_marks_of_their_tactic(cloud: list[dict[str, Any]]) -> None:
    wanted = {
        "aws.defense-evasion.cloudtrail-stop": Mark.HIDES_TRACES,
        "aws.defense-evasion.cloudtrail-delete": Mark.HIDES_TRACES,
        "aws.persistence.iam-create-admin-user": Mark.ADDS_PRINCIPAL,
        "aws.credential-access.secretsmanager-retrieve-secrets": Mark.READS_SECRET,
        "aws.exfiltration.ec2-share-ebs-snapshot": Mark.EXTERNAL,
    }
    found: dict[str, set[Mark]] = {}
    for case in cloud:
        if case["source"] == "stratus-red-team":
            event = panther.normalise({"log_type": case["log_type"], "log": case["raw"]}, "default")
            found.setdefault(case["technique"], set()).update(event.marks)
    told = {name: mark in found[name] for name, mark in wanted.items() if name in found}
    assert len(told) >= 4
    assert all(told.values()), told
