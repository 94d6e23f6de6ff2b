import sys
from pathlib import Path

import pytest

from ostiary.server.edge.stubs import ext_authz_pb2 as pb


def test_the_messages_are_what_the_proto_says(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("grpc_tools")
    monkeypatch.syspath_prepend(str(repo / "tools"))
    import write_stubs  # type: ignore[import-not-found] # noqa: PLC0415

    write_stubs.write(tmp_path)
    for name in ("ext_authz_pb2.py", "ext_authz_pb2.pyi"):
        assert (tmp_path / name).read_text() == (write_stubs.STUBS / name).read_text(), "run tools/write_stubs.py"
    sys.modules.pop("write_stubs")


def test_the_field_numbers_are_envoys() -> None:
    """Numbers as in envoy/service/auth/v3/{external_auth,attribute_context}.proto and config/core/v3/base.proto."""

    def numbers(message: object) -> dict[str, int]:
        return {field.name: field.number for field in message.DESCRIPTOR.fields}  # type: ignore[attr-defined]

    assert numbers(pb.CheckRequest) == {"attributes": 1}
    assert numbers(pb.AttributeContext) == {"source": 1, "destination": 2, "request": 4}
    assert numbers(pb.AttributeContext.HttpRequest) == {
        "id": 1, "method": 2, "headers": 3, "path": 4, "host": 5, "scheme": 6, "size": 9, "protocol": 10, "body": 11,
        "raw_body": 12, "header_map": 13,
    }  # fmt: skip
    assert numbers(pb.AttributeContext.Peer) == {"address": 1, "certificate": 5}
    assert numbers(pb.CheckResponse) == {"status": 1, "denied_response": 2, "ok_response": 3}
    assert numbers(pb.OkHttpResponse) == {"headers": 2, "headers_to_remove": 5}
    assert numbers(pb.DeniedHttpResponse) == {"status": 1, "headers": 2, "body": 3}
    assert numbers(pb.HeaderValueOption) == {"header": 1, "append": 2, "append_action": 3, "keep_empty_value": 4}
    assert numbers(pb.HeaderValue) == {"key": 1, "value": 2, "raw_value": 3}
    assert numbers(pb.SocketAddress) == {"address": 2, "port_value": 3}
    service = pb.DESCRIPTOR.services_by_name["Authorization"]
    assert (service.full_name, [one.name for one in service.methods]) == (
        "envoy.service.auth.v3.Authorization",
        ["Check"],
    )
