"""Callers that speak OPA's REST API: the same decision, the same record, and nothing else of a policy engine."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import InProcess

from ostiary import __version__
from ostiary.server.body import BodyLimits
from ostiary.server.opa_api import OpaData
from ostiary.server.wire import Request, json_reply

DECISION, AUTHZ, ALLOW = "ostiary/decision", "ostiary/authz", "ostiary/authz/allow"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., InProcess]) -> InProcess:
    return start_server()


def asked(action: str = "read") -> dict[str, Any]:
    return {"subject": {"type": "user", "id": "alice"}, "action": {"name": action}, "resource": InProcess.doc()}


def ask(server: InProcess, path: str, action: str = "read", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {more.pop('key', server.pep_key)}"}
    body = more.pop("body", {"input": asked(action)})
    return server.client.post(f"/v1/data/{path}", json=body, headers=headers, **more)


@pytest.mark.parametrize(
    ("action", "effect", "decides", "plainly"),
    [
        ("read", "ALLOW", True, True),
        ("reduce", "REDUCE", True, False),
        ("step-up", "STEP_UP", False, False),
        ("write", "DENY", False, False),
        ("terminate", "TERMINATE", False, False),
    ],
)
def test_one_truth_is_true_only_where_nothing_more_is_asked(
    server: InProcess, action: str, effect: str, *, decides: bool, plainly: bool
) -> None:
    whole = ask(server, DECISION, action).json()
    assert (whole["result"]["allow"], whole["result"]["effect"]) == (decides, effect)
    assert ask(server, ALLOW, action).json()["result"] is plainly
    assert ask(server, AUTHZ, action).json()["result"] == {"allow": plainly}


def test_every_answer_has_its_record(server: InProcess) -> None:
    before = len(server.records())
    named = [ask(server, ALLOW).json()["decision_id"], ask(server, DECISION, "write").json()["decision_id"]]
    told = server.client.get(
        f"/v1/data/{ALLOW}",
        params={"input": json.dumps(asked())},
        headers={"Authorization": f"Bearer {server.pep_key}"},
    ).json()
    assert told["result"] is True
    records = server.records()[before:]
    assert [one.receipt.decision_id for one in records] == [*named, told["decision_id"]]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ({}, {}),
        ({"input": {}}, {}),
        ({"input": 7}, {}),
        ({"input": asked(), "query": "data.secrets"}, {}),
        ({"input": asked()}, {"params": {"explain": "full"}}),
        ({"input": asked()}, {"params": {"input": "{}"}}),
        ({"input": asked()}, {"params": {"metrics": "maybe"}}),
        ({"input": asked()}, {"params": {"pretty": "x" * 9000}}),
    ],
)
def test_what_is_not_supported_is_refused_by_name_and_recorded(
    server: InProcess, body: dict[str, Any], more: dict[str, Any]
) -> None:
    before = len(server.records())
    reply = ask(server, ALLOW, body=body, **more)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_parameter")
    assert "result" not in reply.json()
    assert len(server.records()) == before + 1


def test_parameters_of_opa_are_honoured(server: InProcess) -> None:
    given_ = {"metrics": "", "provenance": "true", "pretty": "true", "explain": "off", "instrument": "false"}
    reply = ask(server, ALLOW, params=given_)
    told = reply.json()
    assert told["metrics"]["timer_server_handler_ns"] > 0
    assert told["provenance"] == {"version": __version__}
    assert "\n" in reply.text


def test_a_stranger_is_told_nothing(server: InProcess) -> None:
    for key in ("x", "pep_x.y", server.admin_key):
        reply = ask(server, DECISION, key=key)
        assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")
        assert reply.json().keys() == {"code", "message"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/data"),
        ("POST", "/v1/data"),
        ("POST", "/v1/data/ostiary"),
        ("POST", "/v1/data/ostiary/guardrails/decision"),
        ("GET", "/v1/data/access/roles"),
        ("POST", "/v1/data/ostiary/authz/allow/x"),
        ("POST", "/v1/data/ostiary/authz/"),
        ("PUT", "/v1/data/ostiary/authz/allow"),
        ("PATCH", "/v1/data/ostiary/decision"),
        ("DELETE", "/v1/data/ostiary/decision"),
        ("GET", "/v1/policies"),
        ("POST", "/v1/query"),
        ("POST", "/v1/compile"),
        ("POST", "/v0/data/ostiary/authz/allow"),
    ],
)
def test_nothing_else_of_a_policy_engine_is_here(server: InProcess, method: str, path: str) -> None:
    reply = server.client.request(
        method, path, json={"input": asked()}, headers={"Authorization": f"Bearer {server.pep_key}"}
    )
    assert reply.status_code in {404, 405}
    assert "result" not in reply.text


def _request(body: bytes, query: bytes, method: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", str(len(body)).encode())]
    return Request(
        {"type": "http", "method": method, "path": f"/v1/data/{ALLOW}", "headers": headers, "query_string": query},
        receive,
    )


class Echo:
    """Reads the body as AuthZEN does, and denies."""

    async def answer(self, endpoint: Any, request: Request) -> Any:
        from ostiary.errors import FaultyInputError  # noqa: PLC0415 - of this fake alone

        assert endpoint == "evaluation"
        try:
            await request.body(10_000, 1)
        except FaultyInputError as fault:
            return json_reply(400, fault.message)
        return json_reply(200, {"decision": False, "context": {"id": "dec_1", "effect": "DENY"}})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=120) | st.just(b'{"input":{}}'), st.binary(max_size=60), st.sampled_from(["GET", "POST"]))
def test_no_bytes_make_it_say_yes_or_break(body: bytes, query: bytes, method: str) -> None:
    reply = asyncio.run(OpaData(Echo(), BodyLimits()).answer(_request(body, query, method)))
    assert reply.status in {200, 400}
    assert json.loads(reply.body).get("result", False) is False
