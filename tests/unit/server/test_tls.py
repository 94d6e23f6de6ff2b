"""TLS and mutual TLS with real certificates, made here."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.errors import FaultyInputError
from ostiary.keys.hashing import sha256_hex
from ostiary.server.settings import load
from ostiary.server.worker import tls_context

BODY = '{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"doc","id":"1"}}'
BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self.name, self.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(END)
        )

    def issue(self, name: str) -> tuple[Path, Path, str]:
        """Return certificate file, key file and the SHA-256 of the certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            self._builder(subject, key).add_extension(loopback, critical=False).sign(self.key, hashes.SHA256())
        )
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(encoding, form, plain))
        return *files, sha256_hex(certificate.public_bytes(serialization.Encoding.DER))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "theirs")


def sections(authority: Authority, **more: Any) -> dict[str, Any]:
    certificate, key, _ = authority.issue("server")
    return {"server": {"tls_cert": str(certificate), "tls_key": str(key), **more}}


def client(server: Any, authority: Authority, own: tuple[Path, Path, str] | None = None) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(authority.path))
    if own:
        context.load_cert_chain(own[0], own[1])
    return httpx.Client(base_url=server.url, verify=context, timeout=10)


def ask(browser: httpx.Client, key: str | None = None) -> int:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    return browser.post("/access/v1/evaluation", content=BODY, headers=headers).status_code


def test_tls_serves_and_plain_http_does_not(start_server: Callable[..., Any], authority: Authority) -> None:
    server = start_server(**sections(authority))
    with client(server, authority) as browser:
        assert ask(browser, server.pep_key) == 200
        assert ask(browser) == 401
    with pytest.raises(httpx.HTTPError), httpx.Client(timeout=5) as browser:
        browser.get(server.url.replace("https", "http") + "/healthz")


def test_a_certificate_authenticates_its_own_connection(
    start_server: Callable[..., Any], authority: Authority, stranger: Authority
) -> None:
    server = start_server(**sections(authority, client_ca=str(authority.path)))
    own, other = authority.issue("pep"), authority.issue("another")
    with client(server, authority) as browser:
        head = {"Authorization": f"Bearer {server.admin_key}"}
        body = {"pep_id": "by-tls", "subjects": "asserted", "certificates": [own[2]]}
        assert browser.post("/api/v1/tenants/default/peps", json=body, headers=head).status_code == 201
        assert ask(browser) == 401  # a certificate is optional here, but without one there is nothing
    with client(server, authority, own) as browser:
        assert [ask(browser) for _ in range(3)] == [200] * 3
    with client(server, authority, other) as browser:
        assert ask(browser) == 401  # our authority's, but nobody's that was registered
    with client(server, authority, stranger.issue("evil")) as browser, pytest.raises(httpx.HTTPError):
        ask(browser)


def test_a_required_certificate_is_demanded_in_the_handshake(
    start_server: Callable[..., Any], authority: Authority
) -> None:
    server = start_server(**sections(authority, client_ca=str(authority.path), client_cert="required"))
    with client(server, authority) as browser, pytest.raises(httpx.HTTPError):
        browser.get("/healthz")
    with client(server, authority, authority.issue("anybody")) as browser:
        assert browser.get("/healthz").status_code == 200


def test_old_tls_is_refused(start_server: Callable[..., Any], authority: Authority) -> None:
    context = tls_context(load(None, environ={}, options=sections(authority)).settings.server)
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_broken_tls_files_are_told_at_start(tmp_path: Path, authority: Authority) -> None:
    options = sections(authority)
    options["server"]["tls_key"] = str(authority.path)
    with pytest.raises(FaultyInputError) as caught:
        tls_context(load(None, environ={}, options=options).settings.server)
    assert caught.value.code == "tls_invalid"
    options["server"]["tls_key"] = str(tmp_path / "nowhere")
    with pytest.raises(FaultyInputError):
        tls_context(load(None, environ={}, options=options).settings.server)
