"""Models that lie, drip, redirect, bomb, or stand where only we could go: no answer of theirs gets out."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.inference.endpoint import EndpointSpec, read_spec
from ostiary.pipeline.inference.upstream import Upstream
from ostiary.response.ssf.addresses import AddressRules

RULES = AddressRules(loopback_http=True)
SCHEMA = {"columns": [{"name": "x", "type": "number", "min": 0, "max": 1}]}
GOOD = b'{"predictions": [0.5]}'


@contextmanager
def answering(say: Callable[[socket.socket], None], times: int = 1) -> Iterator[tuple[str, list[bytes]]]:
    """Serve ``times`` connections with whatever ``say`` writes; give the address and what was heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            for _ in range(times):
                line, _ = listener.accept()
                with line:
                    heard.append(_request(line))
                    try:
                        say(line)
                    except OSError as gone:  # it was cut off, as it should be
                        heard.append(repr(gone).encode())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/predict", heard
        thread.join(10)


def _request(line: socket.socket) -> bytes:
    line.settimeout(5)
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += line.recv(4096)
    head, _, body = heard.partition(b"\r\n\r\n")
    length = next(int(h.partition(b":")[2]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
    while len(body) < length:
        body += line.recv(4096)
    return head + b"\r\n\r\n" + body


def _spec(url: str, **more: object) -> EndpointSpec:
    return read_spec({"schema": SCHEMA, "url": url, "timeout_s": 1.0, "max_answer": 1000, **more}, RULES)


def _http(head: str, body: bytes = b"", status: str = "200 OK") -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body)


JSON = "content-type: application/json\r\n"


def test_a_good_answer_comes_through_and_nothing_of_ours_but_the_rows_goes_out() -> None:
    with answering(_http(JSON + f"content-length: {len(GOOD)}", GOOD)) as (url, heard):
        assert Upstream(RULES).ask(_spec(url), b'{"instances": []}', "dec_1") == GOOD
    names = {line.partition(b":")[0].lower() for line in heard[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]}
    allowed = "accept accept-encoding connection content-type content-length host ostiary-decision user-agent"
    assert names == {name.encode() for name in allowed.split()}
    assert heard[0].endswith(b'\r\n\r\n{"instances": []}')


def _drip(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n" + JSON.encode() + b"connection: close\r\n\r\n")
    for _ in range(100):
        line.sendall(b" ")
        threading.Event().wait(0.05)


def _endless(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n" + JSON.encode() + b"connection: close\r\n\r\n")
    while True:
        line.sendall(b" " * 65_536)


LIES: dict[str, Callable[[socket.socket], None]] = {
    "says more than it sends": _http(JSON + "content-length: 500", GOOD),
    "says less than it sends": _http(JSON + "content-length: 5", GOOD),
    "says no number": _http(JSON + "content-length: -1", GOOD),
    "says too much": _http(JSON + "content-length: 1001", b" " * 1001),
    "says it twice": _http(JSON + "content-length: 22\r\ncontent-length: 5", GOOD),
    "a chunk that lies": _http(JSON + "transfer-encoding: chunked", b"ffff\r\n{}\r\n"),
    "redirects": _http("location: http://169.254.169.254/latest/meta-data\r\ncontent-length: 0", b"", "302 Found"),
    "fails": _http(JSON + "content-length: 22", GOOD, "500 Internal Server Error"),
    "no JSON": _http("content-type: text/html\r\ncontent-length: 22", GOOD),
    "compressed": _http(JSON + "content-encoding: gzip\r\nconnection: close", gzip.compress(GOOD)),
    "nothing": lambda _line: None,
    "rubbish": lambda line: line.sendall(b"\x00\x01\x02" * 100),
    "drips": _drip,
    "never ends": _endless,
}


@pytest.mark.parametrize("lie", LIES)
def test_an_upstream_that_lies_gives_no_answer(lie: str) -> None:
    with answering(LIES[lie]) as (url, _heard):
        upstream, spec = Upstream(RULES), _spec(url)
        if lie == "says less than it sends":
            assert upstream.ask(spec, b"{}", "dec_1") == GOOD[:5]  # which is no prediction, and refused as such
            return
        with pytest.raises(UnavailableError) as fault:
            upstream.ask(spec, b"{}", "dec_1")
    assert fault.value.code == "upstream_failed"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(UnavailableError) as fault:
        Upstream(RULES).ask(_spec(url), b"{}", "dec_1")
    assert fault.value.code == "upstream_failed"


@pytest.mark.parametrize(
    "url",
    [
        "http://model.example/predict",
        "https://user:secret@model.example/predict",
        "https://model.example/predict#x",
        "https://169.254.169.254/predict",
        "https://10.0.0.1/predict",
        "https://[::ffff:10.0.0.1]/predict",
        "https://127.0.0.1/predict",
        "file:///etc/passwd",
        "gopher://model.example/",
        "https://model.example/a\r\nx: y",
        "//model.example/predict",
        "https://",
    ],
)
def test_addresses_that_cannot_even_be_registered(url: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        read_spec({"schema": SCHEMA, "url": url}, AddressRules())
    assert fault.value.code == "address_refused"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:192.168.0.1", "::"])
def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    spec = read_spec({"schema": SCHEMA, "url": "https://model.example/predict"}, AddressRules())
    for found in ([address], ["93.184.216.34", address]):  # one bad address among good ones is enough
        with pytest.raises(UnavailableError) as fault:
            Upstream(AddressRules(), resolve=lambda _host, _port, found=found: found).ask(spec, b"{}", "dec_1")  # type: ignore[misc]
        assert fault.value.code == "upstream_refused"


def test_the_name_is_asked_once_and_the_checked_address_is_used() -> None:
    asked: list[str] = []
    with answering(_http(JSON + f"content-length: {len(GOOD)}", GOOD)) as (url, heard):
        port = url.rpartition(":")[2].partition("/")[0]

        def resolve(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        spec = read_spec({"schema": SCHEMA, "url": f"http://localhost:{port}/p"}, RULES)
        assert json.loads(Upstream(RULES, resolve=resolve).ask(spec, b"{}", "dec_1"))
    assert asked == ["localhost"]
    assert b"localhost:" + port.encode() in heard[0]
