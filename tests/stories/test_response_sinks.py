"""Sinks are a way out of the house: to where only we could go (SSRF), and into other people's logs and mails."""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.response.outbox import Letter
from ostiary.response.sinks.envelope import cloud_event
from ostiary.response.sinks.guard import allowed_address, check_url, is_public
from ostiary.response.sinks.mail import Mail, MailSettings, compose
from ostiary.response.sinks.syslog import frame
from ostiary.response.sinks.webhook import Webhook, WebhookSettings, signature

LETTER = Letter(
    "ltr_1", "acme", "soc", "stolen", "a session was stolen", {"subject": "user:ann"}, 1_790_000_000 * 10**9, 7
)
EVIL = "Mozilla\r\n<14>1 - - forged\nSubject: gift\u2028\u202egnp.exe\x1b[2J\x00\x7f\x85"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test/hook",
        "http://127.0.0.1.example.test/",
        "ftp://example.test/",
        "file:///etc/passwd",
        "https://user:pw@example.test/",
        "https://example.test/#x",
        "https:///no-host",
        "https://example.test:99999/",
        "https://exa mple.test/",
        "https://example.test/\r\nX: y",
        "https://ex\u0430mple.test/",
        "//example.test/",
        "https://[::1/",
        "https://example.test/" + "a" * 3000,
        "",
    ],
)
def test_odd_addresses_are_no_addresses(url: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        check_url(url, loopback_http=True)
    assert caught.value.code == "sink_url_invalid"


def test_plain_http_is_for_this_machine_by_setting_only() -> None:
    assert check_url("http://127.0.0.1:8/x?y", loopback_http=True).path == "/x?y"
    with pytest.raises(FaultyInputError):
        check_url("http://127.0.0.1/", loopback_http=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - the attack
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:a00:1::f5ff:fffe",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "192.88.99.1",
        "::127.0.0.1",
        "168.63.129.16",
        "192.0.0.192",
    ],
)
def test_addresses_that_only_we_could_reach_are_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(RefusedError) as caught:
        allowed_address("innocent.test", 443, lambda _h, _p: ["93.184.216.34", address], private=False, loopback=False)
    assert caught.value.code == "sink_address_refused"


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "64:ff9b::a9fe:a9fe", "::"),
        *("fd00:ec2::254", "100.100.100.200", "::ffff:100.100.100.200", "168.63.129.16", "192.0.0.192"),
    ],
)
def test_where_clouds_keep_credentials_is_never_allowed(address: str) -> None:
    with pytest.raises(RefusedError):
        allowed_address("x.test", 443, lambda _h, _p: [address], private=True, loopback=True)


def test_private_addresses_are_allowed_by_setting_and_public_ones_always() -> None:
    assert allowed_address("x", 443, lambda _h, _p: ["10.0.0.1"], private=True, loopback=False) == "10.0.0.1"
    assert allowed_address("x", 443, lambda _h, _p: ["2606:2800:220:1::1"], private=False, loopback=False)


def test_a_name_that_is_not_there_is_tried_again() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError

    def nothing(_host: str, _port: int) -> list[str]:
        return []

    for resolve in (nobody, nothing):
        with pytest.raises(UnavailableError) as caught:
            allowed_address("x.test", 443, resolve, private=False, loopback=False)
        assert caught.value.code == "sink_unresolved"


class Server(HTTPServer):
    """Answers every POST as a test says."""

    status = 204
    headers_out: dict[str, str] = {}  # noqa: RUF012 - replaced whole by a test
    body_out = b""
    seen: list[tuple[str, dict[str, str], bytes]]


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        for name, value in self.server.headers_out.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # whoever reads less than all hangs up
            self.wfile.write(self.server.body_out)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture
def hook() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Answer)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def webhook(url: str, resolve: Callable[[str, int], list[str]] = lambda _h, _p: ["127.0.0.1"]) -> Webhook:
    settings = WebhookSettings(
        tenant="acme", name="soc", url=url, source="https://pdp.test", loopback_http=True, timeout_s=2
    )
    return Webhook(settings, b"the shared secret", resolve)


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/hook?x=1"


def test_a_letter_arrives_signed_numbered_and_as_a_cloud_event(hook: Server) -> None:
    webhook(url_of(hook)).deliver(LETTER, 1_790_000_005 * 10**9)
    ((path, headers, body),) = hook.seen
    signed = f"ltr_1.1790000005.{body.decode()}".encode()
    wanted = base64.b64encode(hmac.digest(b"the shared secret", signed, hashlib.sha256)).decode()
    assert (path, headers["webhook-id"], headers["webhook-timestamp"]) == ("/hook?x=1", "ltr_1", "1790000005")
    assert headers["webhook-signature"] == f"v1,{wanted}"
    event = json.loads(body)
    assert (event["specversion"], event["id"], event["sequence"]) == ("1.0", "ltr_1", "7")
    assert event["data"]["facts"] == {"subject": "user:ann"}
    assert headers["content-type"] == "application/cloudevents+json"


def test_a_signature_is_of_every_part() -> None:
    whole = signature(b"k", "a", "1", b"x")
    assert (
        len({whole, signature(b"k", "b", "1", b"x"), signature(b"k", "a", "2", b"x"), signature(b"k", "a", "1", b"y")})
        == 4
    )
    assert signature(b"j", "a", "1", b"x") != whole


