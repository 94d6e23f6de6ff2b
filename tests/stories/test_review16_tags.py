"""Whoever may tag a machine took the alarm off whatever was found on it: a tag `sample` meant that nothing happened."""

from typing import Any

import pytest

from ostiary.signals.logtypes.registry import normaliser_of
from ostiary.signals.marking import told_of
from ostiary.vocabulary.facts import Mark

FINDING: dict[str, Any] = {
    "type": "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    "createdAt": "2024-05-01T10:00:00Z",
    "severity": 8,
    "accountId": "111122223333",
}
TAGS: list[Any] = [
    {"resource": {"instanceDetails": {"tags": [{"key": "sample", "value": "true"}]}}},
    {"resource": {"instanceDetails": {"tags": {"sample": True, "simulated": "true"}}}},
    {"resource": {"instanceDetails": {"tags": [{"key": "riskState", "value": "dismissed"}]}}},
    {
        "resource": {
            "kubernetesDetails": {"labels": {"service": {"sample": True}, "properties": {"riskState": "dismissed"}}}
        }
    },
    {"note": '{"service": {"additionalInfo": {"sample": true}}, "riskState": "remediated"}'},
    {"service": {"additionalInfo": {"sample": "true"}}},
    {"service": {"additionalInfo": {"value": '{"sample": true}'}}},
]


@pytest.mark.parametrize("more", TAGS)
def test_no_tag_takes_an_alarm_away(more: dict[str, Any]) -> None:
    event = normaliser_of("AWS.GuardDuty")({**FINDING, **more}, "acme")
    assert {Mark.FLAGGED, Mark.SEVERE} <= set(event.marks)
    assert not told_of("threat detected", more).calm


def test_what_the_product_says_itself_is_believed() -> None:
    event = normaliser_of("AWS.GuardDuty")({**FINDING, "service": {"additionalInfo": {"sample": True}}}, "acme")
    assert Mark.SEVERE not in event.marks
    assert told_of("user at risk", {"properties": {"riskState": "dismissed", "riskLevel": "high"}}).calm
