"""Keys by way of a discovery document: the issuer must be the one that was asked for, and so must the host."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ostiary.errors import UnavailableError
from ostiary.identity.discovery import hosts_of
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.settings import JwksSettings, JwksSource
from ostiary.identity.sources import open_source
from ostiary.testing.workloads import FakeKubernetes

ISSUER = "https://kubernetes.default.svc.cluster.local"
CLUSTER = FakeKubernetes()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            home = f"http://{self.headers['Host']}"
            pages = {
                "/openid/v1/jwks": CLUSTER.jwks().inline,
                "/.well-known/openid-configuration": json.dumps(
                    {"issuer": ISSUER, "jwks_uri": f"{home}/openid/v1/jwks"}
                ),
            }
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def place(url: str = "", issuer: str = ISSUER, file: str = "") -> JwksSource:
    return JwksSource(url=url, allow_loopback_http=True, discovery_of=issuer, file=file)


def test_the_keys_are_found_by_the_clusters_own_document(server: str) -> None:
    source = open_source(place(f"{server}/.well-known/openid-configuration"), JwksSettings())
    assert json.loads(source.fetch()) == json.loads(CLUSTER.jwks().inline)
    config = CLUSTER.config(jwks=place(f"{server}/.well-known/openid-configuration"))
    issuer = IssuerBook([config]).find("default", ISSUER)
    assert issuer is not None
    assert issuer.keys.find("k1", 0)[0].kid == "k1"


def test_a_document_from_a_file_may_name_keys_on_the_issuers_own_host(server: str, tmp_path: Path) -> None:
    file = tmp_path / "discovery.json"
    file.write_text(json.dumps({"issuer": server, "jwks_uri": f"{server}/openid/v1/jwks"}))
    assert open_source(place(issuer=server, file=str(file)), JwksSettings()).fetch() == CLUSTER.jwks().inline.encode()


FAULTY = {
    "another issuer": {
        "issuer": ISSUER + ".evil.example",
        "jwks_uri": "https://kubernetes.default.svc.cluster.local/k",
    },
    "no issuer": {"jwks_uri": "https://kubernetes.default.svc.cluster.local/k"},
    "no address": {"issuer": ISSUER},
    "an address of the wrong type": {"issuer": ISSUER, "jwks_uri": ["https://x"]},
    "a metadata service": {"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/latest/meta-data"},
    "another port": {"issuer": ISSUER, "jwks_uri": "https://kubernetes.default.svc.cluster.local:8443/k"},
    "a user in the address": {
        "issuer": ISSUER,
        "jwks_uri": "https://kubernetes.default.svc.cluster.local@evil.example/k",
    },
    "plain HTTP": {"issuer": ISSUER, "jwks_uri": "http://kubernetes.default.svc.cluster.local/k"},
    "a file": {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
    "a broken address": {"issuer": ISSUER, "jwks_uri": "https://[::1/k"},
}


@pytest.mark.parametrize("document", FAULTY.values(), ids=FAULTY)
def test_a_document_cannot_send_us_elsewhere(document: dict[str, str]) -> None:
    source = open_source(JwksSource(inline=json.dumps(document), discovery_of=ISSUER), JwksSettings())
    with pytest.raises(UnavailableError):
        source.fetch()


def test_a_document_is_read_strictly() -> None:
    for text in ("[]", "issuer", f'{{"issuer": "{ISSUER}", "issuer": "{ISSUER}"}}'):
        with pytest.raises(UnavailableError):
            open_source(JwksSource(inline=text, discovery_of=ISSUER), JwksSettings()).fetch()


def test_hosts_are_compared_with_their_ports() -> None:
    assert hosts_of("https://A.example", "", "https://b.example:8443/x") == {"a.example", "b.example:8443"}
