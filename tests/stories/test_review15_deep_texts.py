"""JSON written inside a text of a log's record is held to the depth of records: one line ended a whole import."""

import json

import pytest

from ostiary.signals.importing import Accepted, read

TIME = "2024-05-01T10:00:00Z"


def deep(levels: int, leaf: str) -> str:
    return '{"a":' * levels + leaf + "}" * levels


def hostile(levels: int) -> list[dict[str, object]]:
    before, after = deep(levels, "1"), deep(levels, "2")
    changed = {"newValue": after, "oldValue": before}
    inner = f'{{"newValue": {after}, "oldValue": {before}}}'
    return [
        {"action": "role.update", "actor": "mallory", "@timestamp": TIME, **changed},
        {"action": "role.update", "actor": "mallory", "@timestamp": TIME, "inner": json.dumps(changed)},
        {"category": "kube-audit", "operationName": "x", "time": TIME, "properties": {"log": inner}},
    ]


@pytest.mark.parametrize("form", ["github_audit", "azure_activity", "panther"])
@pytest.mark.parametrize("levels", [60, 64, 400, 600, 900, 2000])
def test_no_line_ends_the_import_of_the_others(form, levels):
    records = [*hostile(levels), {"action": "repo.create", "actor": "ada", "@timestamp": TIME, "time": TIME}]
    outcomes = list(read(form, ["\n".join(map(json.dumps, records)).encode()], "default"))
    assert len(outcomes) == len(records)
    assert isinstance(outcomes[-1], Accepted)
