"""One decision on its page: sentence, rule with its line, law, proof, replay, feedback; and what must not be shown."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.decision.ocsf import ocsf_of
from ostiary.server.console.pages.decision import raw_of, whatif_link
from ostiary.signals.adapters.ocsf import normalise
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.scoring import Contribution, RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord

People = Callable[..., FakeBrowser]
HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}",
    "javascript:alert(1)",
    "good\u202elive",
    '"><img src=x onerror=alert(1)>',
)


def decided(server: Any, subject: str = "alice", **more: Any) -> str:
    answer = server.ask("read", subject={"type": "user", "id": subject}, **more).json()
    found: str = answer["context"]["id"]
    return found


def keep(server: Any, record: DecisionRecord, name: str) -> str:
    """Put a record into the log as if it had been decided."""
    made = msgspec.structs.replace(record, receipt=msgspec.structs.replace(record.receipt, decision_id=name))
    at_ns = record.receipt.received_ns
    server.house.log.append("default", "decision", name, at_ns, msgspec.json.encode(made), made.subject_key).result(10)
    return name


def scored(server: Any, subject: str, name: str) -> str:
    decided(server, subject)
    record = next(one for one in reversed(server.records()) if one.subject_key == f"user:{subject}")
    told = (
        Contribution("hour", 2.0, 1.5, "02:00 is an unusual hour for her"),
        Contribution("net", 1.0, 0.5, "new net"),
    )
    risk = RiskScore(available=True, score=0.8765, level="high", model="sha256:aa", contributions=told)
    return keep(server, msgspec.structs.replace(record, risk=risk), name)


def test_the_page_tells_it_from_the_sentence_to_the_proof(server: Any, people: People) -> None:
    name = decided(server)
    page = people("analyst").get(f"/decisions/{name}").text
    assert "user:alice was denied" in page
    for part in ("The law in one line", "In the log", "OCSF 1.8", "What was it?", "/story", "ostiary why"):
        assert part in page
    assert "/policies/guardrails%3A" in page, "the rule's file and line"


def test_signals_are_told_to_others_and_never_to_the_scored(server: Any, people: People) -> None:
    name = scored(server, "analyst-default", "dec_scored_self")
    mine, theirs = (people(role).get(f"/decisions/{name}").text for role in ("analyst", "auditor"))
    for told in ("02:00 is an unusual hour", "0.8765", "contributions", "Phases then"):
        assert told in theirs, told
        assert told not in mine, told
    assert "are not shown to whom they are about" in mine
    file = people("analyst").get(f"/decisions/{name}/record.json")
    assert file.status_code == 200
    assert "0.8765" not in file.text


def test_nobody_judges_their_own(server: Any, people: People) -> None:
    name = scored(server, "analyst-default", "dec_judged_self")
    answer = people("analyst").deed(f"/decisions/{name}/feedback", {"verdict": "dismiss", "reason": "was me"})
    assert (answer.status_code, answer.json()["code"]) == (409, "feedback_own")


def test_a_verdict_needs_a_reason_and_is_shown(server: Any, people: People) -> None:
    name, ann = decided(server), people("analyst")
    path = f"/decisions/{name}/feedback"
    assert ann.deed(path, {"verdict": "dismiss", "reason": " "}).json()["code"] == "feedback_invalid"
    assert ann.deed(path, {"verdict": "nonsense", "reason": "x"}).status_code == 400
    assert ann.deed(path, {"verdict": "dismiss", "reason": "a <b>trip</b>"}).json() == {"go": f"/decisions/{name}"}
    page = ann.get(f"/decisions/{name}").text
    assert "a false alarm by user:analyst-default" in page
    assert "<b>trip" not in page
    assert people("auditor").deed(path, {"verdict": "dismiss", "reason": "x"}).status_code == 403


def test_the_proof_is_checked_here_and_holds_elsewhere(server: Any, people: People) -> None:
    name, auditor = decided(server), people("auditor")
    page = auditor.get(f"/decisions/{name}/proof")
    assert "✓ The record is entry" in page.text
    file = auditor.get(f"/decisions/{name}/proof.tlog")
    assert file.text == server.admin("GET", f"/tenants/default/decisions/{name}/proof").text or "c2sp.org" in file.text
    told = server.admin("GET", f"/tenants/default/decisions/{name}/proof/check").json()
    assert (told["good"], told["code"], told["record"]) == (True, "", name)


def test_a_record_that_was_altered_does_not_prove(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = decided(server)
    from ostiary.server.why import proving  # noqa: PLC0415

    monkeypatch.setattr(proving, "open_row", lambda _vault, _row: b"another payload")
    told = server.admin("GET", f"/tenants/default/decisions/{name}/proof/check").json()
    assert (told["good"], told["code"]) == (False, "record_altered")


def test_replay_is_the_same_under_the_same_and_honest_under_another(server: Any, people: People) -> None:
    name = decided(server)
    told = server.admin("GET", f"/tenants/default/decisions/{name}/replay").json()
    assert (told["changed"], told["bundle_before"]) == (False, told["bundle_after"])
    assert "The same: effect and reasons" in people("auditor").get(f"/decisions/{name}/replay").text
    record = next(one for one in server.records() if one.receipt.decision_id == name)
    outcome = msgspec.structs.replace(record.outcome, reasons=("rule:of-another-bundle",))
    other = keep(server, msgspec.structs.replace(record, outcome=outcome, bundle="sha256:other"), "dec_of_another")
    page = people("auditor").get(f"/decisions/{other}/replay").text
    assert "It would be decided otherwise now" in page
    assert "rule:of-another-bundle" in page


def test_what_was_decided_under_another_bundle_has_no_line(server: Any) -> None:
    record = next(one for one in server.records() if one.outcome.rules or one.guardrails)
    other = keep(server, msgspec.structs.replace(record, bundle="sha256:gone"), "dec_bundle_gone")
    story = server.admin("GET", f"/tenants/default/decisions/{other}/story").json()
    assert {(one["file"], one["line"]) for one in story["rules"]} <= {("", 0)}


@pytest.mark.parametrize("part", ["", "/proof", "/replay", "/proof.tlog", "/record.json"])
def test_another_tenants_decision_is_as_unknown_as_none(server: Any, people: People, part: str) -> None:
    name = decided(server)
    browser = people("owner", "acme")
    theirs, none = (browser.get(f"/decisions/{one}{part}") for one in (name, "dec_nothing"))
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text.replace(name, "").count("nothing here") == none.text.count("nothing here")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_shown_as_text(server: Any, people: People, text: str) -> None:
    name = decided(server, text, context={"user_agent": text, "note": text})
    page = people("analyst").get(f"/decisions/{name}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "user:49" not in page
    assert 'href="javascript:' not in page
    if "\u202e" in text:
        heading = page.partition("<h1>")[2].partition("</h1>")[0]
        assert "\u202e" not in heading


def test_the_ocsf_event_is_read_back_as_the_same_access(server: Any) -> None:
    name = decided(server, context={"ip": "203.0.113.9", "device": {"id": "d1"}, "bytes": 5})
    told = server.admin("GET", f"/tenants/default/decisions/{name}/ocsf").json()
    assert (told["class_uid"], told["type_uid"] // 100) == (6003, 6003)
    event = normalise(told, "default")
    record = next(one for one in server.records() if one.receipt.decision_id == name)
    assert record.event is not None
    for member in ("event_id", "subject_id", "action", "resource_type", "resource_id", "ip", "device_id", "bytes"):
        assert getattr(event, member) == getattr(record.event, member), member
    assert "score" not in json.dumps(ocsf_of(record))


def test_the_link_to_what_if_is_whole_or_without_its_context(server: Any) -> None:
    name = decided(server, context={"note": "x" * 6_000})
    record = next(one for one in server.records() if one.receipt.decision_id == name)
    link = whatif_link(record)
    assert link.startswith("/explain?subject=user%3Aalice&action=read&resource=doc%3A1")
    assert len(link) < 4_000
    assert "risk" not in raw_of(record, hidden=True)


def test_a_step_up_and_its_proof_are_one_chain(server: Any, people: People) -> None:
    first = decided(server, "carol")
    record = next(one for one in server.records() if one.receipt.decision_id == first)
    assert record.event is not None
    told = {
        "v": 1, "type": "step_up", "outcome": "proven", "cause": first, "subject": "user:carol", "session": "",
        "action": "read", "resource_type": "doc", "resource_id": "1",
    }  # fmt: skip
    now = server.house.clock.now_ns()
    server.house.log.append("default", "step_up", "stp_1", now, json.dumps(told).encode(), "user:carol").result(10)
    document = msgspec.json.decode(bytes(record.input))
    document["session"]["step_up"] = {"acr": "urn:x", "age_s": 1}
    again = msgspec.structs.replace(record, input=msgspec.Raw(msgspec.json.encode(document)))
    second = keep(server, again, "dec_second_of_carol")
    one, two = (
        server.admin("GET", f"/tenants/default/decisions/{name}/story").json()["chain"] for name in (first, second)
    )
    assert [(link["relation"], link["record"]) for link in one] == [("proof", "stp_1"), ("next", second)]
    assert [(link["relation"], link["record"]) for link in two] == [("asked_by", first), ("rests_on", "stp_1")]
    assert f"/decisions/{second}" in people("analyst").get(f"/decisions/{first}").text


def test_next_and_previous_keep_the_lists_filters(server: Any, people: People) -> None:
    names = [decided(server, one) for one in ("walker", "other", "walker", "other", "walker")]
    until, browser = time.monotonic() + 10, people("auditor")
    while server.house.store.decisions.cursor("default") < server.house.log.head().size and time.monotonic() < until:
        time.sleep(0.05)
    page = browser.get(f"/decisions/{names[2]}?subject=user:walker").text
    assert f'rel="prev" href="/decisions/{names[4]}?subject=user:walker"' in page
    assert f'rel="next" href="/decisions/{names[0]}?subject=user:walker"' in page
    assert f'href="/decisions/{names[3]}' in browser.get(f"/decisions/{names[2]}").text
    assert browser.get(f"/decisions/{names[2]}?subjct=user:walker").status_code == 400
