"""By the proxy: what it is not meant for."""

from __future__ import annotations

import socket

from ostiary.testing.attacks_on_sandbox.common import TOLD


def _proxy(data: bytes, *, shut: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", 3128), timeout=5) as one:
        one.sendall(data)
        if shut:
            one.shutdown(socket.SHUT_WR)
        said = b""
        while part := one.recv(4096):
            said += part
        return said


def proxy_targets() -> str:
    for target in TOLD["refused"]:
        said = _proxy(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{target}: {said[:40]!r}"
    return ""


def proxy_methods() -> str:
    host = TOLD["allowed"]
    for request in (
        f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"GET https://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"POST http://127.0.0.1:{TOLD['tcp']}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nout",
        f"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        said = _proxy(request.encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{request[:40]}: {said[:40]!r}"
    return ""


def proxy_smuggling() -> str:
    host = TOLD["allowed"]
    inner = f"CONNECT 127.0.0.1:{TOLD['tcp']} HTTP/1.1\r\n\r\n"
    for request in (
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(inner)}\r\n\r\n{inner}",
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"CONNECT {host} HTTP/1.1\r\nHost: 127.0.0.1:{TOLD['tcp']}\r\n\r\n",
        f"CONNECT {host}\n HTTP/1.1\r\n\r\n",
        f"CONNECT 127.0.0.1:{TOLD['tcp']}#{host} HTTP/1.1\r\n\r\n",
        f"CONNECT {host}@127.0.0.1:{TOLD['tcp']} HTTP/1.1\r\n\r\n",
    ):
        said = _proxy(request.encode())
        if said.startswith(b"HTTP/1.1 2"):
            return f"{request[:60]!r}: {said[:40]!r}"
    return ""


def proxy_second_request() -> str:
    """After a refusal a second request on the same connection finds nobody."""
    good = f"CONNECT {TOLD['allowed']} HTTP/1.1\r\nHost: {TOLD['allowed']}\r\n\r\n"
    said = _proxy(f"CONNECT unlisted.example:443 HTTP/1.1\r\n\r\n{good}".encode())
    return f"{said!r}" if b" 200 " in said else ""


def proxy_plain_text() -> str:
    """A tunnel without TLS carries nothing."""
    host = TOLD["allowed"]
    said = _proxy(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\nGET /secret HTTP/1.1\r\n\r\n".encode())
    return f"{said!r}" if TOLD["answer"].encode() in said else ""


def proxy_by_socket_file() -> str:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect("/run/egress/proxy.sock")
        one.sendall(b"CONNECT unlisted.example:443 HTTP/1.1\r\n\r\n")
        said = one.recv(100)
    return f"{said!r}" if b" 200 " in said else ""


def listen_for_the_proxy() -> str:
    """Nobody takes the proxy's place for the processes that trust it: the port is taken."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 3128))
        one.listen()
    return "listens"
