"""Attack: an owner whose tenant has a policy of its own, without our rules, reaches for what concerns every tenant."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ostiary.server.console.pages import all_routes
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser

ANYTHING = """package ostiary.guardrails
allow contains {"rule": "anything"} if input.action.name != ""
decision := {"allow": allow}
"""


@pytest.fixture(scope="module")
def lenient(start_server: Callable[..., Any]) -> Any:
    """A server whose only tenant allows everything to everybody."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return start_server(guardrails=ANYTHING, on_port=port, server={"public_url": f"http://localhost:{port}"})


@pytest.fixture(scope="module")
def owner(lenient: Any) -> Iterator[FakeBrowser]:
    house, subject = lenient.house, "user:olga"
    enter(house, "default", subject, ["owner"], COMMAND_LINE)
    browser = FakeBrowser(lenient.url, page_base(house.settings), "olga")
    browser.enrol(invite(house, "default", subject, COMMAND_LINE).url)
    browser.sign_in().raise_for_status()
    yield browser
    browser.client.close()


def test_its_own_pages_are_open(owner: FakeBrowser) -> None:
    assert owner.get("/people").status_code == 200


def test_no_tenant_is_made(lenient: Any, owner: FakeBrowser) -> None:
    answer = owner.deed("/tenants", {"tenant": "mine-now"})
    assert (answer.status_code, answer.json()["code"]) == (403, "console_not_deployment")
    assert lenient.house.tenants.find("mine-now") is None


def test_the_key_of_everybodys_log_stays(lenient: Any, owner: FakeBrowser) -> None:
    before = [key.vkey() for key in lenient.house.log.public_keys()]
    answer = owner.deed("/keys/signing/log/rotate", {"overlap_days": "0"})
    assert answer.status_code == 403
    assert [key.vkey() for key in lenient.house.log.public_keys()] == before


def test_nothing_of_the_deployment_answers(owner: FakeBrowser) -> None:
    routes = [one for one in all_routes() if one.area == "deployment"]
    assert routes
    for route in routes:
        path = route.path.replace("{tenant}", "default").replace("{purpose}", "console")
        answer = owner.get(path) if route.method == "GET" else owner.deed(path)
        assert answer.status_code == 403, route.path
