"""The page of a denial: the rule's sentence and what helps, for a day; nothing that an attack could be tuned by."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server.step_up.denied import RECENT_S

RULES = """package ostiary.guardrails
name := input.action.name
allow contains {"rule": "may"} if name in {"read", "prove"}

# METADATA
# title: not at night
# description: Payroll <b>closes</b> at night.
# custom:
#   id: secret-threshold-73
#   remediation: Come back in the morning.
deny contains {"rule": "secret-threshold-73"} if name == "pay"
terminate contains {"rule": "end"} if name == "end"
step_up contains {"rule": "prove", "acr_values": ["urn:ostiary:acr:phishing-resistant"]} if name == "prove"
decision := {"allow": allow, "deny": deny, "terminate": terminate, "step_up": step_up}
"""


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    running = start_server(guardrails=RULES)
    running.house.tenants.create("beta")
    return running


def context_of(server: Any, action: str) -> dict[str, Any]:
    told: dict[str, Any] = server.ask(action, resource={"type": "salary", "id": "of-the-boss"}).json()["context"]
    return told


def test_it_says_why_and_what_helps_and_nothing_else(server: Any) -> None:
    told = context_of(server, "pay")
    assert told["denied_uri"].endswith(f"/denied/{told['id']}")
    answer = server.client.get(f"/denied/{told['id']}")
    assert answer.status_code == 200
    page = answer.text
    assert "Payroll &lt;b&gt;closes&lt;/b&gt; at night." in page
    assert "Come back in the morning." in page
    for hidden in ("secret-threshold", "alice", "of-the-boss", "salary", "127.0.0.1", "risk", "score", "model"):
        assert hidden not in page, hidden
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert server.client.get(f"/denied/default/{told['id']}").text == page


def test_all_that_is_no_recent_denial_looks_alike(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    denied, allowed, asked = (context_of(server, name)["id"] for name in ("pay", "read", "prove"))
    wrong = [
        "/denied/",
        "/denied/dec_",
        f"/denied/{denied[:-1]}{'Z' if denied[-1] != 'Z' else 'Y'}",
        f"/denied/{allowed}",
        f"/denied/{asked}",
        f"/denied/beta/{denied}",
        f"/denied/nobody/{denied}",
        f"/denied/default/{denied}/more",
        "/denied/../denied/x",
        "/denied/%00",
    ]
    answers = [server.client.get(path) for path in wrong]
    clock = server.house.clock
    now_ns = type(clock).now_ns
    monkeypatch.setattr(type(clock), "now_ns", lambda self: now_ns(self) + RECENT_S * 10**9)
    answers.append(server.client.get(f"/denied/{denied}"))
    assert {one.status_code for one in answers} == {404}
    assert len({one.text for one in answers}) == 1


def test_a_session_that_was_ended_is_told_so(server: Any) -> None:
    assert "Your session was ended" in server.client.get(f"/denied/{context_of(server, 'end')['id']}").text


def test_it_is_only_looked_at(server: Any) -> None:
    denied = context_of(server, "pay")["id"]
    assert server.client.post(f"/denied/{denied}").status_code == 405
    head = server.client.head(f"/denied/{denied}")
    assert (head.status_code, head.content) == (200, b"")


def test_a_permission_and_a_step_up_name_no_such_page(server: Any) -> None:
    assert "denied_uri" not in context_of(server, "read")
    assert "denied_uri" not in context_of(server, "prove")
