"""Two processes that share a connection read each other's data: a loader's workers are forked."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

SCRIPT = """
import os, sys
from ostiary_sdk.datasets.doorway import Doorway

class Nobody:
    def headers(self, method, url):
        return {}

door = Doorway(sys.argv[1], "default", lambda dataset: Nobody())
ask = lambda: door.call("GET", "sales", "objects/a").body
first = ask()
assert ask() == first  # the same connection again
door._lock.acquire()  # a thread of the parent may hold it at that moment
child = os.fork()
if not child:
    own = ask()
    os._exit(0 if own != first and ask() == own else 1)
died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
door._lock.release()
assert ask() == first  # ours is as it was
sys.exit(died)
"""


class _TellsThePort(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the port that the connection comes from."""
        body = str(self.client_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _TellsThePort)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_forked_process_has_connections_of_its_own(url: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, url], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
