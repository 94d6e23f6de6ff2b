"""Review of issue 6, the exchange: who may act is named by its issuer too, and whoever is proven leaves a record."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.pipeline.registered import Registered
from ostiary.testing.exchange import JWT, ExchangeCaller
from ostiary.testing.exchange_scene import PEOPLE, PUBLIC, SPIFFE, sections


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = start_server(**sections(tmp_path_factory.mktemp("keys")))
    server.house.registry.put("default", Registered(type="dataset", id="sales"), 1)
    return server


def person(**claims: Any) -> str:
    return PEOPLE.token(time.time_ns(), **claims)  # noqa: TID251 - the server's own clock judges it


def exchange(server: Any, token: str, **form: Any) -> httpx.Response:
    response: httpx.Response = server.client.post(**ExchangeCaller(server.house.clock, PUBLIC).request(token, **form))
    return response


def test_who_may_act_is_of_the_same_issuer_unless_another_is_named(server: Any) -> None:
    svid = {"actor_token": SPIFFE.token(time.time_ns(), jti="r6-1"), "actor_token_type": JWT}  # noqa: TID251 - as above
    stranger = exchange(server, person(may_act={"sub": SPIFFE.subject}), **svid)
    assert (stranger.status_code, stranger.json()["code"]) == (400, "actor_not_allowed")
    own = {"actor_token": person(sub="agent"), "actor_token_type": JWT}
    assert exchange(server, person(sub="ann", may_act={"sub": "agent"}), **own).status_code == 200


def test_whoever_comes_with_a_revoked_actor_leaves_a_record(server: Any) -> None:
    server.house.ledger.terminate("default", "sid-r6", at_ns=2, reason="signed_out")
    before = len(server.records())
    response = exchange(server, person(sub="dave"), actor_token=person(sub="carol", sid="sid-r6"), actor_token_type=JWT)
    record = server.records()[-1]
    assert (response.status_code, response.json()["reasons"]) == (400, ["actor_revoked"])
    assert (len(server.records()) - before, record.refusal, record.request.subject.id) == (1, "actor_revoked", "dave")
    assert response.json()["decision_id"] == record.receipt.decision_id


def test_whom_no_platform_vouches_a_commit_for_can_name_none(server: Any) -> None:
    stage = ExchangeCaller(server.house.clock, PUBLIC)
    for token in (person(sub="eve"), SPIFFE.token(time.time_ns(), jti="r6-2")):  # noqa: TID251 - as above
        response = server.client.post(**stage.request(token, stage.detail(commit="c" * 40)))
        assert (response.status_code, response.json().get("reasons")) == (400, ["commit_not_the_jobs"])
    assert server.records()[-1].refusal == "commit_not_the_jobs"
