"""Real logs through the adapters: nothing is lost, nothing crashes, and attacks are still recognisable."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from ostiary.signals.importing import Accepted, EventCounts, Rejected, read
from ostiary.signals.opening import chunks_of
from ostiary.vocabulary.events import ActionClass, EventOutcome


@pytest.fixture(scope="module")
def risk_data(shared: Path) -> Path:
    place = shared / "data" / "risk"
    if not place.is_dir():
        pytest.skip(f"no risk data at {place}")
    return place


def test_devaccess_is_read_whole(risk_data: Path) -> None:
    counts, users = EventCounts(), set()
    last = 0
    for outcome in read("devaccess", chunks_of(risk_data / "devaccess" / "events.csv.gz"), "default"):
        counts.count(outcome)
        assert isinstance(outcome, Accepted)
        users.add(outcome.event.subject_id)
        assert outcome.event.time_ns >= last
        last = outcome.event.time_ns
    assert (counts.read, counts.accepted, len(users)) == (256_938, 256_938, 5_607)


def records(risk_data: Path, log_type: str) -> list[dict[str, object]]:
    with gzip.open(risk_data / "cloud_audit" / "events.jsonl.gz") as file:
        found = [json.loads(line) for line in file]
    return [each["raw"] for each in found if each["log_type"] == log_type]


@pytest.mark.parametrize("form", ["lines", "document"])
def test_real_cloudtrail_attacks(risk_data: Path, form: str) -> None:
    raw = records(risk_data, "AWS.CloudTrail")
    data = "\n".join(map(json.dumps, raw)).encode() if form == "lines" else json.dumps({"Records": raw}).encode()
    counts = EventCounts()
    classes: Counter[ActionClass] = Counter()
    outcomes: Counter[EventOutcome] = Counter()
    for outcome in read("cloudtrail", [data[place : place + 9_999] for place in range(0, len(data), 9_999)], "default"):
        counts.count(outcome)
        if isinstance(outcome, Accepted):
            classes[outcome.event.action_class] += 1
            outcomes[outcome.event.outcome] += 1
    assert counts.read == len(raw) == counts.accepted + counts.rejected
    assert counts.codes == {"time_malformed": 103}, "one data set left the time of 103 records out"
    assert classes[ActionClass.OTHER] <= counts.accepted * 0.02
    assert min(classes[each] for each in (ActionClass.ADMIN, ActionClass.LIST, ActionClass.DELETE)) > 50
    assert outcomes[EventOutcome.DENIED] > 50


@pytest.mark.parametrize(
    ("form", "log_type"),
    [
        ("cloudtrail", "AWS.CloudTrail"),
        ("kubernetes_audit", "Amazon.EKS.Audit"),
        ("okta", "Okta.SystemLog"),
        ("entra", "Azure.Audit"),
    ],
)
def test_hand_written_cases_are_accepted_or_refused_with_a_reason(risk_data: Path, form: str, log_type: str) -> None:
    """These cases leave most fields out: what lacks time or subject must be refused by name, the rest accepted."""
    with gzip.open(risk_data / "panther_cases" / "cases.jsonl.gz") as file:
        cases = [json.loads(line) for line in file]
    logs = [case["log"] for case in cases if log_type in case["log_types"]]
    found = list(read(form, ["\n".join(map(json.dumps, logs)).encode()], "default"))
    assert len(found) == len(logs) > 50
    assert {each.code for each in found if isinstance(each, Rejected)} <= {"field_missing", "time_malformed"}
    assert sum(isinstance(each, Accepted) for each in found) > 10
