"""Attack: one human being signs in under a second name to see how the first is scored, and to judge it."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.approvals.people import Person
from ostiary.server.auditing.jobs import Jobs
from ostiary.server.auditing.working import Working
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.scoring import RiskScore

People = Callable[..., FakeBrowser]
ANN = "user:ann"
NAME = "dec_review9_ann"


@pytest.fixture(scope="module")
def private(server: Any, people: People) -> FakeBrowser:
    """Ann's second name; the people who approve know that it is hers."""
    law = (Person(ANN, ("risk",), ("user:ann-private",)), Person("user:bob", ("ops",)), Person("user:cyd", ("ops",)))
    server.house.approvals.room.bootstrap("default", law, "command line")
    server.ask("read", subject={"type": "user", "id": "ann"}).raise_for_status()
    record = next(one for one in reversed(server.records()) if one.subject_key == ANN and one.event)
    risk = RiskScore(available=True, score=0.8765, level="high", model="sha256:aa", contributions=())
    made = msgspec.structs.replace(record, risk=risk, receipt=msgspec.structs.replace(record.receipt, decision_id=NAME))
    at_ns = record.receipt.received_ns
    server.house.log.append("default", "decision", NAME, at_ns, msgspec.json.encode(made), ANN).result(10)
    until, index = time.monotonic() + 10, server.house.store.decisions
    while index.cursor("default") < server.house.log.head().size and time.monotonic() < until:
        time.sleep(0.05)
    return people("analyst", name="ann-private")


@pytest.mark.parametrize(
    "path",
    [
        "/decisions?subject=user:ann",
        f"/decisions/{NAME}",
        f"/decisions/{NAME}/record.json",
        "/decisions/export?format=csv",
        f"/detections/{NAME}",
        "/subjects/user%3Aann",
    ],
)
def test_no_page_tells_the_score_of_the_other_name(private: FakeBrowser, people: People, path: str) -> None:
    mine, theirs = private.get(path), people("analyst").get(path)
    assert (mine.status_code, theirs.status_code) == (200, 200)
    for score in ("0.8765", "0.876", "0.877", "0.88"):
        assert score not in mine.text
    assert any(score in theirs.text for score in ("0.8765", "0.876", "0.877", "0.88"))


def test_a_pack_leaves_records_of_the_other_name_closed(server: Any, private: FakeBrowser, people: People) -> None:
    auditor = people("auditor", name="ann-private-2")
    law = server.house.approvals.room.law("default")
    assert law.who("user:ann-private") == ANN
    enter(server.house, "default", "user:ann-private", ["auditor"], COMMAND_LINE)
    try:
        assert private.deed("/audit/exports", {"kind": "decision", "subject": ANN}).status_code == 200
    finally:
        enter(server.house, "default", "user:ann-private", ["analyst"], COMMAND_LINE)
    jobs = Jobs(server.house)
    while (made := jobs.of("default")[0]).state in {"waiting", "running"}:  # the test's own time limit ends this
        Working(server.house, lambda: False, lambda _reason, _fault: None).turn()
    assert made.pack is not None
    assert made.pack.withheld == made.pack.records > 0
    assert auditor.get(f"/audit/exports/{made.id}/pack.zip").status_code == 403


def test_the_filter_by_score_does_not_find_it(private: FakeBrowser, people: People) -> None:
    assert NAME not in private.get("/decisions?risk_at_least=0.5").text
    assert NAME in people("analyst").get("/decisions?risk_at_least=0.5").text


def test_it_is_not_judged_from_there(private: FakeBrowser, people: People) -> None:
    form = {"verdict": "safe", "reason": "it was me", "why": "it was me"}
    for path in (f"/decisions/{NAME}/feedback", f"/detections/{NAME}/feedback"):
        answer = private.deed(path, form)
        assert (answer.status_code, answer.json()["code"]) == (403, "console_own_subject"), path
    wish = {"kind": "rule", "name": "risk-step-up", "subject": ANN, "days": "1", "why": "too many"}
    assert private.deed("/suppressions", wish).json()["code"] == "console_own_subject"
    assert people("analyst").deed(f"/decisions/{NAME}/feedback", form).status_code == 200
