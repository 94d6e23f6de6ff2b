"""A receiver gives us an address and we connect: it must not become a way into our own network (CWE-918).

He names private addresses in all their spellings, a name that leads inside, a name that changes its mind between check
and use, and a public server that redirects inside.
"""

import http.server
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from typing import ClassVar

import pytest

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.response.ssf.addresses import AddressRules, Resolve, aim, check_url
from ostiary.response.ssf.sending import Sender

PUBLIC = "93.184.216.34"
STRICT = AddressRules()
INSIDE = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an attack
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]


def leading_to(found: list[str]) -> Resolve:
    return lambda _host, _port: found


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_however_it_is_spelled(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(FaultyInputError) as fault:
        check_url(f"https://{host}/events", STRICT)
    assert fault.value.code == "address_refused"


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_when_it_is_used(address: str) -> None:
    for found in ([address], [PUBLIC, address]):
        with pytest.raises(RefusedError) as no:
            aim("https://receiver.example/events", STRICT, leading_to(found))
        assert no.value.code == "address_refused"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{PUBLIC}/",
        "http://localhost/",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://user:pw@receiver.example/",
        "https://user@receiver.example/",
        "https://receiver.example/#x",
        "https://receiver.example:0/",
        "https://receiver.example:99999/",
        "https://receiver.example/\r\nHost: evil",
        "https://rec\u200beiver.example/",
        "https://b\u00fccher.example/",
        "https://[::1/",
        "receiver.example/",
        "x" * 3000,
    ],
)
def test_an_address_of_the_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        check_url(url, STRICT)
    assert fault.value.code == "address_refused"
    assert "\n" not in fault.value.message


@pytest.mark.parametrize("spelling", ["0177.0.0.1", "2130706433", "127.1", "0x7f.0.0.1"])
def test_other_spellings_of_loopback_are_names_and_judged_by_where_they_lead(spelling: str) -> None:
    with pytest.raises(RefusedError):
        aim(f"https://{spelling}/", STRICT, lambda _host, _port: ["127.0.0.1"])


def test_the_connection_goes_to_the_very_address_that_was_judged() -> None:
    asked: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    target = aim("https://receiver.example:8443/events?x=1", STRICT, changing)
    assert (target.url, target.authority) == (f"https://{PUBLIC}:8443/events?x=1", "receiver.example:8443")
    assert asked == ["receiver.example"]
    with pytest.raises(UnavailableError):
        aim("https://receiver.example/", STRICT, lambda _host, _port: [])


def test_an_administrator_can_name_networks_and_allow_loopback() -> None:
    own = AddressRules(networks=(ip_network("10.1.0.0/16"),))
    assert aim("https://10.1.2.3/", own, lambda *_: ["10.1.2.3"]).address == "10.1.2.3"
    with pytest.raises(FaultyInputError):
        check_url("https://10.2.0.1/", own)
    trying = AddressRules(loopback_http=True)
    assert check_url("http://127.0.0.1:8000/x", trying).port == 8000
    assert check_url("http://localhost:8000/x", trying).port == 8000
    with pytest.raises(RefusedError):
        aim("http://localhost/", trying, lambda *_: ["10.0.0.1"])
    assert aim("https://10.9.9.9/", AddressRules(anywhere=True), lambda *_: ["10.9.9.9"]).address == "10.9.9.9"


class Redirecting(http.server.BaseHTTPRequestHandler):
    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/long":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)
            return
        self.send_response(307)
        self.send_header("location", "/inside")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Redirecting) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_redirects_are_not_followed_and_answers_are_bounded(server: str) -> None:
    send = Sender(AddressRules(loopback_http=True))
    assert send(server + "/go", b"x", {}).status == 307
    assert Redirecting.paths == ["/go"]
    with pytest.raises(UnavailableError, match="longer"):
        send(server + "/long", b"x", {})


def test_whatever_goes_wrong_is_one_error() -> None:
    with pytest.raises(UnavailableError) as away:
        Sender(AddressRules(loopback_http=True))("http://127.0.0.1:1/", b"", {})
    assert away.value.code == "receiver_away"
    with pytest.raises(OstiaryError):
        Sender(STRICT)("http://127.0.0.1:1/", b"", {})


def test_a_proxy_in_the_environment_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert Sender(AddressRules(loopback_http=True))(server + "/go", b"x", {}).status == 307
