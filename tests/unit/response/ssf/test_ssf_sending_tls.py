"""A push goes to the judged address and asks for the name's certificate: neither alone would do."""

import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.errors import UnavailableError
from ostiary.response.ssf.addresses import AddressRules
from ostiary.response.ssf.sending import Sender

OWN = AddressRules(networks=(ipaddress.ip_network("127.0.0.0/8"),))


class Accepting(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(202)
        self.send_header("x-host", self.headers["host"])
        self.send_header("content-length", str(len(self.headers["host"])))
        self.end_headers()
        self.wfile.write(self.headers["host"].encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Quiet(http.server.HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that the client gives up is what one of the tests is about."""


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    return files


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    cert, key = certificate(tmp_path, "receiver.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Quiet(("127.0.0.1", 0), Accepting) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port, cert
        server.shutdown()
        thread.join()


def test_it_connects_to_the_address_and_checks_the_name(receiver: tuple[int, Path]) -> None:
    port, cert = receiver
    send = Sender(OWN, ca_file=cert, resolve=lambda _host, _port: ["127.0.0.1"])
    answer = send(f"https://receiver.example:{port}/events", b"x", {})
    assert (answer.status, answer.body.decode()) == (202, f"receiver.example:{port}")


def test_another_names_certificate_and_an_unknown_authority_are_refused(receiver: tuple[int, Path]) -> None:
    port, cert = receiver
    for name, authorities in (("other.example", cert), ("receiver.example", None)):
        send = Sender(OWN, ca_file=authorities, resolve=lambda _host, _port: ["127.0.0.1"])
        with pytest.raises(UnavailableError) as away:
            send(f"https://{name}:{port}/events", b"x", {})
        assert away.value.code == "receiver_away"
