import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.standing import MAX_CONFIG, read_config
from ostiary.testing.tls_hellos import client_hello, server_hello

GOOD = {"run": "r1", "tenant": "default", "listen": "127.0.0.1:0", "rules": [{"host": "a.example", "port": 443}]}


@pytest.mark.parametrize(
    "change",
    [
        {"listen": "localhost:3128"}, {"listen": "127.0.0.1"}, {"listen": "0.0.0.0:99999"}, {"listen": "0.0.0.0:-1"},
        {"rules": "a.example:443"}, {"rules": [{"host": "*.example", "port": 443}]},
        {"rules": [{"host": "10.0.0.1", "port": 1}]},
        {"max_upload_bytes": -1}, {"max_upload_bytes": "1"}, {"more": 1}, {"run": ""}, {"tenant": None},
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(change):
    with pytest.raises(FaultyInputError):
        read_config(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 5000, b" " * (MAX_CONFIG + 1)])
def test_what_is_no_configuration_is_refused(data):
    with pytest.raises(FaultyInputError):
        read_config(data)


def test_by_command_it_serves_logs_and_ends_when_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        port = upstream.getsockname()[1]
        told = {
            **GOOD,
            "rules": [{"host": "a.example", "port": port, "addresses": ["127.0.0.1"]}],
            "max_upload_bytes": 500,
        }
        (tmp_path / "egress.json").write_text(json.dumps(told))
        words = ["from ostiary.cli import main; main()", "train", "proxy", "--config", str(tmp_path / "egress.json")]
        with subprocess.Popen(
            [sys.executable, "-c", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        ) as running:
            assert running.stderr is not None
            assert running.stdout is not None
            listening = running.stderr.readline()
            number = int(listening.split("port ")[1].split(" ")[0])
            for target in (f"a.example:{port}", "evil.example:443"):
                with socket.create_connection(("127.0.0.1", number), timeout=20) as client:
                    client.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
                    said = client.recv(100)
                    if b" 200 " in said:
                        client.sendall(client_hello("a.example"))
                        with upstream.accept()[0] as served:
                            assert served.recv(4096) == client_hello("a.example")
                            served.sendall(server_hello())
                            client.sendall(b"x" * 1000)
                            left = 500 - len(client_hello("a.example"))
                            got = b""
                            while part := served.recv(4096):
                                got += part
                            assert got == b"x" * left
            lines = [json.loads(running.stdout.readline()) for _ in range(2)]
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
    assert {(one["run"], one["host"], one["verdict"]) for one in lines} == {
        ("r1", "a.example", "egress_budget_spent"),
        ("r1", "evil.example", "egress_not_granted"),
    }
