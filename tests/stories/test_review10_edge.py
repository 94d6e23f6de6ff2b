"""Attacks at the edge that a second reader found: names in disguise, other alphabets, ids that two paths share."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from tests.stories.edge_scene import ATTACK, SITE, EdgeScene

from ostiary.server.edge.bodies import Bodies
from ostiary.server.edge.rpc import SERVICE
from ostiary.server.edge.stubs import ext_authz_pb2 as pb
from ostiary.server.settings.edge import EdgeRouteSection

FORWARD = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/docs/1", "X-Forwarded-Host": SITE}


@pytest.fixture(scope="module")
def edge(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> EdgeScene:
    return EdgeScene(start_server, tmp_path_factory.mktemp("edge"), grpc=True)


def look(edge: EdgeScene, body: bytes, content_type: str) -> httpx.Response:
    head = {"Content-Type": content_type, **edge.bearer()}
    return edge.ask("/look/1", head, method="POST", content=body)


def forward(edge: EdgeScene, headers: dict[str, str]) -> httpx.Response:
    shown = {"X-Ostiary-Edge-Authorization": f"Bearer {edge.key}"}
    answer: httpx.Response = edge.server.client.get(
        "/edge/forward", headers={**shown, **edge.bearer(), **FORWARD, **headers}
    )
    return answer


def check(edge: EdgeScene, more: dict[str, str]) -> Any:
    http = pb.AttributeContext.HttpRequest(
        method="GET", host=SITE, path="/docs/1", headers={"authorization": edge.bearer()["Authorization"], **more}
    )
    with grpc.insecure_channel(f"127.0.0.1:{edge.grpc_port}") as channel:
        ask = channel.unary_unary(
            f"/{SERVICE}/Check",
            request_serializer=pb.CheckRequest.SerializeToString,
            response_deserializer=pb.CheckResponse.FromString,
        )
        request = pb.CheckRequest(attributes=pb.AttributeContext(request=pb.AttributeContext.Request(http=http)))
        return ask(request, metadata=[("authorization", f"Bearer {edge.key}")], timeout=10)


@pytest.mark.parametrize("charset", ["utf-7", "UTF-16", "shift_jis", "iso-8859-1", '"utf-7"'])
def test_a_body_that_its_upstream_would_read_in_another_alphabet_is_refused(edge: EdgeScene, charset: str) -> None:
    """Express and aiohttp decode by ``charset``: in UTF-7 an attack is plain ASCII that says nothing to inspectors."""
    hidden = json.dumps({"text": ATTACK}).encode("utf-7").replace(b"I", b"+AEk-")
    answer = look(edge, hidden, f"application/json; charset={charset}")
    assert answer.status_code == 403
    assert edge.records()[-1].refusal == "edge_body_not_seen"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", 'application/json;charset="UTF-8"; v=1'])
def test_a_body_in_utf_8_by_its_own_word_is_looked_into(edge: EdgeScene, kind: str) -> None:
    assert look(edge, b'{"text": "hello"}', kind).status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8; charset=utf-7", "application/json; charset*=utf-7''"]
)
def test_a_body_with_two_alphabets_is_refused(edge: EdgeScene, kind: str) -> None:
    assert look(edge, b'{"text": "hello"}', kind).status_code == 403


@pytest.mark.parametrize("name", ["X_Ostiary_Subject", "X-Ostiary_Subject", "x_ostiary-effect", "X_OSTIARY_ROLE"])
def test_a_name_of_ours_in_disguise_never_passes_a_proxy_that_keeps_underscores(edge: EdgeScene, name: str) -> None:
    """Caddy strips ``X-Ostiary-*`` alone, and to WSGI ``X_Ostiary_Subject`` is the same name."""
    answer = forward(edge, {name: "user:root"})
    assert answer.status_code == 403
    assert edge.records()[-1].refusal == "request_invalid"


def test_names_of_ours_are_taken_out_however_many_there_are(edge: EdgeScene) -> None:
    """Names beyond the first few would have stayed, and ``_`` sorts after ``-``."""
    many = {f"x-ostiary-a{number}": "1" for number in range(200)}
    answer = check(edge, {**many, "x-ostiary-role": "admin"})
    removed = set(answer.ok_response.headers_to_remove)
    assert answer.status.code != 0 or {*many, "x-ostiary-role"} <= removed


@pytest.mark.parametrize("resource_id", ["{org}-{doc}", "{org}{doc}", "a{org}.{doc}"])
def test_two_paths_never_share_the_id_of_a_resource(resource_id: str) -> None:
    """``/a/b-c`` and ``/a-b/c`` would both be ``a-b-c``: who may read one would read the other."""
    told: dict[str, Any] = {
        "name": "r",
        "methods": ["GET"],
        "path": "/{org}/{doc}",
        "action": "read",
        "resource_type": "doc",
    }
    with pytest.raises(ValueError, match="slash"):
        EdgeRouteSection(**told, resource_id=resource_id)
    assert EdgeRouteSection(**told, resource_id="org/{org}/{doc}").route().resource_id == "org/{org}/{doc}"


def test_a_bug_while_a_body_is_looked_into_is_a_refusal_on_record(
    edge: EdgeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> dict[str, Any]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Bodies, "looked", broken)
    before = len(edge.records())
    answer = look(edge, b'{"text": "hello"}', "application/json")
    assert (answer.status_code, len(edge.records())) == (403, before + 1)
    assert edge.records()[-1].refusal == "internal_error"
