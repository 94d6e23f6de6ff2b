"""Attack: whoever is scored asks the list of decisions for its own score, by its filter, its stream and its export."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, RuleHit

People = Callable[..., FakeBrowser]
MINE = "user:analyst-default"
SLOW_S = 180  # two processes compile the whole policy for each question
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


def test_the_raw_record_tells_nobody_what_the_model_proposed_of_it(me: FakeBrowser, people: People) -> None:
    for path in (f"/decisions/{NAME}/record.json", f"/decisions/{NAME}"):
        theirs, mine = people("auditor").get(path).text, me.get(path).text
        for told in ("applied_proposal", "proposal"):
            assert told in theirs, (path, told)
            assert f"{told}&#34;" not in mine, (path, told)
            assert f'{told}"' not in mine, (path, told)
        assert '"phases"' not in mine
        assert "&#34;phases&#34;" not in mine


ASKED = {"subject": MINE, "action": "read", "resource": "document:handbook"}


def test_a_supposition_tells_nobody_what_the_model_proposes_of_it(me: FakeBrowser) -> None:
    others = me.client.post(
        "/explain", data={"csrf": me.csrf, **ASKED, "subject": "user:alice"}, headers=_as(me), timeout=SLOW_S
    ).text
    mine = me.client.post("/explain", data={"csrf": me.csrf, **ASKED}, headers=_as(me), timeout=SLOW_S).text
    assert "the model proposes" in others
    assert "You asked about yourself" in mine
    assert "the model proposes" not in mine
    assert "adaptive" in others
    assert "adaptive" not in mine


@pytest.mark.parametrize("more", [{"phase-deny": "high_impact"}, {"candidate": "shadow-model"}])
def test_nobody_supposes_other_phases_or_models_for_itself(me: FakeBrowser, more: dict[str, str]) -> None:
    answer = me.client.post("/explain", data={"csrf": me.csrf, **ASKED, **more}, headers=_as(me), timeout=SLOW_S)
    assert answer.status_code == 400
    assert "whatif_own" in answer.text


def test_no_detection_tells_what_a_model_would_have_done_to_who_looks(
    server: Any, me: FakeBrowser, people: People
) -> None:
    record = next(one for one in reversed(server.records()) if one.subject_key == MINE and one.event)
    hit = RuleHit(rule="risk-deny", effect=Effect.DENY)
    verdict = AdaptiveVerdict(hits=(hit,))
    name = "dec_review9_would"
    receipt = msgspec.structs.replace(record.receipt, decision_id=name)
    outcome = msgspec.structs.replace(record.outcome, effect=Effect.ALLOW, floor=Effect.ALLOW, rules=(), reasons=())
    risk = RiskScore(available=True, score=0.9, level="high", model="sha256:aa", contributions=())
    made = msgspec.structs.replace(record, risk=risk, receipt=receipt, adaptive=verdict, outcome=outcome)
    at_ns = record.receipt.received_ns
    server.house.log.append("default", "decision", name, at_ns, msgspec.json.encode(made), MINE).result(10)
    for path in ("/detections", "/detections?rule=risk-deny", "/detections/export", f"/detections/{name}"):
        mine, theirs = me.get(path).text, people("auditor").get(path).text
        assert "risk-deny" in theirs, path
        if not path.endswith(name):
            assert name in theirs, path
            assert name not in mine, path
        shown = mine.partition('aria-label="Precision')[0].replace("rule: risk-deny", "")
        assert "<code>risk-deny" not in shown, path


def _as(browser: FakeBrowser) -> dict[str, str]:
    return {"cookie": browser.cookie}
