"""What a caller writes into a request must not make it cost without bound: time, memory or disk."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.decision.event import ip_of
from ostiary.signals.inventory import Catalogue

STARS = b'resources: [{type: secret, id: "arn:*:*:*:*:*:*:vault", sensitivity: 4}]'


def test_an_id_made_for_a_pattern_does_not_stop_the_process() -> None:
    catalogue = Catalogue.parse(STARS)
    started = time.process_time()
    assert catalogue.resource("secret", "arn:" + ":" * 2040) is None
    assert time.process_time() - started < 0.5
    assert catalogue.resource("secret", "arn:a:b\nb:c:d:e:f::vault") is not None


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*bc", "abc", False),
        ("a*b*c", "aXbYbc", True),
        ("a*b*c", "acb", False),
        ("a**c", "ac", True),
        ("a.c*", "abc", False),
        ("*/x", "a/y", False),
    ],
)
def test_patterns_still_mean_what_they_meant(pattern: str, name: str, *, found: bool) -> None:
    catalogue = Catalogue.parse(json.dumps({"resources": [{"type": "t", "id": pattern}]}).encode())
    assert (catalogue.resource("t", name) is not None) is found


def test_names_are_not_remembered_at_any_length() -> None:
    catalogue = Catalogue.parse(STARS)
    for number in range(50):
        catalogue.resource("secret", f"{number}" + "x" * 2000)
    kept = sum(len(kind) + len(name) for kind, name in catalogue._found)
    assert kept < 25_000


def test_an_address_holds_nothing_else() -> None:
    assert ip_of("fe80::1%" + "A" * 1_000_000) is None
    assert ip_of("::ffff:203.0.113.9") == "203.0.113.9"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"deadline_ms": 40, "stuck_ms": 200, "max_evaluations": 1000})


def test_a_search_ends_soon_after_its_deadline(server: Any) -> None:
    names = "".join(f'{{type: doc, id: "{number}"}}, ' for number in range(2000))
    place = server.house.places.catalogue("default")
    place.write_text(f"resources: [{names}]\nactions: [read]\n")
    until, directory = time.monotonic() + 20, server.house.decider.parts.directory
    while not directory.resource("default", "doc", "1999").known and time.monotonic() < until:
        time.sleep(0.05)  # the catalogue is looked at once a second
    context = {"filler": ["x" * 10] * 60_000}
    answer = server.ask(path="search/resource", resource={"type": "doc"}, context=context)
    assert answer.json()["context"]["reasons"] == ["policy_timeout"]
    time.sleep(1)
    assert server.stuck == 0


def test_a_batch_does_not_multiply_what_its_items_share(server: Any) -> None:
    items = [{"action": {"name": "read"}}] * 1000
    before = len(server.records())
    answer = server.ask(path="evaluations", evaluations=items, context={"filler": "x" * 900_000})
    assert answer.status_code == 400
    assert len(server.records()) == before + 1


def test_a_huge_request_is_refused_before_it_is_judged(server: Any) -> None:
    answer = server.ask(context={"filler": [[]] * 200_000})
    assert answer.json()["decision"] is False
    assert {"policy_error", "policy_timeout"}.intersection(answer.json()["context"]["reasons"])
    time.sleep(0.5)
    assert server.stuck == 0
