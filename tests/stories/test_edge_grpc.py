"""Over gRPC without an Envoy between: what a caller can say that Envoy would not, and who is heard at all."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stories.edge_scene import SITE, EdgeScene
from tests.thoroughness import tries

from ostiary.server.edge.answers import refused
from ostiary.server.edge.rpc import SERVICE
from ostiary.server.edge.rpc_messages import asked_in, told_as
from ostiary.server.edge.stubs import ext_authz_pb2 as pb

CHECK = f"/{SERVICE}/Check"


@pytest.fixture(scope="module")
def edge(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> EdgeScene:
    return EdgeScene(start_server, tmp_path_factory.mktemp("edge"), grpc=True)


def check(edge: EdgeScene, http: Any, metadata: list[tuple[str, str]] | None = None, raw: bytes | None = None) -> Any:
    shown = [("authorization", f"Bearer {edge.key}")] if metadata is None else metadata
    with grpc.insecure_channel(f"127.0.0.1:{edge.grpc_port}") as channel:
        ask = channel.unary_unary(
            CHECK, request_serializer=lambda told: told, response_deserializer=pb.CheckResponse.FromString
        )
        request = pb.CheckRequest(attributes=pb.AttributeContext(request=pb.AttributeContext.Request(http=http)))
        return ask(request.SerializeToString() if raw is None else raw, metadata=shown, timeout=10)


def asked(edge: EdgeScene, path: str = "/docs/1", **headers: str) -> Any:
    told = {"authorization": edge.bearer()["Authorization"], **{k.replace("_", "-"): v for k, v in headers.items()}}
    return pb.AttributeContext.HttpRequest(method="GET", host=SITE, path=path, headers=told)


def test_a_permission_writes_over_and_takes_out(edge: EdgeScene) -> None:
    answer = check(edge, asked(edge, x_ostiary_subject="user:root", x_ostiary_role="admin"))
    assert answer.status.code == 0
    told = {one.header.key: one.header.value for one in answer.ok_response.headers}
    assert told["x-ostiary-subject"] == "user:alice"
    overwrite = pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    assert {one.append_action for one in answer.ok_response.headers} == {overwrite}
    assert list(answer.ok_response.headers_to_remove) == ["x-ostiary-role"]


@pytest.mark.parametrize(
    "metadata",
    [[], [("authorization", "Bearer edge-1.wrong")], [("authorization", "Bearer a.b")] * 2],
)
def test_strangers_are_not_heard(edge: EdgeScene, metadata: list[tuple[str, str]]) -> None:
    before = len(edge.records())
    with pytest.raises(grpc.RpcError) as no:
        check(edge, asked(edge), metadata)
    assert no.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as no:
        check(edge, asked(edge), [("authorization", f"Bearer {edge.server.pep_key}")])
    assert no.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert len(edge.records()) == before


def test_the_clients_own_header_does_not_make_it_a_proxy(edge: EdgeScene) -> None:
    http = asked(edge, authorization=f"Bearer {edge.key}", x_ostiary_edge_authorization=f"Bearer {edge.key}")
    with pytest.raises(grpc.RpcError):
        check(edge, http, [])
    assert check(edge, http).denied_response.status.code == 401


@pytest.mark.parametrize("name", [":path", ":method", ":authority"])
def test_http_2s_own_headers_say_what_the_request_says(edge: EdgeScene, name: str) -> None:
    http = asked(edge)
    http.headers[name] = "/docs/2"
    assert check(edge, http).denied_response.status.code == 403
    assert edge.records()[-1].refusal == "request_invalid"


def test_a_header_that_came_twice_is_seen_in_the_list_of_headers(edge: EdgeScene) -> None:
    token = edge.bearer()["Authorization"]
    two = (pb.HeaderValue(key="authorization", raw_value=told) for told in (b"Bearer x", token.encode()))
    told = pb.HeaderMap(headers=two)
    http = pb.AttributeContext.HttpRequest(method="GET", host=SITE, path="/docs/1", header_map=told)
    assert check(edge, http).denied_response.status.code == 403


def test_a_denial_is_a_problem(edge: EdgeScene) -> None:
    answer = check(edge, asked(edge, "/docs/2"))
    assert (answer.status.code, answer.denied_response.status.code) == (7, 403)
    assert "no_allow_rule" in answer.denied_response.body


def test_what_is_no_message_and_too_long_a_message_are_refused(edge: EdgeScene) -> None:
    for raw in (b"\xff\xff\xff", b"\x0a" + b"\xff" * 9, b"\x00" * 600_000):
        with pytest.raises(grpc.RpcError):
            check(edge, None, raw=raw)
    assert check(edge, None, raw=b"").denied_response.status.code == 401


@settings(max_examples=tries(100, 200), deadline=None)
@given(
    st.builds(
        pb.AttributeContext.HttpRequest,
        method=st.text(max_size=8), host=st.text(max_size=20), path=st.text(max_size=40), body=st.text(max_size=20),
        headers=st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=4),
    )
)  # fmt: skip
def test_any_message_is_read_and_answered(http: Any) -> None:
    call = pb.CheckRequest(attributes=pb.AttributeContext(request=pb.AttributeContext.Request(http=http)))
    told = asked_in(call)
    assert told.method == http.method
    assert told_as(call, refused(403, "x")).denied_response.status.code == 403
