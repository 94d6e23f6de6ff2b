"""At a door of the pipeline: whoever comes proves itself for this one request, and only for what its token names."""

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
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.pipeline import JOB, PipelineCaller

GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.action.name == "dataset.read"
    input.resource.known == true
    input.subject.identity.exchanged == true
}
obligations contains {"id": "odd", "type": "stand_on_one_leg", "properties": {}} if input.context.odd == true
step_up contains {"rule": "prove", "acr_values": ["urn:a"]} if input.context.step_up == true
decision := {"allow": allow, "step_up": step_up, "obligations": obligations}
"""
PUBLIC = "http://pdp.example"
SALES = AccessDetail("ostiary_dataset", "sales", ("dataset.read",), purpose="training", prefix="2026")


class Door:
    """A door that opens for `/pipeline/TENANT/datasets/DATASET/PATH` and says who came."""

    prefixes = ("/pipeline/",)

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def chores(self) -> list[Chore]:
        return []

    async def answer(self, request: Request) -> Reply:
        _, _, tenant, _, dataset, path = request.path.split("/", 5)
        try:
            caller = await self._keeper.caller(request, tenant)
            context = dict.fromkeys(request.query, True)
            passed = await self._keeper.ask(
                caller, Asked("dataset.read", "dataset", dataset, path=path, context=context)
            )
        except TurnedAway as no:
            return no.reply
        return json_reply(200, {"decision": passed.decision_id, "who": caller.identity.subject_id})


class Scene:
    def __init__(self, server: Any) -> None:
        self.server = server
        self.url = PUBLIC
        self.caller = self.stage()

    def stage(self, **more: Any) -> PipelineCaller:
        return PipelineCaller(self.server.house.ring, self.server.house.clock, self.url, **more)

    def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        response: httpx.Response = self.server.client.get(path, headers=headers)
        return response

    def read(
        self, path: str = "/pipeline/default/datasets/sales/2026/a", detail: AccessDetail = SALES
    ) -> httpx.Response:
        return self.get(path, self.caller.headers("GET", self.url + path, self.caller.token(detail)))


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any]) -> Scene:
    server = start_server(guardrails=GUARDRAILS, server={"public_url": PUBLIC})
    desk = server.assembly._desk(server.house.settings.server, server.assembly.telemetry.metrics)
    app = server.assembly.app
    app.lead([("/pipeline", Door(desk.keeper("datasets"))), *app.faces])
    server.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    server.house.registry.put("default", Registered(type="dataset", id="payroll"), 1)
    return Scene(server)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_token_opens_what_it_names(scene: Scene) -> None:
    response = scene.read()
    assert (response.status_code, response.json()["who"]) == (200, JOB)
    assert scene.server.records()[-1].receipt.decision_id == response.json()["decision"]


def test_the_door_is_the_enforcement_point_and_purpose_reaches_policy(scene: Scene) -> None:
    scene.read()
    record = scene.server.records()[-1]
    told = json.loads(bytes(record.input))
    assert record.pep == "ostiary:datasets"
    assert told["action"]["properties"] == {"purpose": "training", "path": "2026/a"}
    assert told["subject"]["identity"]["exchanged"] is True


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/pipeline/default/datasets/payroll/2026/a", "token_other_resource"),
        ("/pipeline/default/datasets/sales/2025/a", "token_other_prefix"),
        ("/pipeline/default/datasets/sales/20267", "token_other_prefix"),
    ],
)
def test_a_token_is_for_one_thing_and_the_refusal_is_recorded(scene: Scene, path: str, why: str) -> None:
    response = scene.read(path)
    assert (code(response), response.json()["reasons"]) == ((403, "access_denied"), [why])
    assert scene.server.records()[-1].refusal == why


def test_a_token_for_another_action_opens_nothing(scene: Scene) -> None:
    detail = AccessDetail("ostiary_dataset", "sales", ("dataset.list",))
    assert scene.read(detail=detail).json()["reasons"] == ["token_other_action"]


def test_strangers_are_counted_and_leave_no_record(scene: Scene) -> None:
    path, before = "/pipeline/default/datasets/sales/2026/a", len(scene.server.records())
    token = scene.caller.token(SALES)
    good = scene.caller.headers("GET", PUBLIC + path, token)
    thief = scene.stage(holder=FakeHolder())
    other = scene.stage(tenant="other")
    for headers, status, why in (
        ({}, 401, "token_missing"),
        ({"Authorization": f"Bearer {scene.server.pep_key}"}, 401, "api_key_not_enough"),
        ({"Authorization": f"DPoP {token}"}, 401, "dpop_proof_missing"),
        ({"Authorization": f"Bearer {token}"}, 401, "dpop_proof_missing"),
        ({**good, "Authorization": f"Bearer {token}"}, 401, "dpop_proof_missing"),
        (thief.headers("GET", PUBLIC + path, token), 401, "dpop_key_wrong"),
        (scene.caller.headers("POST", PUBLIC + path, token), 401, "dpop_http_method_wrong"),
        (scene.caller.headers("GET", PUBLIC + path + "b", token), 401, "dpop_http_uri_wrong"),
        (other.headers("GET", PUBLIC + path, other.token(SALES)), 401, "token_issuer_unknown"),
        (
            scene.caller.headers("GET", PUBLIC + path, scene.caller.token(SALES, lifetime_s=60, issued_ago_s=61)),
            401,
            "token_expired",
        ),
    ):
        assert code(scene.get(path, headers)) == (status, why)
    assert len(scene.server.records()) == before


def test_a_proof_is_good_once(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/2026/a"
    headers = scene.caller.headers("GET", PUBLIC + path, scene.caller.token(SALES))
    assert scene.get(path, headers).status_code == 200
    assert code(scene.get(path, headers)) == (401, "dpop_replayed")


@pytest.mark.parametrize("tenant", ["other", "UPPER", "system", "a" * 64])
def test_another_tenants_door_is_as_unknown_as_one_that_never_was(scene: Scene, tenant: str) -> None:
    path = f"/pipeline/{tenant}/datasets/sales/2026/a"
    response = scene.read(path)
    assert (code(response), response.json()["message"]) == (
        (401, "token_issuer_unknown"),
        "the token's issuer is not known here",
    )


def test_what_the_door_cannot_carry_out_is_no_permission(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/2026/a"
    headers = scene.caller.headers("GET", PUBLIC + path, scene.caller.token(SALES))
    assert code(scene.get(path + "?odd", headers)) == (403, "obligation_not_understood")


def test_a_step_up_is_a_challenge(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/2026/a"
    headers = scene.caller.headers("GET", PUBLIC + path, scene.caller.token(SALES))
    response = scene.get(path + "?step_up", headers)
    assert code(response) == (401, "step_up_needed")
    assert "insufficient_user_authentication" in response.headers["www-authenticate"]


def test_a_revoked_token_opens_nothing_any_more(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/2026/a"
    token = scene.caller.token(SALES)
    assert scene.get(path, scene.caller.headers("GET", PUBLIC + path, token)).status_code == 200
    session = next(one for one in reversed(scene.server.house.ledger.of_tenant("default")))
    for one in [session, *scene.server.house.ledger.of_tenant("default")]:
        scene.server.house.ledger.terminate("default", one.session_id, at_ns=2, reason="token_revoked")
    response = scene.get(path, scene.caller.headers("GET", PUBLIC + path, token))
    assert response.json()["reasons"] == ["session_terminated"]


def test_a_token_falls_with_the_session_in_which_it_was_made(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/2026/a"
    origin = {"iss": "https://idp.example", "sid": "of-a-person", "claims": {}}
    token = scene.caller.token(SALES, origin=origin)
    assert scene.get(path, scene.caller.headers("GET", PUBLIC + path, token)).status_code == 200
    scene.server.house.ledger.terminate("default", "of-a-person", at_ns=2, reason="signed_out")
    response = scene.get(path, scene.caller.headers("GET", PUBLIC + path, token))
    assert response.json()["reasons"] == ["session_terminated"]
