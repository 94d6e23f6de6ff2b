"""Another tenant's id answers exactly as an id that never was: every route that takes one, from the route table."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.server.console.pages import all_routes
from ostiary.server.console.routes import Route
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.approvals import Deed

People = Callable[..., FakeBrowser]
DEED = Deed("default", "phase.change", "deny@*", {"from": "shadow", "to": "low_risk", "report": "sha256:aa"})
LAW = [Person("user:ann", ("risk",)), Person("user:bob", ("ops",))]
MADE_NEW = re.compile(r'nonce="[^"]*"|value="[0-9a-f]{64}"|dec_[0-9A-Z]{26}|\d{4}-\d\d-\d\dT[\d:]+Z|/enrol/[\w-]+')


@pytest.fixture(scope="module")
def real(server: Any, people: People) -> dict[str, str]:
    """Return ids of the tenant `default`, by what routes call them."""
    people("owner")
    asked = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": "handbook"},
        "context": {"session_id": "their-session"},
    }
    decision = server.post("evaluation", msgspec.json.encode(asked)).json()["context"]["id"]
    room = server.house.approvals.room
    room.bootstrap("default", LAW, "command line")
    session = server.admin("GET", "/tenants/default/sessions").json()[0]
    records = [one.record_id for one in server.house.log.iterate("default", "admin")]
    key = server.admin("POST", "/tenants/default/admin-keys").json()
    return {
        "decision": decision,
        "proposal": room.propose("default", Draft(DEED, "user:zed", "thirty quiet days")).proposal_id,
        "session": next(value for name, value in session.items() if name in {"handle", "session"}),
        "record": records[-1],
        "subject": "user:owner-default",
        "pep": "pep-1",
        "key": str(key.get("key", "")).partition(".")[0] or "adm_0123456789abcdef",
    }


def other(value: str) -> str:
    """Return an id of the same shape that nobody has."""
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def routes() -> list[Route]:
    known = {"decision", "proposal", "session", "record", "subject", "pep", "key"}
    found = [one for one in all_routes() if (names := re.findall(r"\{(\w+)\}", one.path)) and set(names) <= known]
    return [one for one in found if one.area != "deployment"]


def answered(browser: FakeBrowser, route: Route, ids: dict[str, str]) -> tuple[int, str]:
    """Return status and text of an answer, without what is new in each and without the id itself."""
    path = re.sub(r"\{(\w+)\}", lambda found: quote(ids[found.group(1)], safe=""), route.path)
    answer = (
        browser.deed(path, {"reason": "a reason", "why": "a reason"}) if route.method == "POST" else browser.get(path)
    )
    text = MADE_NEW.sub("", answer.text)
    for value in ids.values():
        for form in (value, quote(value, safe=""), quote(value)):
            text = text.replace(form, "ID")
    return answer.status_code, text


def test_there_are_many_such_routes() -> None:
    assert len(routes()) >= 20


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_it_answers_like_one_that_never_was(people: People, real: dict[str, str], route: Route) -> None:
    stranger = people("owner", "acme")
    theirs = answered(stranger, route, real)
    nobodys = answered(stranger, route, {name: other(value) for name, value in real.items()})
    assert theirs == nobodys
