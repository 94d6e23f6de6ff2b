"""A record was taken for an envelope by one of its own fields: the event was gone, and words in it became records.

Whoever made a hook on GitHub was in no log when its record came first: GitHub writes a list `events` into it.
"""

import json
from typing import Any

import pytest

from ostiary.signals.adapters import panther
from ostiary.signals.importing import Accepted, read

TIME = "2024-05-01T10:00:00Z"
HOOK: dict[str, Any] = {"action": "hook.create", "actor": "mallory", "@timestamp": TIME, "events": ["push", "release"]}
OTHER: dict[str, Any] = {"action": "repo.create", "actor": "ada", "@timestamp": TIME}


def actions(data: bytes, size: int) -> list[str]:
    found = read("github", (data[place : place + size] for place in range(0, len(data), size)), "acme")
    return [each.event.action if isinstance(each, Accepted) else each.code for each in found]


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_of_words_makes_no_envelope(indent: int | None, size: int) -> None:
    told = "\n".join(json.dumps(each, indent=indent) for each in (HOOK, OTHER, HOOK)).encode()
    assert actions(told, size) == ["hook.create", "repo.create", "hook.create"]
    whole = json.dumps({"entries": [HOOK, OTHER]}, indent=indent).encode()
    assert actions(whole, size) == ["hook.create", "repo.create"]
    assert actions(b'{"entries": [' + b" " * 300_000 + json.dumps(HOOK).encode() + b"]}", 65_536) == ["hook.create"]


def test_the_envelope_says_what_its_record_is() -> None:
    log = {
        "action": "repo.destroy",
        "actor": "mallory",
        "@timestamp": TIME,
        "operator": "boss",
        "p_log_type": "Zoom.Operation",
    }
    event = panther.normalise({"log_type": "GitHub.Audit", "log": log}, "acme")
    assert (event.source, event.subject_id) == ("github_audit", "mallory")
    assert panther.normalise({"log": log}, "acme").source == "zoom_operation"


def test_a_field_called_log_makes_no_envelope() -> None:
    record = {"p_log_type": "GitHub.Audit", "log": {"action": "read", "actor": "boss", "time": TIME}, **OTHER}
    assert panther.normalise(record, "acme").subject_id == "ada"


def test_no_field_of_a_record_says_when_it_was_received() -> None:
    record = {**OTHER, "p_log_type": "GitHub.Audit", "p_ostiary_received": "2031-01-01T00:00:00Z"}
    assert panther.normalise(record, "acme").time_ns == 1_714_557_600_000_000_000
    late = panther.normalise(
        {"log_type": "GitHub.Audit", "log": {"action": "x", "actor": "a"}, "received": TIME}, "acme"
    )
    again = panther.normalise(
        {"log_type": "GitHub.Audit", "log": {"action": "x", "actor": "a"}, "received": 1714557601}, "acme"
    )
    assert late.time_ns == 1_714_557_600_000_000_000
    assert late.event_id != again.event_id
