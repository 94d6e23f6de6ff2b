"""Review of issue 6, the doors: what a stranger could learn of tenants, and for which request a proof is good."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.chores import Chore
from ostiary.server.doors import Asked, Keeper, TurnedAway
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.testing.pipeline import PipelineCaller

GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if input.action.name == "dataset.read"
decision := {"allow": allow}
"""
PUBLIC = "http://pdp.example"
SALES = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))


class Door:
    prefixes = ("/pipeline/",)

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def chores(self) -> list[Chore]:
        return []

    async def answer(self, request: Request) -> Reply:
        _, _, tenant, _, dataset, path = request.path.split("/", 5)
        try:
            caller = await self._keeper.caller(request, tenant)
            await asyncio.sleep(float(request.query.get("wait", 0)))
            await self._keeper.ask(caller, Asked("dataset.read", "dataset", dataset, path=path))
        except TurnedAway as no:
            return no.reply
        return json_reply(200, {"path": path})


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    server = start_server(guardrails=GUARDRAILS, server={"public_url": PUBLIC})
    desk = server.assembly._desk(server.house.settings.server, server.assembly.telemetry.metrics)
    app = server.assembly.app
    app.lead([("/pipeline", Door(desk.keeper("datasets"))), *app.faces])
    server.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    return server


def stage(server: Any) -> PipelineCaller:
    return PipelineCaller(server.house.ring, server.house.clock, PUBLIC)


def said(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    return response.status_code, response.content, headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer ost_1.secret"},
        {"Authorization": "DPoP a.b.c"},
        {"Authorization": "DPoP a.b.c", "DPoP": "x"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer a.b.c.d"},
    ],
)
def test_a_stranger_does_not_learn_which_tenants_there_are(server: Any, headers: dict[str, str]) -> None:
    known, unknown = (
        server.client.get(f"/pipeline/{tenant}/datasets/sales/a", headers=headers) for tenant in ("default", "nobody")
    )
    assert said(known) == said(unknown)


def test_a_name_that_no_tenant_can_have_is_unknown_too(server: Any) -> None:
    unknown, impossible = (
        server.client.get(f"/pipeline/{tenant}/datasets/sales/a") for tenant in ("nobody", "NO_BODY")
    )
    assert said(unknown) == said(impossible)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("a%3Fb", (401, "dpop_http_uri_wrong")),
        ("a%23b", (401, "dpop_http_uri_wrong")),
    ],
)
def test_a_proof_for_one_object_is_not_good_for_another(server: Any, other: str, why: tuple[int, str]) -> None:
    caller = stage(server)
    base = "/pipeline/default/datasets/sales/"
    stolen = caller.headers("GET", PUBLIC + base + "a", caller.token(SALES))
    response = server.client.get(base + other, headers=stolen)
    assert (response.status_code, response.json().get("code")) == why


@pytest.mark.parametrize("path", ["a%20b", "a%3Fb", "%C3%BC", "a%25b"])
def test_an_object_whose_name_must_be_escaped_can_be_asked_for(server: Any, path: str) -> None:
    caller = stage(server)
    url = "/pipeline/default/datasets/sales/" + path
    response = server.client.get(url, headers=caller.headers("GET", PUBLIC + url, caller.token(SALES)))
    assert response.status_code == 200, json.dumps(response.json())


def test_a_token_that_ends_while_its_request_goes_on_opens_nothing_more(server: Any) -> None:
    caller, url = stage(server), "/pipeline/default/datasets/sales/a"
    before = len(server.records())
    headers = caller.headers("GET", PUBLIC + url, caller.token(SALES, lifetime_s=1))
    response = server.client.get(f"{url}?wait=1.2", headers=headers)
    assert (response.status_code, response.json().get("reasons")) == (403, ["token_expired"])
    assert (len(server.records()) - before, server.records()[-1].refusal) == (1, "token_expired")
