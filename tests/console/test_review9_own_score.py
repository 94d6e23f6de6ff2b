"""Attack: whoever is scored asks the list of decisions for its own score, by its filter, its stream and its export."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.scoring import RiskScore

People = Callable[..., FakeBrowser]
MINE = "user:analyst-default"
NAME = "dec_review9_mine"


@pytest.fixture(scope="module")
def me(server: Any, people: People) -> FakeBrowser:
    """An analyst of whom one decision with a high score is kept."""
    analyst = people("analyst")
    server.ask("read", subject={"type": "user", "id": analyst.name}).raise_for_status()
    record = next(one for one in reversed(server.records()) if one.subject_key == MINE and one.event)
    risk = RiskScore(available=True, score=0.8765, level="high", model="sha256:aa", contributions=())
    made = msgspec.structs.replace(record, risk=risk, receipt=msgspec.structs.replace(record.receipt, decision_id=NAME))
    at_ns = record.receipt.received_ns
    server.house.log.append("default", "decision", NAME, at_ns, msgspec.json.encode(made), MINE).result(10)
    until, index = time.monotonic() + 10, server.house.store.decisions
    while index.cursor("default") < server.house.log.head().size and time.monotonic() < until:
        time.sleep(0.05)
    return analyst


@pytest.mark.parametrize("risk", ["0.5", "0.876", "0.9"])
@pytest.mark.parametrize("others", ["", "subject=user:analyst-default&", "text=analyst-default&", "limit=1&"])
def test_the_filter_by_score_is_no_oracle(me: FakeBrowser, others: str, risk: str) -> None:
    page = me.get(f"/decisions?{others}risk_at_least={risk}").text
    assert NAME not in page
    assert 'rel="next"' not in page


def test_others_find_it_by_its_score(me: FakeBrowser, people: People) -> None:
    assert NAME in people("auditor").get("/decisions?risk_at_least=0.87").text
    assert NAME in me.get("/decisions?subject=user:analyst-default").text


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_export_holds_no_score_of_who_takes_it(me: FakeBrowser, people: People, form: str) -> None:
    mine, theirs = (one.get(f"/decisions/export?format={form}").text for one in (me, people("auditor")))
    assert NAME in mine
    assert "0.8765" not in mine
    assert "0.8765" in theirs
    assert NAME not in me.get(f"/decisions/export?format={form}&risk_at_least=0.5").text


def test_neighbours_are_no_oracle(server: Any, me: FakeBrowser, people: People) -> None:
    server.ask("read", subject={"type": "user", "id": "alice"}).raise_for_status()
    other = next(one for one in reversed(server.records()) if one.subject_key == "user:alice")
    path = f"/decisions/{other.receipt.decision_id}?risk_at_least=0.5"
    assert NAME in people("auditor").get(path).text
    assert NAME not in me.get(path).text


def test_the_stream_is_no_oracle(server: Any, me: FakeBrowser) -> None:
    headers = {"cookie": me.cookie}
    seen = ""
    with me.client.stream("GET", "/live?risk_at_least=0.5&after=-1", headers=headers) as stream:
        for line in stream.iter_lines():
            seen += line
            if line.startswith("event: needs"):
                break
    assert "hello" in seen
    assert NAME not in seen
