"""Syslog and mail over real TLS on this machine: what arrives, and whom they do not believe."""

import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.outbox import Letter
from ostiary.response.sinks.mail import Mail, MailSettings
from ostiary.response.sinks.syslog import Syslog, SyslogSettings, frame
from ostiary.response.sinks.webhook import Webhook, WebhookSettings
from ostiary.response.streams.event import StreamEvent
from ostiary.response.streams.syslog import SyslogReceiver

LETTER = Letter("ltr_1", "acme", "soc", "stolen", "a session was stolen", {"subject": "user:ann"}, 10**18, 7)
BEGIN, END = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2120, 1, 1, tzinfo=dt.UTC)
Talk = Callable[[socket.socket, ssl.SSLContext], None]


class Tls:
    """A certificate of 127.0.0.1 that vouches for itself."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", host: str = "hook.test") -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(BEGIN).not_valid_after(END)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName(host)])
        certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        self.path, private = folder / f"{address}.pem", folder / f"{address}.key"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        private.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.path, private)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[[Talk, Tls], int]]:
    threads: list[threading.Thread] = []

    def start(talk: Talk, tls: Tls) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            with listener, listener.accept()[0] as line:
                line.settimeout(5)
                talk(line, tls.context)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(6)


def syslog(port: int, ca: Path | str = "") -> Syslog:
    wanted = SyslogSettings(
        tenant="acme", name="log", host="127.0.0.1", port=port, source="urn:x", ca_file=str(ca), timeout_s=3
    )
    return Syslog(wanted)


@pytest.mark.parametrize("polite", [True, False], ids=["says goodbye", "only hangs up"])
def test_one_frame_arrives_by_tls(serve: Callable[[Talk, Tls], int], tls: Tls, polite: bool) -> None:  # noqa: FBT001
    heard: list[bytes] = []

    def talk(line: socket.socket, context: ssl.SSLContext) -> None:
        with context.wrap_socket(line, server_side=True, suppress_ragged_eofs=True) as secure:
            heard.append(b"".join(iter(lambda: secure.recv(4096), b"")))
            if polite:
                secure.unwrap()

    syslog(serve(talk, tls), tls.path).deliver(LETTER, 0)
    assert heard == [frame(LETTER, "-", "urn:x")]


def test_a_stream_sends_its_batch_over_one_connection_counted_in_octets(
    serve: Callable[[Talk, Tls], int], tls: Tls
) -> None:
    heard: list[bytes] = []

    def talk(line: socket.socket, context: ssl.SSLContext) -> None:
        with context.wrap_socket(line, server_side=True, suppress_ragged_eofs=True) as secure:
            heard.append(b"".join(iter(lambda: secure.recv(4096), b"")))
            secure.unwrap()

    settings = SyslogSettings(
        tenant="acme",
        name="log",
        host="127.0.0.1",
        port=serve(talk, tls),
        source="",
        ca_file=str(tls.path),
        timeout_s=3,
    )
    evil = "\n<13>1 - - forged - - -\u2028"
    events = [StreamEvent(f"dec_{n}", "urn:x", n, "t", 10**18, {"text": evil}) for n in (1, 2, 3)]
    SyslogReceiver(settings).deliver(events, 0)
    left, messages = heard[0], []
    while left:
        length, _, left = left.partition(b" ")
        messages.append(left[: int(length)])
        left = left[int(length) :]
    assert [json.loads(one[one.index(b"{") :])["sequence"] for one in messages] == ["1", "2", "3"]
    assert all(0x20 <= byte <= 0x7E for one in messages for byte in one)


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    serve: Callable[[Talk, Tls], int], tls: Tls, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    def talk(line: socket.socket, context: ssl.SSLContext) -> None:
        try:
            with context.wrap_socket(line, server_side=True) as secure:
                heard.append(secure.recv(4096))
        except OSError as fault:
            heard.append(type(fault).__name__.encode())

    for ca in ("", Tls(tmp_path, "127.0.0.2").path):
        with pytest.raises(UnavailableError) as caught:
            syslog(serve(talk, tls), ca).deliver(LETTER, 0)
        assert caught.value.code == "sink_away"
    assert not any(b"stolen" in part for part in heard)


def http(heard: list[bytes]) -> Talk:
    def talk(line: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as secure:
            while not b"".join(heard).endswith(b"}}}"):  # head and body: leaving earlier would reset the line
                heard.append(secure.recv(65_536))
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    return talk


def webhook(host: str, port: int, ca: Path | str) -> Webhook:
    wanted = WebhookSettings(
        tenant="acme",
        name="hook",
        url=f"https://{host}:{port}/in",
        source="urn:x",
        loopback_http=True,
        ca_file=str(ca),
        timeout_s=3,
    )
    return Webhook(wanted, b"a secret", lambda _host, _port: ["127.0.0.1"])


def test_a_webhook_is_reached_at_the_checked_address_under_its_own_name(
    serve: Callable[[Talk, Tls], int], tls: Tls
) -> None:
    heard: list[bytes] = []
    port = serve(http(heard), tls)
    webhook("hook.test", port, tls.path).deliver(LETTER, 0)
    assert f"host: hook.test:{port}\r\n".encode() in b"".join(heard).lower()


def test_a_webhook_with_another_name_in_its_certificate_is_told_nothing(
    serve: Callable[[Talk, Tls], int], tls: Tls
) -> None:
    heard: list[bytes] = []
    for host, ca in (("other.test", tls.path), ("hook.test", "")):
        with pytest.raises(UnavailableError) as caught:
            webhook(host, serve(http(heard), tls), ca).deliver(LETTER, 0)
        assert caught.value.code == "sink_away"
    assert not any(b"stolen" in part for part in heard)


def smtp(code_of_data: bytes, sent: list[bytes]) -> Talk:
    def talk(line: socket.socket, context: ssl.SSLContext) -> None:
        line.sendall(b"220 hello\r\n")
        _dialogue(line, sent, code_of_data, until=b"starttls")
        with context.wrap_socket(line, server_side=True) as secure:
            _dialogue(secure, sent, code_of_data, until=b"quit")

    return talk


def _dialogue(line: socket.socket, sent: list[bytes], code_of_data: bytes, *, until: bytes) -> None:
    with line.makefile("rwb") as talk:
        for asked in talk:
            sent.append(asked)
            word = asked.split()[0].lower()
            if word == b"data":
                talk.write(b"354 go on\r\n")
                talk.flush()
                sent += iter(talk.readline, b".\r\n")
                talk.write(code_of_data + b" done\r\n")
            elif word == b"ehlo":
                talk.write(b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            else:
                talk.write({b"auth": b"235", b"starttls": b"220", b"quit": b"221"}.get(word, b"250") + b" fine\r\n")
            talk.flush()
            if word == until:
                return


def mail(port: int, tls: Tls) -> Mail:
    wanted = MailSettings(
        tenant="acme",
        name="mail",
        host="127.0.0.1",
        port=port,
        user="u",
        sender="a@x.test",
        to=("b@x.test",),
        ca_file=str(tls.path),
        timeout_s=5,
    )
    return Mail(wanted, "a password")


def test_a_mail_arrives_by_starttls_and_signs_in_behind_it(serve: Callable[[Talk, Tls], int], tls: Tls) -> None:
    sent: list[bytes] = []
    mail(serve(smtp(b"250", sent), tls), tls).deliver(LETTER, 10**18)
    words = [one.split()[0].lower() for one in sent if one.split()]
    assert words.index(b"starttls") < words.index(b"auth") < words.index(b"mail")
    assert b"Subject: [ostiary] stolen #7\r\n" in sent


@pytest.mark.parametrize(("code", "fault"), [(b"550", RefusedError), (b"451", UnavailableError)])
def test_what_a_mail_server_says_decides_about_trying_again(
    serve: Callable[[Talk, Tls], int], tls: Tls, code: bytes, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        mail(serve(smtp(code, []), tls), tls).deliver(LETTER, 10**18)
