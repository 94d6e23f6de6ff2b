"""A proxy asks whether a request may pass: what each answer looks like, and who gets none."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stories.edge_scene import ATTACK, PROXY, SITE, EdgeScene, raw

from ostiary.server.edge.answers import TOLD
from ostiary.server.edge.asked import EdgeAsked
from ostiary.server.edge.remarks import edge_remarks
from ostiary.testing.issuer import FakeHolder, FakeIssuer

NGINX = {"X-Original-Method": "GET", "X-Original-URI": "/docs/1", "X-Original-Host": SITE}
FORWARD = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/docs/1", "X-Forwarded-Host": SITE}


@pytest.fixture(scope="module")
def edge(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> EdgeScene:
    return EdgeScene(start_server, tmp_path_factory.mktemp("edge"))


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    return told


def plain(edge: EdgeScene, path: str, headers: dict[str, str]) -> httpx.Response:
    shown = {"X-Ostiary-Edge-Authorization": f"Bearer {edge.key}"}
    response: httpx.Response = edge.server.client.get(path, headers={**shown, **edge.bearer(), **headers})
    return response


def test_an_allowed_request_carries_who_and_what(edge: EdgeScene) -> None:
    answer = edge.ask("/docs/1?q=secret", edge.bearer(sub="alice"))
    assert answer.status_code == 200
    told = {name: answer.headers[name] for name in TOLD}
    record = edge.records()[-1]
    assert told == {
        "x-ostiary-subject": "user:alice",
        "x-ostiary-tenant": "default",
        "x-ostiary-decision": record.receipt.decision_id,
        "x-ostiary-effect": "ALLOW",
        "x-ostiary-obligations": "[]",
    }
    asked = json.loads(bytes(record.input))
    assert record.pep == PROXY
    assert asked["action"]["properties"]["edge"] == {
        "route": "read", "host": SITE, "method": "GET", "path": "/docs/1",
    }  # fmt: skip
    assert "secret" not in json.dumps(asked)


def test_a_step_up_is_an_rfc_9470_challenge(edge: EdgeScene) -> None:
    answer = edge.ask("/prove/1")
    told = problem(answer, 401)
    assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]
    assert 'acr_values="urn:a urn:b"' in answer.headers["www-authenticate"]
    assert (told["code"], told["decision_id"]) == ("step_up_needed", answer.headers["x-ostiary-decision"])


def test_a_denial_tells_its_id_and_reasons_and_no_more(edge: EdgeScene) -> None:
    answer = edge.ask("/docs/2")
    told = problem(answer, 403)
    assert told["reasons"] == ["no_allow_rule"]
    assert told["decision_id"] == edge.records()[-1].receipt.decision_id
    assert set(told) <= {"type", "title", "status", "code", "detail", "decision_id", "reasons", "denied_uri"}
    assert "x-ostiary-subject" not in answer.headers


def test_an_ended_session_is_a_401(edge: EdgeScene) -> None:
    answer = edge.ask("/end/1", edge.bearer(sid="s-1"))
    assert problem(answer, 401)["code"] == "session_over"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    again = edge.ask("/docs/1", edge.bearer(sid="s-1"))
    assert problem(again, 401)["reasons"] == ["session_terminated"]


def test_less_is_told_to_the_upstream_that_can_do_it_and_refused_to_others(edge: EdgeScene) -> None:
    answer = edge.ask("/less/1")
    assert (answer.status_code, answer.headers["x-ostiary-effect"]) == (200, "REDUCE")
    assert json.loads(answer.headers["x-ostiary-obligations"])[0]["properties"] == {"privileges": ["rows<=100"]}
    assert problem(edge.ask("/unable/1"), 403)["code"] == "obligation_not_understood"


def test_nginx_and_forward_auth_are_answered_alike(edge: EdgeScene) -> None:
    for path, headers in (("/edge/auth", NGINX), ("/edge/forward", FORWARD)):
        answer = plain(edge, path, headers)
        assert (answer.status_code, answer.headers["x-ostiary-effect"]) == (200, "ALLOW")
    assert plain(edge, "/edge/auth", {**NGINX, "X-Original-URI": "/docs/2"}).status_code == 403
    assert plain(edge, "/edge/auth", {"X-Original-Method": "GET"}).status_code == 403
    assert plain(edge, "/edge/forward", {}).status_code == 400


# Who comes.


@pytest.mark.parametrize("key", ["", "edge-1.wrong", "nobody.x", "edge-1"])
def test_without_the_proxys_key_nobody_is_answered(edge: EdgeScene, key: str) -> None:
    before = len(edge.records())
    answer = edge.ask("/docs/1", key=key)
    assert problem(answer, 403)["code"] == "pep_unauthenticated"
    assert "www-authenticate" not in answer.headers
    assert len(edge.records()) == before


def test_an_enforcement_point_that_is_no_proxy_by_the_settings_is_a_stranger(edge: EdgeScene) -> None:
    assert problem(edge.ask("/docs/1", key=edge.server.pep_key), 403)["code"] == "pep_unauthenticated"


def test_the_clients_own_authorization_does_not_make_it_a_proxy(edge: EdgeScene) -> None:
    answer = edge.ask("/docs/1", {"Authorization": f"Bearer {edge.key}"}, key="")
    assert problem(answer, 403)["code"] == "pep_unauthenticated"


def test_two_proofs_of_a_proxy_are_none(edge: EdgeScene) -> None:
    name = "X-Ostiary-Edge-Authorization"
    pairs = [(name, f"Bearer {edge.key}"), (name, "Bearer x.y"), *edge.bearer().items()]
    answer = edge.server.client.get("/edge/envoy/docs/1", headers=pairs)
    assert problem(answer, 400)["code"] == "request_invalid"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": "Basic YTpi"}, "token_missing"),
        ({"Authorization": "Bearer web.0123456789"}, "api_key_not_enough"),
        ({"Authorization": "Bearer a.b.c, Bearer d.e.f"}, "token_missing"),
        ({"Authorization": "Bearer a.b.c"}, "token_base64_invalid"),
        ({"Authorization": "DPoP a.b.c"}, "dpop_proof_missing"),
        ({"Authorization": "Bearer a.b.c", "DPoP": "x.y.z"}, "dpop_proof_missing"),
    ],
)
def test_clients_that_prove_nothing_are_counted_and_leave_no_record(
    edge: EdgeScene, headers: dict[str, str], code: str
) -> None:
    before = len(edge.records())
    answer = edge.ask("/docs/1", headers)
    told = problem(answer, 401)
    assert told["code"] == code
    assert "decision_id" not in told
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert len(edge.records()) == before


def test_a_forged_token_is_nobodys(edge: EdgeScene) -> None:
    forged = FakeIssuer().token(edge.now_ns, sub="alice")
    assert edge.ask("/docs/1", {"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_bound_token_is_good_with_its_proof_once(edge: EdgeScene) -> None:
    headers = edge.proven("GET", "/docs/1")
    assert edge.ask("/docs/1?page=2", headers).status_code == 200
    assert problem(edge.ask("/docs/1?page=2", headers), 401)["code"] == "dpop_replayed"


def test_anothers_bound_token_is_good_for_nothing(edge: EdgeScene) -> None:
    stolen = edge.token(cnf=edge.holder.confirmation)
    assert edge.ask("/docs/1", {"Authorization": f"Bearer {stolen}"}).status_code == 401
    thief = edge.proven("GET", "/docs/1", holder=FakeHolder())
    assert problem(edge.ask("/docs/1", thief), 401)["code"] == "dpop_key_wrong"
    for_another = edge.proven("GET", "/docs/2")
    assert problem(edge.ask("/docs/1", for_another), 401)["code"] == "dpop_http_uri_wrong"
    elsewhere = edge.proven("GET", "/docs/1") | {"Host": "evil.example"}
    assert edge.ask("/docs/1", elsewhere).status_code == 401


def test_what_a_client_sends_under_our_names_is_not_read(edge: EdgeScene) -> None:
    lies = {"X-Ostiary-Subject": "user:root", "X-Ostiary-Tenant": "other", "X-Ostiary-Effect": "ALLOW"}
    answer = edge.ask("/docs/2", {**edge.bearer(), **lies})
    assert answer.status_code == 403
    answer = edge.ask("/docs/1", {**edge.bearer(), **lies})
    assert answer.headers["x-ostiary-subject"] == "user:alice"
    record = edge.records()[-1]
    assert (record.tenant, record.subject_key) == ("default", "user:alice")


# What it asks for.


@pytest.mark.parametrize(
    ("path", "method"),
    [("/nowhere", "GET"), ("/docs/1", "DELETE"), ("/docs/1", "HEAD"), ("/other/1", "GET"), ("/docs", "GET")],
)
def test_what_no_route_names_is_refused_on_record(edge: EdgeScene, path: str, method: str) -> None:
    answer = edge.ask(path, method=method)
    assert answer.status_code == 403
    assert edge.records()[-1].refusal == "edge_no_route"
    assert answer.headers["x-ostiary-decision"] == edge.records()[-1].receipt.decision_id


TARGETS = r"/(docs|less|Docs|\.\.|%2e)(/|//|/\./|%2f|;|/%2e%2e/)[0-9a-c%.;#]{0,4}(\?[!-~]{0,8})?"
TRICKS = [
    "//docs/1", "/docs//1", "/docs/1/", "/docs/./1", "/docs/2/../1", "/docs/%2e%2e/docs/1", "/docs/2%2f..%2f1",
    "/docs/1;x=2", "/docs/1%3bx", "/docs/1%00", "/docs/%31", "/Docs/1", "/docs/1%5c..", "/docs/1.", "/docs/1%20",
    "/docs/%252e", "/docs/%zz", "/docs/1%c0%af", "/docs/\uff11".encode().decode("latin-1"), "/docs/%ef%bc%91",
    "/docs/1%3fx", "/docs/1%23x", "/docs\\1",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_paths_that_two_programs_could_read_differently_are_refused(edge: EdgeScene, path: str) -> None:
    before = len(edge.records())
    who = "\n".join(f"{name}: {value}" for name, value in edge.bearer().items())
    head = f"GET /edge/envoy{path} HTTP/1.1\nHost: {SITE}\nX-Ostiary-Edge-Authorization: Bearer {edge.key}\n{who}"
    status, _ = raw(edge.port, f"{head}\nConnection: close")
    assert status in {400, 403}
    for record in edge.records()[before:]:
        assert record.refusal == "path_ambiguous"


@settings(max_examples=80, deadline=None)
@given(st.from_regex(TARGETS, fullmatch=True))
def test_any_target_is_refused_or_decided_on_as_it_stands(edge: EdgeScene, target: str) -> None:
    who = "\n".join(f"{name}: {value}" for name, value in edge.bearer().items())
    head = f"GET /edge/envoy{target} HTTP/1.1\nHost: {SITE}\nX-Ostiary-Edge-Authorization: Bearer {edge.key}\n{who}"
    status, _ = raw(edge.port, f"{head}\nConnection: close")
    assert status in {200, 400, 403, 404}
    if status == 200:
        path = target.partition("?")[0]
        told = json.loads(bytes(edge.records()[-1].input))
        assert told["action"]["properties"]["edge"]["path"] == path
        assert path in {"/docs/1", "/less/1"}


@pytest.mark.parametrize("host", ["api.example.", "api.example:0", "a b", "[::1", "api..example", "x@api.example", ""])
def test_hosts_that_are_none_are_refused(edge: EdgeScene, host: str) -> None:
    answer = edge.ask("/docs/1", {**edge.bearer(), "Host": host})
    assert answer.status_code in {400, 403}


def test_capitals_and_usual_ports_of_a_host_mean_nothing(edge: EdgeScene) -> None:
    assert edge.ask("/docs/1", {**edge.bearer(), "Host": "API.example:443"}).status_code == 200
    assert edge.ask("/other/1", {**edge.bearer(), "Host": "Other.Example"}).status_code == 200


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_headers_that_some_frameworks_believe_over_the_request_are_refused(edge: EdgeScene, name: str) -> None:
    answer = edge.ask("/docs/1", {**edge.bearer(), name: "DELETE"})
    assert problem(answer, 403)["reasons"] == ["request_overridden"]


# Bodies.


def look(edge: EdgeScene, body: Any, path: str = "/look/1", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    head = {"Content-Type": "application/json", **edge.bearer(), **given}
    return edge.ask(path, head, method="POST", content=content)


def test_a_harmless_body_passes_and_policy_hears_of_it(edge: EdgeScene) -> None:
    assert look(edge, {"title": "Minutes", "text": "We met on Monday and agreed on the budget."}).status_code == 200
    properties = json.loads(bytes(edge.records()[-1].input))["action"]["properties"]
    assert properties["inspection"] == {"available": True, "verdict": "pass", "rules": []}
    assert "budget" not in json.dumps(properties)


HALVES = [ATTACK[:19], ATTACK[19:46], ATTACK[46:]]


PLACES: list[Any] = [{"text": ATTACK}, {"a": [{"b": {"c": ATTACK}}]}, [ATTACK], {ATTACK: 1}, HALVES, {"a": HALVES}]


@pytest.mark.parametrize("body", PLACES)
def test_an_injection_anywhere_in_a_document_is_refused(edge: EdgeScene, body: Any) -> None:
    told = problem(look(edge, body), 403)
    assert told["reasons"] == ["edge_body_blocked"]
    assert edge.records()[-1].refusal == "edge_body_blocked"


def test_an_injection_in_a_chat_is_refused_and_a_plain_chat_passes(edge: EdgeScene) -> None:
    chat = {"model": "m", "messages": [{"role": "user", "content": "What is a budget?"}]}
    assert look(edge, chat, "/v1/chat/completions").status_code == 200
    chat["messages"] = [{"role": "user", "content": ATTACK}]
    assert problem(look(edge, chat, "/v1/chat/completions"), 403)["reasons"] == ["edge_body_blocked"]
    assert look(edge, {"messages": "no chat"}, "/v1/chat/completions").status_code == 403


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, "edge_body_not_seen"),
        (b"{}", {"X_Envoy_Auth_Partial_Body": "true"}, "edge_body_not_seen"),
        (b"{}", {"Content_Encoding": "gzip"}, "edge_body_not_seen"),
        (b"a=b", {"Content_Type": "application/x-www-form-urlencoded"}, "edge_body_no_json"),
        (b"{", {}, "body_malformed"),
        (b'{"a":1,"a":2}', {}, "body_duplicate_key"),
        (b"[" * 40 + b"]" * 40, {}, "body_too_deep"),
        ('{"a":"\u00e9"}'.encode("utf-16"), {}, "body_malformed"),
    ],
)
def test_what_cannot_be_looked_into_whole_is_refused(
    edge: EdgeScene, body: bytes, headers: dict[str, str], code: str
) -> None:
    assert problem(look(edge, body, **headers), 403)["reasons"] == [code]


def test_too_long_a_body_is_refused_unread(edge: EdgeScene) -> None:
    assert problem(look(edge, {"a": "x" * 300_000}), 413)["code"] == "body_too_large"


def test_an_inspected_route_is_shut_to_proxies_that_send_no_bodies(edge: EdgeScene) -> None:
    answer = plain(edge, "/edge/auth", {**NGINX, "X-Original-Method": "POST", "X-Original-URI": "/look/1"})
    assert problem(answer, 403)["reasons"] == ["edge_body_not_seen"]


def test_the_doctor_finds_proxies_that_nobody_is(edge: EdgeScene) -> None:
    house = edge.server.house
    assert list(edge_remarks(house)) == []
    with_more = house.settings.edge.model_copy(update={"proxies": (PROXY, "edge-9")})
    routes = tuple(one.model_copy(update={"tenant": "acme"}) for one in with_more.routes)
    odd = house.settings.model_copy(update={"edge": with_more.model_copy(update={"routes": routes})})
    told = list(edge_remarks(SimpleNamespace(settings=odd, store=house.store, clock=house.clock)))  # type: ignore[arg-type]
    assert next((bad, mend) for bad, _, mend in told) == (True, "ostiary pep add edge-9")
    assert len(told) == 3


def test_no_token_stands_in_a_repr(edge: EdgeScene) -> None:
    asked = EdgeAsked(method="GET", host="h", target="/a?token=secret", authorization="Bearer a.b.c", dpop="d.e.f")
    assert repr(asked) == "EdgeAsked('GET', 'h', '/a')"
