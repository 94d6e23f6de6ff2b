"""Every route x role x tenant, from the route table itself: nothing outside the matrix answers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ostiary.artifacts.shipped import policies_dir
from ostiary.server.console.pages import all_routes
from ostiary.server.console.paths import PATHS
from ostiary.server.console.people import ROLES
from ostiary.server.console.routes import ACTIONS, AREAS, Route, Table
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
MATRIX: dict[str, dict[str, list[str]]] = yaml.safe_load((policies_dir() / "console" / "data.yaml").read_text())[
    "roles"
]
NOT_YOURS = {"access_denied", "step_up_needed"}
UNKNOWN = "no-such-thing"


def routes() -> list[Route]:
    return list(all_routes())


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", UNKNOWN, path)


def may(role: str, route: Route) -> bool:
    return bool({route.area, "*"} & set(MATRIX[role].get(route.action, ())))


def let_in(answer: Any, route: Route) -> bool:
    """Return whether the decision said yes, whatever the page then made of it."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        return answer.json().get("code") not in NOT_YOURS
    if answer.headers.get("content-type") == "text/event-stream":
        return True
    return not ("This is not open to you" in answer.text and answer.status_code == 403)


def ask(browser: FakeBrowser, route: Route) -> Any:
    path = filled(route.path)
    if route.method == "POST":
        return browser.deed(path)
    with browser.client.stream("GET", path, headers={"cookie": browser.cookie}) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        return answer


@pytest.mark.parametrize("role", ROLES)
def test_nothing_outside_the_matrix_answers(people: People, role: str) -> None:
    browser, wrong = people(role), []
    for route in routes():
        if route.path == "/sign-out":
            continue
        if let_in(ask(browser, route), route) != may(role, route) and route.area != "deployment":
            wrong.append(f"{route.method} {route.path}: {role} {'may' if may(role, route) else 'may not'}")
    assert not wrong, "\n".join(wrong)


def test_the_deployment_is_for_those_who_look_after_it(people: People) -> None:
    mine, theirs = people("owner", name="keeper", deployment=True), people("owner")
    for route in routes():
        if route.area == "deployment":
            assert let_in(ask(mine, route), route)
            assert not let_in(ask(theirs, route), route)


def test_a_stranger_reaches_nothing(server: Any) -> None:
    for route in routes():
        answer = server.client.request(route.method, filled(route.path))
        assert answer.status_code in {303, 401}, route.path
        assert not answer.text or answer.json()["code"] == "console_not_signed_in"


def test_the_policy_names_every_role_and_nothing_else() -> None:
    assert set(MATRIX) == set(ROLES)
    for actions in MATRIX.values():
        assert set(actions) <= set(ACTIONS)
        assert {area for areas in actions.values() for area in areas} <= {*AREAS, "*"}


def test_every_area_has_a_page_and_every_path_its_place() -> None:
    table = Table(routes())
    assert set(table.prefixes()) <= set(PATHS)
    assert all(route.action != "view" or route.method == "GET" for route in table.routes)
