"""Envoy says whether it cut a body; a client that says the same in another spelling must not hide it."""

import pytest

from ostiary.server.edge.asked import heads_of
from ostiary.server.edge.rpc_messages import asked_in
from ostiary.server.edge.stubs import ext_authz_pb2 as pb

CUT = "x-envoy-auth-partial-body"


@pytest.mark.parametrize(
    "name", ["x_envoy_auth_partial_body", "x-envoy_auth-partial_body", "X_Envoy-auth-partial-body"]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_client_cannot_say_that_its_body_was_not_cut(name: str, first: bool) -> None:  # noqa: FBT001
    """Envoy lets names with underscores pass, and what came last was believed."""
    pairs = [(CUT, "true"), (name, "false")]
    told = heads_of(pairs if first else pairs[::-1])
    assert told.odd == "request_invalid"


def test_over_grpc_it_is_refused_in_whichever_order_they_come() -> None:
    headers = [pb.HeaderValue(key=CUT, value="true"), pb.HeaderValue(key=CUT.replace("-", "_"), value="false")]
    http = pb.AttributeContext.HttpRequest(method="POST", host="api.example", path="/look/1", raw_body=b'{"a": 1}   ')
    http.header_map.headers.extend(headers)
    asked = asked_in(pb.CheckRequest(attributes=pb.AttributeContext(request=pb.AttributeContext.Request(http=http))))
    assert asked.partial or asked.odd
