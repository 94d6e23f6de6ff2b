import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSettings, JwksSource
from ostiary.identity.sources import FileSource, open_source

DOCUMENT = b'{"keys": []}'
Answer = Callable[[BaseHTTPRequestHandler], None]


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def never_ending(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            threading.Event().wait(0.02)
    except OSError:
        return  # the client hung up, as it should


ANSWERS: dict[str, Answer] = {
    "/good": lambda handler: send(handler, DOCUMENT),
    "/large": lambda handler: send(handler, b" " * 5000),
    "/moved": lambda handler: send(handler, b"", 302, Location="/good"),
    "/gone": lambda handler: send(handler, b"", 404),
    "/packed": lambda handler: send(handler, DOCUMENT, Content_Encoding="gzip"),
    "/drip": never_ending,
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ANSWERS[self.path](self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def fetch(url: str, settings: JwksSettings | None = None) -> bytes:
    return open_source(JwksSource(url=url, allow_loopback_http=True), settings or JwksSettings(max_bytes=4096)).fetch()


def test_a_document_is_fetched_from_loopback_when_that_is_allowed(server: str) -> None:
    assert fetch(server + "/good") == DOCUMENT


@pytest.mark.parametrize("path", ["/large", "/moved", "/gone", "/packed"])
def test_any_other_answer_is_unavailable(server: str, path: str) -> None:
    with pytest.raises(UnavailableError) as raised:
        fetch(server + path)
    assert raised.value.code == Refusal.JWKS_UNAVAILABLE


def test_a_body_that_never_ends_is_given_up(server: str) -> None:
    with pytest.raises(UnavailableError, match="longer than"):
        fetch(server + "/drip", JwksSettings(timeout_s=0.5))


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        fetch("http://127.0.0.1:1/jwks")


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/jwks",
        "http://10.0.0.1/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "ftp://idp.example/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "https://user:word@idp.example/jwks",
        "https://idp.example/jwks#keys",
        "idp.example",
    ],
)
def test_an_address_that_may_not_be_fetched_is_refused_at_start(url: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        open_source(JwksSource(url=url, allow_loopback_http=True), JwksSettings())
    assert fault.value.code == Refusal.IDENTITY_CONFIG_INVALID


def test_loopback_without_the_option_is_refused_at_start() -> None:
    with pytest.raises(FaultyInputError):
        open_source(JwksSource(url="http://127.0.0.1/jwks"), JwksSettings())


@pytest.mark.parametrize("url", ["http://[::1]:8000/jwks", "http://localhost/jwks", "https://idp.example/jwks"])
def test_addresses_that_may_be_fetched(url: str) -> None:
    open_source(JwksSource(url=url, allow_loopback_http=True), JwksSettings())


def test_a_file_is_read_anew_each_time_and_within_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    source = open_source(JwksSource(file=str(path)), JwksSettings(max_bytes=1024))
    assert isinstance(source, FileSource)
    with pytest.raises(UnavailableError, match="cannot be read"):
        source.fetch()
    path.write_bytes(DOCUMENT)
    assert source.fetch() == DOCUMENT
    path.write_bytes(b" " * 1025)
    with pytest.raises(UnavailableError, match="more than 1024 bytes"):
        source.fetch()
