"""Another tenant's id answers exactly as an id that never was: every route that takes one, from the route table."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tests.console.one_of_each import one_of_each
from tests.stories.test_model_door import opened

from ostiary.server import own_rooms
from ostiary.server.console.pages import all_routes
from ostiary.server.console.routes import Route
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
MADE_NEW = re.compile(r'nonce="[^"]*"|value="[0-9a-f]{64}"|dec_[0-9A-Z]{26}|\d{4}-\d\d-\d\dT[\d:]+Z|/enrol/[\w-]+')
SHARED = {
    "control": "controls are the product's, the same for everybody",
    "days": "a number",
    "file": "the shipped bundle is the same for everybody, and a tenant's own lies under its name",
    "form": "csv or html",
    "about": "policy or model",
    "model": "Ostiary's own models are the same for everybody",
    "receiver": "receivers are settings of the whole deployment",
    "what": "model or bundle",
}
OTHERWISE = {
    "/people/{subject}/link": 200,  # invites a name, known or new
    "/people/{subject}/recovery": 409,  # of a name without passkeys, known or new
}
FORM = {
    "reason": "unknown_device",
    "why": "a reason",
    "verdict": "benign",
    "text": "a word",
    "assignee": "user:bea",
    "minutes": "15",
    "privileges": "admin",
    "version": "1",
    "proposal": "apr_none",
    "status": "paused",
    "stage": "canary",
    "person": "user:twin",
    "other": "user:twin",
}


@pytest.fixture(scope="module")
def start_server(start_server: Callable[..., Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        yield start_server


@pytest.fixture(scope="module")
def real(server: Any, people: People, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return ids of the tenant `default`, by what routes call them."""
    return one_of_each(server, people, tmp_path_factory.mktemp("models"))


def names(route: Route) -> list[str]:
    """Return what its path takes: two areas call different things alike."""
    found = re.findall(r"\{(\w+)\}", route.path)
    return [f"{route.area}.{name}" if name in {"run", "name"} else name for name in found]


def routes() -> list[Route]:
    taking = [one for one in all_routes() if names(one) and one.area != "deployment"]
    return [one for one in taking if not set(names(one)) & {*SHARED, "self.name"}]


def other(value: str) -> str:
    """Return an id of the same shape that nobody has."""
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def answered(browser: FakeBrowser, route: Route, ids: dict[str, str]) -> tuple[int, str]:
    """Return status and text of an answer, without what is new in each and without the id itself."""
    told = dict(zip(re.findall(r"\{(\w+)\}", route.path), names(route), strict=True))
    path = re.sub(r"\{(\w+)\}", lambda found: quote(ids[told[found.group(1)]], safe=""), route.path)
    form = {**FORM, "typed": ids[names(route)[-1]]}
    answer = browser.deed(path, form) if route.method == "POST" else browser.get(path)
    text = MADE_NEW.sub("", answer.text)
    for value in ids.values():
        for written in (value, quote(value, safe=""), quote(value)):
            text = text.replace(written, "ID")
    return answer.status_code, text


def test_every_id_of_a_route_is_tried_or_shared(real: dict[str, str]) -> None:
    taken = {name for one in all_routes() if one.area != "deployment" for name in names(one)}
    assert taken - {*SHARED, "self.name"} <= set(real)
    assert len(routes()) >= 50


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_it_answers_like_one_that_never_was(people: People, real: dict[str, str], route: Route) -> None:
    stranger = people("owner", "acme")
    theirs = answered(stranger, route, real)
    nobodys = answered(stranger, route, {name: other(value) for name, value in real.items()})
    assert theirs == nobodys
    assert theirs[0] == OTHERWISE.get(route.path, 404), theirs[1][:300]
