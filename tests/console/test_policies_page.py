"""Policy as text: rules with their lines, files as they lie there, lint and tests, drafts that come to nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
FILE = "guardrails/resources.rego"
HOSTILE = '# </textarea><script>alert(1)</script>\npackage ostiary.guardrails\n"{{7*7}}" := x'


def post(browser: FakeBrowser, path: str, **form: str) -> Any:
    return browser.client.post(path, data={"csrf": browser.csrf, **form}, headers={"cookie": browser.cookie})


def source(server: Any) -> str:
    text: str = server.admin("GET", f"/tenants/default/bundle/file?path={FILE}").json()["text"]
    return text


def test_rules_lead_to_their_lines(server: Any, people: People) -> None:
    page = people("developer").get("/policies").text
    rules = server.admin("GET", "/tenants/default/bundle/rules").json()
    one = next(rule for rule in rules if rule["rule"] == "unknown-resource")
    link = f"/policies/{one['file'].replace('/', '%3A')}#L{one['line']}"
    assert link in page
    shown = people("developer").get(link.partition("#")[0]).text
    line = source(server).split("\n")[one["line"] - 1]
    assert f'<li id="L{one["line"]}"><code>{line.split("{")[0]}' in shown.replace("&#34;", '"')
    assert len(rules) > 20


@pytest.mark.parametrize(
    "file",
    [
        "nothing.rego",
        "..:..:etc:passwd",
        "%2Fetc%2Fpasswd",
        "guardrails:",
        "%00",
        "\ud800".encode("utf-8", "surrogatepass").hex(),
    ],
)
def test_only_files_of_the_bundle_are_shown(server: Any, people: People, file: str) -> None:
    assert people("developer").get(f"/policies/{file}").status_code == 404
    told = server.admin("GET", f"/tenants/default/bundle/file?path={file}")
    assert told.json()["code"] == "policy_file_unknown"


def test_lint_and_tests_are_run_apart_and_the_last_report_is_kept(server: Any, people: People) -> None:
    assert server.admin("GET", "/tenants/default/bundle/check").json() is None
    answer = people("developer").deed("/policies/check")
    assert answer.json() == {"go": "/policies"}
    kept = server.admin("GET", "/tenants/default/bundle/check").json()
    assert (kept["ok"], kept["failed"], kept["by"]) == (True, [], "user:developer-default")
    assert kept["passed"] > 100
    assert "tests pass, 0 fail" in people("auditor").get("/policies").text
    assert server.admin("GET", "/tenants/acme/bundle/check").json() is None, "another tenant's report is not theirs"


def test_a_draft_is_linted_tested_and_not_kept(server: Any, people: People) -> None:
    before = server.house.policies.status("default").digest
    harmful = (
        source(server) + '\ndeny contains {"rule": "x"} if http.send({"url": "http://127.0.0.1"}).status_code == 200\n'
    )
    page = post(people("developer"), "/policies/draft", file=FILE, text=harmful).text
    assert "It would be refused" in page
    assert "builtin_banned" in page
    assert "http.send" in page, "what was typed stays"
    assert server.house.policies.status("default").digest == before
    assert FILE in server.house.policies.load("default").bundle.rules["unknown-resource"].file
    deeds = [one.payload for one in server.house.log.iterate("default", "admin") if one.payload]
    assert any(b"policy.draft" in one and b"user:developer-default" in one for one in deeds)


def test_a_hostile_draft_is_text_in_its_page(people: People) -> None:
    page = post(people("developer"), "/policies/draft", file=FILE, text=HOSTILE).text
    assert "<script>alert" not in page
    assert "parse_error" in page or "rego_parse" in page or "would be refused" in page
    name = post(people("developer"), "/policies/draft", file='<script>alert(1)</script>".rego', text="package a")
    assert "<script>alert" not in name.text


@pytest.mark.parametrize(
    "file", ["", "../a.rego", "/etc/a.rego", "a//b.rego", "a.txt", ".manifest", "a/../b.rego", "x" * 300 + ".rego"]
)
def test_a_draft_names_a_file_of_a_bundle(people: People, file: str) -> None:
    answer = post(people("developer"), "/policies/draft", file=file, text="package a")
    assert answer.status_code == 400


def test_one_draft_at_a_time(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from ostiary.server.drafts import checking  # noqa: PLC0415

    assert checking._one_at_a_time.acquire(blocking=False)
    try:
        answer = post(people("developer"), "/policies/draft", file=FILE, text="package a")
    finally:
        checking._one_at_a_time.release()
    assert (answer.status_code, "draft_busy" in answer.text) == (400, True)


def test_a_folder_that_was_changed_is_told_apart_from_what_decides(server: Any, people: People) -> None:
    place = server.house.places.bundle("acme")
    place.mkdir(parents=True)
    for path, text in {
        "g.rego": 'package ostiary.guardrails\ndecision := {"allow": []}\n',
        "a.rego": 'package ostiary.adaptive\ndecision := {"proposals": []}\n',
    }.items():
        (place / path).write_text(text)
    files = server.admin("GET", "/tenants/acme/bundle/files").json()
    assert [one["path"] for one in files["files"]] == ["a.rego", "g.rego"]
    names = server.admin("GET", "/tenants/acme/candidates").json()
    assert files["in_force"] == (not names)
    assert {one["name"] for one in names} <= {"folder-bundle"}
    for path in ("g.rego", "a.rego"):
        (place / path).unlink()
    place.rmdir()
