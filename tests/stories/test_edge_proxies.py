"""Real Envoy and nginx, with the shipped configurations: what their clients and their applications get to see."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stories.edge_proxies import KINDS, Through, body_of, header, names, over_http_2, proxy_of, stalled
from tests.stories.edge_scene import ATTACK, SITE, EdgeScene, raw

from ostiary.server.edge.answers import TOLD
from ostiary.testing.echo import FakeApplication
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.proxies import free_port


@pytest.fixture(scope="module")
def edge(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> EdgeScene:
    folder = tmp_path_factory.mktemp("edge")
    return EdgeScene(start_server, folder, grpc=True, server={"trusted_proxies": ["127.0.0.0/8"]})


@pytest.fixture(scope="module")
def application() -> Iterator[FakeApplication]:
    fake = FakeApplication()
    yield fake
    fake.close()


@pytest.fixture(scope="module", params=KINDS)
def via(
    request: pytest.FixtureRequest,
    edge: EdgeScene,
    application: FakeApplication,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Through]:
    kind: str = request.param
    pdp = edge.grpc_port if kind == "envoy-grpc" else edge.port
    with proxy_of(kind, tmp_path_factory.mktemp(kind), edge.key, pdp, application.port) as proxy:
        yield Through(proxy, application, kind)


def asked_path(edge: EdgeScene) -> str:
    record = edge.records()[-1]
    if record.refusal:
        return ""
    path: str = json.loads(bytes(record.input))["action"]["properties"]["edge"]["path"]
    return path


def test_an_allowed_request_reaches_the_application_with_who_it_is(via: Through, edge: EdgeScene) -> None:
    status, _, got = via.send("GET /docs/1?q=x", edge.bearer())
    assert status == 200
    assert got is not None
    assert got["line"] == "GET /docs/1?q=x HTTP/1.1"
    told = names(got)
    assert told["x-ostiary-subject"] == ["user:alice"]
    assert told["x-ostiary-tenant"] == ["default"]
    assert told["x-ostiary-effect"] == ["ALLOW"]
    assert told["x-ostiary-decision"] == [edge.records()[-1].receipt.decision_id]
    assert edge.records()[-1].receipt.peer_ip == "127.0.0.1" or via.kind != "envoy-grpc"
    assert "x-ostiary-edge-authorization" not in told


def test_a_step_up_reaches_the_client_as_a_challenge(via: Through, edge: EdgeScene) -> None:
    status, answer, got = via.send("GET /prove/1", edge.bearer())
    assert (status, got) == (401, None)
    assert 'error="insufficient_user_authentication"' in header(answer, "www-authenticate")
    assert body_of(answer)["decision_id"] == edge.records()[-1].receipt.decision_id


def test_a_denial_reaches_the_client_with_its_id(via: Through, edge: EdgeScene) -> None:
    status, answer, got = via.send("GET /docs/2", edge.bearer())
    assert (status, got) == (403, None)
    decision = edge.records()[-1].receipt.decision_id
    assert header(answer, "x-ostiary-decision") == body_of(answer)["decision_id"] == decision
    assert header(answer, "content-type") == "application/problem+json"
    if via.kind != "nginx":  # it passes on no body of a refusal
        assert body_of(answer)["reasons"] == ["no_allow_rule"]


def test_what_is_less_is_told_to_the_application(via: Through, edge: EdgeScene) -> None:
    status, _, got = via.send("GET /less/1", edge.bearer())
    assert status == 200
    assert got is not None
    told = names(got)
    assert told["x-ostiary-effect"] == ["REDUCE"]
    assert json.loads(told["x-ostiary-obligations"][0])[0]["properties"] == {"privileges": ["rows<=100"]}


def test_an_ended_session_is_told_to_the_client(via: Through, edge: EdgeScene) -> None:
    status, answer, got = via.send("GET /end/1", edge.bearer(sid=f"s-{via.kind}"))
    assert (status, got) == (401, None)
    assert "invalid_token" in header(answer, "www-authenticate")
    assert via.send("GET /docs/1", edge.bearer(sid=f"s-{via.kind}"))[0] == 401


def test_nobody_speaks_for_us(via: Through, edge: EdgeScene) -> None:
    lies = [
        ("X-Ostiary-Subject", "user:root"),
        ("x-ostiary-subject", "user:admin"),
        ("X-OSTIARY-Tenant", "other"),
        ("X-Ostiary-Effect", "ALLOW"),
        ("X-Ostiary-Obligations", "[]"),
        ("X-Ostiary-Decision", "dec_0"),
        ("X-Ostiary-Edge-Authorization", "Bearer web.x"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URI", "/docs/2"),
        ("X-Original-Host", "other.example"),
    ]
    status, answer, got = via.send("GET /less/1", [*edge.bearer().items(), *lies])
    assert status == 200, answer
    assert got is not None
    told = names(got)
    assert [told[name] for name in TOLD[:2]] == [["user:alice"], ["default"]]
    assert told["x-ostiary-effect"] == ["REDUCE"]
    assert all(len(told[name]) == 1 for name in TOLD)
    assert not {"x-ostiary-edge-authorization", "x-http-method-override"} & told.keys()
    assert via.send("GET /docs/2", [*edge.bearer().items(), *lies])[0] == 403


def test_names_with_underscores_do_not_come_through(via: Through, edge: EdgeScene) -> None:
    status, _, got = via.send("GET /docs/1", [*edge.bearer().items(), ("X_Ostiary_Subject", "user:root")])
    assert status == (200 if via.kind == "nginx" else 400)
    if got is not None:
        assert names(got)["x-ostiary-subject"] == ["user:alice"]


def test_no_token_an_api_key_and_two_tokens_are_refused(via: Through, edge: EdgeScene) -> None:
    for headers in (
        [],
        [("Authorization", f"Bearer {edge.key}")],
        [*edge.bearer().items(), *edge.bearer(sub="bob").items()],
    ):
        status, _, got = via.send("GET /docs/1", headers)
        assert status in {400, 401, 403}
        assert got is None


def test_anothers_token_and_a_used_proof_are_good_for_nothing(via: Through, edge: EdgeScene) -> None:
    mine = edge.proven("GET", "/docs/1")
    assert via.send("GET /docs/1", mine)[0] == 200
    assert via.send("GET /docs/1", mine)[::2] == (401, None)
    stolen = {"Authorization": f"Bearer {edge.token(cnf=edge.holder.confirmation)}"}
    assert via.send("GET /docs/1", stolen)[::2] == (401, None)
    assert via.send("GET /docs/1", edge.proven("GET", "/docs/1", holder=FakeHolder()))[::2] == (401, None)


TRICKS = [
    "/docs/1", "//docs/1", "/docs//1", "/docs/1/", "/docs/./1", "/docs/2/../1", "/docs/1/../2", "/docs/%2e%2e/docs/2",
    "/docs/1%2f..%2f2", "/docs/1/..;/2", "/docs/1;x=/../2", "/docs/1%00", "/docs/%31", "/docs/%32", "/Docs/1",
    "/docs/1%5c..%5c2",
    "/docs/1.", "/docs/1%20", "/docs/%252e%252e/2", "/docs/1?x=/../2", "/docs/1%3f/../2", "/docs/1#/../2",
    "/less/../docs/2",
    f"http://{SITE}/docs/1", f"http://{SITE}/docs/2", "http://other.example/docs/2", "/docs\\..\\2",
    "/./docs/1", "/docs/1%ff",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
def test_the_application_gets_what_was_decided_on(via: Through, edge: EdgeScene, target: str) -> None:
    """Whatever the path becomes on its way, it is the same for Ostiary and the application; `/docs/2` is for nobody."""
    status, answer, got = via.send(f"GET {target}", edge.bearer())
    if got is None:
        assert status >= 400, answer
        return
    path = got["line"].split(" ")[1].partition("?")[0]
    assert (status, path) == (200, asked_path(edge))
    assert "2" not in path


@pytest.mark.parametrize("host", ["API.EXAMPLE", "other.example", "api.example.", "api.example:8080", "evil.example"])
def test_the_application_gets_the_host_that_was_decided_on(via: Through, edge: EdgeScene, host: str) -> None:
    status, _, got = via.send("GET /docs/1", edge.bearer(), host=host)
    if got is None:
        assert status >= 400
        return
    asked = json.loads(bytes(edge.records()[-1].input))["action"]["properties"]["edge"]["host"]
    assert names(got)["host"][0].lower() == asked


def test_over_http_2_the_application_gets_what_was_decided_on(via: Through, edge: EdgeScene) -> None:
    """`:authority` and `host` differ; `:path` climbs; a second `:path` is no header."""
    if via.kind == "nginx":
        pytest.skip("nginx speaks HTTP/2 with TLS alone")
    pytest.importorskip("h2")
    token = edge.bearer()["Authorization"]
    plain = [(":method", "GET"), (":scheme", "http"), (":authority", SITE), ("authorization", token)]
    for more, wanted in (
        ([(":path", "/docs/1")], 200),
        ([(":path", "/docs/2")], 403),
        ([(":path", "/docs/1/../2")], 403),
        ([(":path", "/docs/1"), ("host", "other.example")], 200),
        ([(":path", "/docs/1"), (":path", "/docs/2")], None),
        ([(":path", "/docs/1"), ("x-ostiary-subject", "user:root")], 200),
    ):
        before = len(via.application.seen)
        status = over_http_2(via.proxy.port, [*plain[:3], *more, plain[3]])
        seen = via.application.seen[before:]
        assert status == wanted if wanted else status in {None, 400}
        assert bool(seen) is (wanted == 200)
        for got in seen:
            assert got["line"].split(" ")[1] == asked_path(edge)
            assert (names(got)["host"], names(got)["x-ostiary-subject"]) == ([SITE], ["user:alice"])


def test_bodies_are_looked_into_where_they_are_sent(via: Through, edge: EdgeScene) -> None:
    headers = {**edge.bearer(), "Content-Type": "application/json"}
    harmless = json.dumps({"text": "We met on Monday."}).encode()
    status, _, got = via.send("POST /look/1", headers, harmless)
    if via.kind == "nginx":  # it sends no bodies, so an inspected route is shut
        assert (status, got) == (403, None)
    else:
        assert status == 200
        assert got is not None
        assert got["body"] == harmless.decode()
    assert via.send("POST /look/1", headers, json.dumps({"text": ATTACK}).encode())[::2] == (403, None)
    chunked = {**headers, "Transfer-Encoding": "chunked"}
    attack = json.dumps({"text": ATTACK}).encode()
    body = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, attack[:10], len(attack) - 10, attack[10:])
    told = "\n".join(f"{name}: {value}" for name, value in chunked.items())
    before = len(via.application.seen)
    status, _ = raw(via.proxy.port, f"POST /look/1 HTTP/1.1\nHost: {SITE}\nConnection: close\n{told}", body)
    assert (status, len(via.application.seen)) == (403, before)


def test_a_body_too_long_to_be_looked_into_goes_nowhere(via: Through, edge: EdgeScene) -> None:
    headers = {**edge.bearer(), "Content-Type": "application/json"}
    long = json.dumps({"text": "x" * 70_000}).encode()
    status, _, got = via.send("POST /look/1", headers, long)
    assert status in {403, 413}
    assert got is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["down", "slow", "other"])
def test_a_decision_point_that_is_away_closes_the_door(
    kind: str, how: str, edge: EdgeScene, application: FakeApplication, tmp_path: Path
) -> None:
    """Nobody listens; somebody takes the question and never answers; the proxy's key is wrong."""
    with stalled() as silent:
        port = {"down": free_port(), "slow": silent, "other": edge.grpc_port if kind == "envoy-grpc" else edge.port}[
            how
        ]
        with proxy_of(kind, tmp_path, "edge-1.wrong" if how == "other" else edge.key, port, application.port) as proxy:
            status, _, got = Through(proxy, application, kind).send("GET /docs/1", edge.bearer())
    assert status == (500 if kind == "nginx" and how != "other" else 403)
    assert got is None


@pytest.mark.parametrize("kind", ["envoy-http", "envoy-grpc"])
def test_a_body_that_envoy_cut_is_not_half_inspected(
    kind: str, edge: EdgeScene, application: FakeApplication, tmp_path: Path
) -> None:
    """An operator lets Envoy send the beginnings of long bodies; the attack stands at the end."""
    port = edge.grpc_port if kind == "envoy-grpc" else edge.port
    proxy = proxy_of(kind, tmp_path, edge.key, port, application.port)
    place = tmp_path / "envoy.yaml"
    place.write_text(place.read_text().replace("allow_partial_message: false", "allow_partial_message: true"))
    body = json.dumps({"text": "x" * 70_000, "end": ATTACK}).encode()
    headers = {**edge.bearer(), "Content-Type": "application/json"}
    with proxy:
        through = Through(proxy, application, kind)
        status, _, got = through.send("POST /look/1", headers, body)
        assert (status, got) == (403, None)
        assert edge.records()[-1].refusal == "edge_body_not_seen"
        assert through.send("POST /docs/1", headers, body)[0] == 200  # this route looks into nothing
