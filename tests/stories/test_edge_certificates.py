"""Proxies that prove themselves by a client certificate, over HTTP and gRPC; and those whose certificate is another."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.stories.edge_scene import SITE, EdgeScene
from tests.stories.test_edge_grpc import CHECK, asked
from tests.unit.server.test_tls import Authority

from ostiary.server.edge.stubs import ext_authz_pb2 as pb
from ostiary.server.peps import NewPep, register

Certificate = tuple[Path, Path, str]


class Scene:
    def __init__(self, start: Callable[..., Any], folder: Path) -> None:
        self.authority = Authority(folder, "ours")
        cert, key, _ = self.authority.issue("server")
        server = {"tls_cert": str(cert), "tls_key": str(key), "client_ca": str(self.authority.path)}
        tls = {**server, "client_cert": "required"}
        self.edge = EdgeScene(start, folder, grpc=True, proxies=["edge-2"], server=tls)
        self.proxy, self.other = self.authority.issue("proxy"), self.authority.issue("other")
        register(self.edge.server.house, NewPep(pep_id="edge-2", tenant="default", certificates=(self.proxy[2],)))

    def http(self, shown: Certificate, **headers: str) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        context.load_cert_chain(shown[0], shown[1])
        with httpx.Client(verify=context) as client:
            head = {"Host": SITE, **self.edge.bearer(), **headers}
            return client.get(f"{self.edge.server.url}/edge/envoy/docs/1", headers=head)

    def grpc(self, shown: Certificate | None) -> Any:
        pair = (shown[1].read_bytes(), shown[0].read_bytes()) if shown else (None, None)
        credentials = grpc.ssl_channel_credentials(self.authority.path.read_bytes(), *pair)
        with grpc.secure_channel(f"127.0.0.1:{self.edge.grpc_port}", credentials) as channel:
            told = pb.AttributeContext.Request(http=asked(self.edge))
            call = channel.unary_unary(CHECK, pb.CheckRequest.SerializeToString, pb.CheckResponse.FromString)
            return call(pb.CheckRequest(attributes=pb.AttributeContext(request=told)), timeout=5)


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(start_server, tmp_path_factory.mktemp("edge"))


def test_a_registered_certificate_is_the_proxy(scene: Scene) -> None:
    answer = scene.http(scene.proxy)
    assert (answer.status_code, answer.headers["x-ostiary-subject"]) == (200, "user:alice")
    assert scene.edge.records()[-1].pep == "edge-2"
    assert scene.grpc(scene.proxy).status.code == 0


def test_any_other_certificate_is_a_stranger(scene: Scene) -> None:
    assert scene.http(scene.other).json()["code"] == "pep_unauthenticated"
    with pytest.raises(grpc.RpcError) as no:
        scene.grpc(scene.other)
    assert no.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError):
        scene.grpc(None)


def test_a_key_that_fails_is_not_made_good_by_a_certificate(scene: Scene) -> None:
    answer = scene.http(scene.proxy, **{"X-Ostiary-Edge-Authorization": "Bearer edge-2.guess"})
    assert answer.status_code == 403
