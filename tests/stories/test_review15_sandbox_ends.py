"""A sandbox that is over is over: nothing that its command left on the way to the proxy holds up who waits for it."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ostiary.pipeline.training.accounts import EgressLimits
from ostiary.pipeline.training.egress import EgressRule
from ostiary.testing.sandboxes import Trial
from ostiary.testing.tls_hellos import client_hello

SEND_OUTPUT = r"""
import array, os, socket, sys
one = socket.socket(socket.AF_UNIX)
one.connect(os.environ["OSTIARY_EGRESS_SOCKET"])
one.sendall(f"CONNECT {sys.argv[1]} HTTP/1.1\r\n\r\n".encode())
assert b" 200 " in one.recv(100)
one.sendall(bytes.fromhex(sys.argv[2]))
assert one.recv(1) == b"x"
one.settimeout(0.5)
sent = 0
try:
    while True:  # until nobody on the way takes any more
        sent += one.sendmsg([bytes(4096)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1]))])
except TimeoutError:
    print("stuck", flush=True)
"""


@pytest.fixture
def lazy_server():
    """A server that answers a hello, and never reads again."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        one = listener.accept()[0]
        kept.append(one)
        one.recv(4096)
        one.sendall(b"x")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(5)
    for one in (*kept, listener):
        one.close()


def test_an_output_that_was_sent_to_the_proxy_holds_nobody_up(lazy_server):
    if not Path("/usr/bin/bwrap").exists():
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    rule = EgressRule("registry.example", lazy_server, addresses=("127.0.0.1",))
    trial = Trial(rules=[rule], egress=EgressLimits(idle_s=60.0))
    begun = time.monotonic()
    tried = trial.run(SEND_OUTPUT, f"registry.example:{lazy_server}", client_hello("registry.example").hex())
    assert (tried.status, tried.said.strip()) == (0, "stuck"), (tried.said, tried.message)
    assert time.monotonic() - begun < 45  # the idle limit is 60
