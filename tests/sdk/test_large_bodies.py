"""Large bodies: whole or not at all, and in bytes that nobody else has."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary_sdk.datasets import OstiaryFileSystem
from ostiary_sdk.datasets.large import LARGE, lies_large, received


class Nobody:
    def headers(self, method: str, url: str) -> dict[str, str]:
        return {}


@given(st.binary(min_size=1, max_size=70_000))
def test_what_came_is_what_is_returned(body: bytes) -> None:
    def into(view: memoryview) -> int:
        view[:] = body
        return len(view)

    assert received(len(body), into) == body


def test_a_single_byte_is_no_bytes_that_others_share() -> None:
    """CPython keeps one object for each byte: to write into it would change it for everybody."""

    def into(view: memoryview) -> int:
        view[0] = 7
        return 1

    before = [bytes([one]) for one in range(256)]
    assert received(1, into) == b"\x07"
    assert before == [bytes([one]) for one in range(256)]


def test_what_did_not_come_whole_is_nothing() -> None:
    with pytest.raises(EOFError):
        received(LARGE, lambda view: len(view) - 1)


def test_a_fault_goes_on_and_the_view_is_worth_nothing_afterwards() -> None:
    kept = []

    def into(view: memoryview) -> int:
        kept.append(view)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        received(LARGE, into)
    with pytest.raises(ValueError, match="released"):
        kept[0][:1] = b"x"


@pytest.mark.parametrize("missing", [0, 1, LARGE])
def test_a_large_answer_comes_whole_or_breaks_off(missing: int) -> None:
    body = bytes(range(256)) * (LARGE // 256) + b"and more"

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - missing])
            self.close_connection = bool(missing)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        fs = OstiaryFileSystem(endpoint=url, tokens=Nobody(), skip_instance_cache=True)
        try:
            if missing:
                with pytest.raises(OSError, match="broke off"):
                    fs.cat_file("sales/a")
            else:
                assert fs.cat_file("sales/a") == fs.cat_file("sales/a") == body
                assert len(fs._doorway._idle) == 1  # the connection serves again
        finally:
            fs.close()
            server.shutdown()
            thread.join()


def test_small_bodies_take_the_usual_way() -> None:
    assert not lies_large(LARGE - 1)