def test_a_redirect_into_the_house_is_not_followed(hook: Server) -> None:
    hook.status, hook.headers_out = 307, {"location": url_of(hook) + "&secret"}
    with pytest.raises(RefusedError) as caught:
        webhook(url_of(hook)).deliver(LETTER, 0)
    assert caught.value.code == "sink_refused"
    assert len(hook.seen) == 1


def test_a_name_that_answers_differently_a_moment_later_gains_nothing(hook: Server) -> None:
    answers = [["127.0.0.1"], ["203.0.113.9"]]
    port = hook.server_address[1]
    sink = webhook(f"http://localhost:{port}/", lambda _h, _p: answers.pop(0))
    sink.deliver(LETTER, 0)
    assert hook.seen[0][1]["host"] == f"localhost:{port}", "the name stays the name, the address is the one checked"
    assert answers == [["203.0.113.9"]], "the name was asked for once"


@pytest.mark.parametrize(
    ("status", "code"), [(500, "sink_busy"), (429, "sink_busy"), (400, "sink_refused"), (301, "sink_refused")]
)
def test_what_a_receiver_answers_decides_about_trying_again(hook: Server, status: int, code: str) -> None:
    hook.status = status
    with pytest.raises(OstiaryError) as caught:
        webhook(url_of(hook)).deliver(LETTER, 0)
    assert caught.value.code == code
    assert isinstance(caught.value, UnavailableError) == (code == "sink_busy")


def test_an_answer_without_an_end_is_not_read_to_its_end(hook: Server) -> None:
    hook.status, hook.body_out = 200, b"x" * 5_000_000
    webhook(url_of(hook)).deliver(LETTER, 0)


def test_nobody_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnavailableError) as caught:
        webhook(f"http://127.0.0.1:{port}/").deliver(LETTER, 0)
    assert caught.value.code == "sink_away"
    assert "secret" not in repr(caught.value)


def test_a_proxy_of_the_environment_is_not_asked(hook: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    webhook(url_of(hook)).deliver(LETTER, 0)
    assert len(hook.seen) == 1


def evil_letter() -> Letter:
    return msgspec.structs.replace(LETTER, text=EVIL, facts={"fact.agent": EVIL})


def test_a_user_agent_cannot_begin_another_syslog_line() -> None:
    raw = frame(evil_letter(), "pdp.test", "urn:x")
    length, _, message = raw.partition(b" ")
    assert int(length) == len(message), "octet counting tells where the message ends"
    assert all(0x20 <= byte <= 0x7E for byte in message)
    assert json.loads(message[message.index(b"{") :])["data"]["text"] == EVIL


def test_a_host_name_cannot_break_the_header() -> None:
    header = frame(LETTER, "pdp test\n\x00 é", "urn:x").split(b" ")
    assert (header[3], header[4], header[6]) == (b"pdptest", b"ostiary", b"ltr_1")


def test_an_event_is_printable_ascii_whatever_it_tells() -> None:
    assert all(0x20 <= byte <= 0x7E for byte in cloud_event(evil_letter(), "urn:x"))


@pytest.mark.parametrize("place", ["sender", "to"])
def test_a_header_of_a_mail_takes_no_second_line(place: str) -> None:
    given: dict[str, Any] = {"sender": "a@example.test", "to": ("b@example.test",)}
    evil = "x@example.test\r\nBcc: all@example.test"
    given[place] = evil if place == "sender" else (evil,)
    with pytest.raises(RefusedError) as caught:
        Mail(MailSettings(tenant="acme", name="m", host="mail.test", **given))
    assert caught.value.code == "mail_header_refused"


def test_a_letters_kind_takes_no_second_line_and_its_body_no_control_character() -> None:
    settings = MailSettings(tenant="acme", name="m", host="mail.test", sender="a@example.test", to=("b@example.test",))
    with pytest.raises(RefusedError):
        compose(msgspec.structs.replace(LETTER, kind="x\r\nBcc: all@example.test"), settings, 0)
    text = compose(evil_letter(), settings, 0).get_content()
    assert not any(char in text for char in "\x00\x1b\u2028\u202e\x85")
    assert compose(evil_letter(), settings, 0).keys().count("Subject") == 1


@contextmanager
def plain_mail_server() -> Iterator[int]:
    """A mail server that offers no TLS, as somebody in the middle would make it look."""
    listener = socket.create_server(("127.0.0.1", 0))
    said: list[bytes] = []

    def serve() -> None:
        line, _ = listener.accept()
        with line, line.makefile("rwb") as talk:
            talk.write(b"220 hello\r\n")
            talk.flush()
            for asked in talk:
                said.append(asked)
                talk.write(b"250 fine\r\n" if asked.lower().startswith((b"ehlo", b"helo")) else b"502 no\r\n")
                talk.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5)
    assert not any(asked.lower().startswith((b"mail", b"auth", b"data")) for asked in said)


def test_without_tls_no_mail_and_no_password_leaves() -> None:
    with plain_mail_server() as port:
        settings = MailSettings(
            tenant="acme",
            name="m",
            host="127.0.0.1",
            port=port,
            user="u",
            sender="a@x.test",
            to=("b@x.test",),
            timeout_s=2,
        )
        with pytest.raises(OstiaryError):
            Mail(settings, "a password").deliver(LETTER, 0)
