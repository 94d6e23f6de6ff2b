"""The log on pages: filters, one record with its proof, who looked at what; other tenants' records are not there."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server.deeds import record_about, record_deed
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
HOSTILE = ["<script>alert(1)</script>", "{{7*7}}", "javascript:alert(1)", "good\u202elive", "a'\"><img src=x>"]


def looked(browser: FakeBrowser, path: str, wanted: str) -> str:
    """Return a page once the columns of decisions have followed the log."""
    until = time.monotonic() + 20
    while wanted not in (text := browser.get(path).text):
        assert time.monotonic() < until, text
        time.sleep(0.1)
    return text


def test_records_are_found_by_kind_by_whom_about_whom_and_when(server: Any, people: People) -> None:
    house, auditor = server.house, people("auditor")
    deed = record_deed(house, "user:zoe", "default", "some.deed", note="x")
    about = record_about("user:yan", house, "user:zoe", "default", "other.deed", {})
    page = auditor.get("/audit?by=user:zoe").text
    assert deed in page
    assert about in page
    assert "some.deed" not in auditor.get("/audit?by=user:nobody").text
    subject = auditor.get("/audit?subject=user:yan").text
    assert about in subject
    assert deed not in subject
    assert deed in auditor.get("/audit?kind=admin&by=user:zoe&from=2020-01-01").text
    assert deed not in auditor.get("/audit?kind=decision").text
    assert deed not in auditor.get("/audit?by=user:zoe&to=2020-01-01").text
    assert auditor.get(f"/audit?id={deed}").headers["location"] == f"/audit/records/{deed}"
    assert auditor.get("/audit?from=never").status_code == 400
    assert auditor.get("/audit?below=x").status_code == 400


def test_every_page_goes_on_where_the_one_before_ended(server: Any) -> None:
    made = [record_deed(server.house, "user:many", "default", f"deed.{number}") for number in range(7)]
    seen: list[str] = []
    below: dict[str, int] = {}
    while below.get("below", 1):
        asked = {"by": "user:many", "limit": 3, **below}
        page = server.admin("GET", "/tenants/default/audit/records", params=asked).json()
        seen += [one["id"] for one in page["records"]]
        below = {"below": page["below"]}
    assert seen == made[::-1]


def test_one_record_with_its_proof(server: Any, people: People) -> None:
    deed = record_deed(server.house, "user:zoe", "default", "some.deed")
    page = people("auditor").get(f"/audit/records/{deed}").text
    assert "The proof was verified just now" in page
    assert "some.deed" in page
    told = server.admin("GET", f"/tenants/default/audit/records/{deed}").json()
    assert told["proof"]["holds"]
    assert told["line"]["by"] == "user:zoe"


def test_another_tenants_record_is_as_unknown_as_none(server: Any, people: People) -> None:
    deed = record_deed(server.house, "user:zoe", "default", "some.deed")
    theirs = people("auditor", "acme")
    answers = [theirs.get(f"/audit/records/{name}") for name in (deed, "adm_none")]
    assert {one.status_code for one in answers} == {404}
    assert deed not in theirs.get("/audit").text
    assert deed not in theirs.get("/audit?by=user:zoe").text


def test_who_is_scored_is_not_shown_how(server: Any, people: People) -> None:
    auditor = people("auditor")
    auditor.get("/me")
    own = next(one for one in server.records() if one.subject_key == "user:auditor-default")
    page = auditor.get(f"/audit/records/{own.receipt.decision_id}").text
    assert "This record is about you" in page
    assert "&#34;risk&#34;" not in page
    owner = people("owner").get(f"/audit/records/{own.receipt.decision_id}").text
    assert "This record is about you" not in owner


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_shown_as_words(server: Any, people: People, text: str) -> None:
    deed = record_about(f"user:{text}", server.house, text, "default", text, {"subject": text})
    auditor = people("auditor")
    for path in ("/audit", f"/audit/records/{deed}"):
        page = auditor.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "\u202e" not in page.text


def test_who_looked_at_what(server: Any, people: People) -> None:
    auditor = people("auditor")
    people("analyst").get("/audit/records/adm_curious")
    page = looked(auditor, "/audit/views?person=user:analyst-default", "/audit/records/adm_curious")
    assert "Denied" in page
    assert "user:auditor-default" not in page.partition("<main")[2].replace("adm_", "")
    assert "/audit/records/adm_curious" in looked(auditor, "/audit/views?page=/audit/records", "adm_curious")
    assert "adm_curious" not in auditor.get("/audit/views?area=people").text
    assert "adm_curious" not in people("auditor", "acme").get("/audit/views").text


def test_evidence_is_counted_from_records(server: Any, people: People) -> None:
    auditor = people("auditor")
    auditor.get("/me")
    told = server.admin("GET", "/tenants/default/audit/evidence").json()
    counts = {one["control"]: one["count"] for one in told["controls"]}
    assert counts["800-207 tenet 7"] == told["looked"] > 0
    assert counts["Deeds by name"] > 0
    assert "NIST SP 800-207" in auditor.get("/audit/evidence").text
    theirs = server.admin("GET", "/tenants/acme/audit/evidence").json()
    assert {one["control"]: one["count"] for one in theirs["controls"]}["Content is sealed"] == 0


def test_the_whole_log_in_a_few_words(server: Any, people: People) -> None:
    told = server.admin("GET", "/tenants/default/audit").json()
    assert told["checkpoint"].startswith(told["origin"])
    assert told["cosigned_by"] == []
    page = people("auditor").get("/audit").text
    assert "none has cosigned it yet" in page
    assert "Verify everything" in page
    assert people("developer").get("/audit").status_code == 403
