"""A new policy goes live under load: no decision is dropped, each knows its bundle, and a bad one changes nothing."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

POLICY = """package ostiary.guardrails
allow contains {"rule": "version-NUMBER"} if input.action.name == "read"
decision := {"allow": allow}
"""


@pytest.fixture
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(guardrails=POLICY.replace("NUMBER", "0"), server={"deadline_ms": 5000})


def write(server: Any, text: str) -> None:
    (server.house.places.bundle("default") / "guardrails.rego").write_text(text)


def reload(server: Any) -> Any:
    return server.admin("POST", "/tenants/default/bundle/reload")


def test_reloading_under_load_drops_nothing(server: Any) -> None:
    stop, answers = threading.Event(), list[dict[str, Any]]()

    def ask() -> None:
        while not stop.is_set():
            answers.append(server.ask().json())

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    digests = [server.admin("GET", "/tenants/default/bundle").json()["digest"]]
    for number in range(1, 4):
        write(server, POLICY.replace("NUMBER", str(number)))
        told = reload(server).json()
        assert told["source"] == "own"
        digests.append(told["digest"])
        seen = len(answers)
        while len(answers) < seen + 8:
            time.sleep(0.005)
    stop.set()
    for caller in callers:
        caller.join()
    assert all(answer["decision"] for answer in answers)
    assert len(set(digests)) == 4
    used = {record.bundle for record in server.records()}
    assert used <= set(digests)
    assert {digests[0], digests[-1]} <= used
    rules = {answer["context"]["reasons"][0] for answer in answers}
    assert rules >= {"rule:version-0", "rule:version-3"}


@pytest.mark.parametrize(
    "text",
    [
        "package ostiary.guardrails\nthis is no rego",
        "package somewhere.else\ndecision := {}",
        'package ostiary.guardrails\ndecision := http.send({"url": "http://example.com", "method": "get"})',
        "package ostiary.guardrails\ndecision := data.ostiary.adaptive.decision",
    ],
    ids=["no rego", "no entry point", "asks the network", "a guardrail that reads the score's side"],
)
def test_a_bundle_that_fails_changes_nothing(server: Any, text: str) -> None:
    before = server.admin("GET", "/tenants/default/bundle").json()
    write(server, text)
    answer = reload(server)
    assert answer.status_code in {400, 409}
    assert answer.json()["code"]
    assert server.admin("GET", "/tenants/default/bundle").json() == before
    assert server.ask().json()["decision"] is True


def test_a_bundle_whose_own_tests_fail_changes_nothing(server: Any) -> None:
    folder = server.house.places.bundle("default")
    (folder / "guardrails_test.rego").write_text("package ostiary.guardrails_test\ntest_never if 1 == 2\n")
    assert reload(server).json()["code"] == "policy_refused"
    assert server.ask().json()["decision"] is True


def test_another_tenants_bundle_is_another_matter(server: Any) -> None:
    assert server.admin("POST", "/tenants", json={"tenant": "other"}).status_code == 201
    key = server.admin("POST", "/tenants/other/peps", json={"pep_id": "pep-other", "subjects": "asserted"}).json()[
        "api_key"
    ]
    answer = server.ask_as(key)
    assert answer.json()["context"]["id"] not in {record.receipt.decision_id for record in server.records()}
    assert [record.receipt.decision_id for record in server.records("other")] == [answer.json()["context"]["id"]]
    tenant_admin = server.admin("POST", "/tenants/other/admin-keys").json()["key"]
    own = server.admin("GET", "/tenants/other/bundle", key=tenant_admin)
    theirs = server.admin("GET", "/tenants/default/bundle", key=tenant_admin)
    nobodys = server.admin("GET", "/tenants/nobody/bundle", key=tenant_admin)
    assert own.status_code == 200
    assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json()) == (404, theirs.json())
    assert server.admin("POST", "/tenants", json={"tenant": "mine"}, key=tenant_admin).status_code == 403
