"""The only way out of a sandbox: HTTP ``CONNECT`` to listed names, TLS only, and the name in the TLS hello must agree.

One connection, step by step; a step that fails ends it, and the log says which:

1. it is within the number of connections;
2. its head is one strict ``CONNECT`` (``connect.py``);
3. policy lists exactly that name and port;
4. the name leads to the addresses pinned for this run (``pinning.py``), and one of them answers;
5. the first bytes are a TLS ClientHello that names the same server and hides none;
6. if the server asks for a second hello, that one is held to 5 again;
7. bytes go both ways until an end, the idle limit or the budget.

One connection carries one request: there is no second ``CONNECT`` on it, and after a refusal it is closed.
"""

import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.training.accounts import Budget, Connection, ConnectionLog, EgressLimits
from ostiary.pipeline.training.connect import END, MAX_HEAD, read_connect
from ostiary.pipeline.training.egress import Target
from ostiary.pipeline.training.hello import ClientHelloReader, Hello, ServerHelloReader
from ostiary.pipeline.training.pinning import Pins
from ostiary.pipeline.training.relay import BUDGET_SPENT, Relay, shut
from ostiary.vocabulary.clock import Clock

ALLOWED: Final = "allowed"
_READ: Final = 65_536
_CALM_S: Final = 0.005
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_STATUS: Final = {
    "proxy_method": (405, "Method Not Allowed"),
    "proxy_request_malformed": (400, "Bad Request"),
    "egress_malformed": (400, "Bad Request"),
    "egress_unresolved": (502, "Bad Gateway"),
    "egress_unreachable": (502, "Bad Gateway"),
    BUDGET_SPENT: (429, "Too Many Requests"),
}
_FORBIDDEN: Final = (403, "Forbidden")
OnFault = Callable[[str, BaseException], None]


class EgressProxy:
    """Answers the listening sockets of one run."""

    def __init__(
        self, pins: Pins, budget: Budget, log: ConnectionLog, limits: EgressLimits, clock: Clock, on_fault: OnFault
    ) -> None:
        """Take what decides and what counts; ``on_fault`` is told of our own mistakes."""
        self.log = log
        self.budget = budget
        self._pins = pins
        self._limits = limits
        self._clock = clock
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = False

    def serve(self, listener: socket.socket) -> None:
        """Answer a listening socket, which is ours from now on."""
        listener.settimeout(None)
        self._keep(listener)
        self._start(lambda: self._accept(listener), "egress-accept")

    def close(self) -> None:
        """End all connections and wait for them."""
        with self._lock:
            self._closing = True
            waiting, self._threads = self._threads, []
            for one in self._open:
                shut(one)
        for thread in waiting:
            thread.join(self._limits.connect_s + 1)

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _keep(self, one: socket.socket) -> None:
        with self._lock:
            self._open.add(one)
            if self._closing:
                shut(one)

    def _drop(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        one.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            while not self._closing:
                client, _ = listener.accept()
                if not self.log.begin():
                    client.close()
                    time.sleep(_CALM_S)  # a flood costs its sender more than us
                    continue
                self._keep(client)
                self._start(lambda client=client: self._answer(client), "egress")  # type: ignore[misc]
        except OSError:
            return  # it was shut: the run is over
        finally:
            self._drop(listener)

    def _answer(self, client: socket.socket) -> None:
        one = Tunnel(self._clock.now_ns(), probe=self.log.probing)
        try:
            self._go(client, one)
        except OstiaryError as no:
            one.verdict = no.code
        except OSError:
            one.verdict = "egress_cut_off"
        except Exception as fault:  # noqa: BLE001 - our mistake closes this connection, and only this one
            one.verdict = "proxy_fault"
            self._on_fault("proxy_fault", fault)
        finally:
            self._drop(client)
            self.log.end(one.entry(self._clock.now_ns()))

    def _go(self, client: socket.socket, one: "Tunnel") -> None:
        deadline = time.monotonic() + self._limits.head_s
        try:
            head, rest = _read_head(client, deadline)
            one.target = read_connect(head)
            if not self._pins.allows(one.target):
                raise RefusedError("egress_not_granted", f"this run may not call `{one.target}`")
            if not self.budget.left:
                raise RefusedError(BUDGET_SPENT, "the run has sent all that it may")
            upstream = self._call(one.target, one)
        except OstiaryError as no:
            _refuse(client, no)
            raise
        try:
            self._keep(upstream)
            client.sendall(_ESTABLISHED)
            self._tunnel(client, upstream, rest, one, deadline)
        finally:
            self._drop(upstream)

    def _call(self, target: Target, one: "Tunnel") -> socket.socket:
        for address in self._pins.addresses(target):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            upstream = socket.socket(family, socket.SOCK_STREAM)
            try:
                upstream.settimeout(self._limits.connect_s)
                upstream.connect((address, target.port))
            except OSError:
                upstream.close()
                continue
            one.address = address
            return upstream
        raise UnavailableError("egress_unreachable", f"`{target}` does not answer")

    def _tunnel(
        self, client: socket.socket, upstream: socket.socket, rest: bytes, one: "Tunnel", deadline: float
    ) -> None:
        # INVARIANT: nothing beyond a hello goes out before the server's answer to it was read; what asks for a second
        # hello gets one that was checked, also from a client that sent it ahead.
        rest = self._pass_hello(client, upstream, rest, one, deadline, again=False)
        if self._asks_again(client, upstream, one, deadline):
            rest = self._pass_hello(client, upstream, rest, one, deadline, again=True)
        self._send(upstream, rest, one)
        relay = Relay(client, upstream, self.budget, self._limits.idle_s)
        try:
            relay.run()
        finally:
            one.up += relay.up
            one.down += relay.down
        one.verdict = relay.stopped or ALLOWED

    def _pass_hello(
        self,
        client: socket.socket,
        upstream: socket.socket,
        rest: bytes,
        one: "Tunnel",
        deadline: float,
        *,
        again: bool,
    ) -> bytes:
        reader = ClientHelloReader(again=again)
        hello = reader.feed(rest) if rest else None
        while hello is None:
            hello = reader.feed(_receive(client, deadline))
        one.sni = hello.server_name
        _check(hello, one.target)
        self._send(upstream, reader.raw, one)
        return reader.rest

    def _send(self, upstream: socket.socket, data: bytes, one: "Tunnel") -> None:
        if self.budget.take(len(data)) < len(data):
            raise RefusedError(BUDGET_SPENT, "the run has sent all that it may")
        upstream.sendall(data)
        one.up += len(data)

    def _asks_again(self, client: socket.socket, upstream: socket.socket, one: "Tunnel", deadline: float) -> bool:
        reader = ServerHelloReader()
        answer: bool | None = None
        while answer is None:
            data = _receive(upstream, deadline)
            answer = reader.feed(data)
            client.sendall(data)
            one.down += len(data)
        return answer


class Tunnel:
    """What is known of one connection so far."""

    def __init__(self, at_ns: int, *, probe: bool) -> None:
        """Begin at ``at_ns``; ``probe`` when the sandbox is still being tried."""
        self.at_ns = at_ns
        self.probe = probe
        self.target = Target("", 0)
        self.sni = self.address = ""
        self.verdict = "egress_cut_off"
        self.up = self.down = 0

    def entry(self, now_ns: int) -> Connection:
        """Return the entry of the log."""
        return Connection(
            at_ns=self.at_ns,
            verdict=self.verdict,
            host=self.target.host,
            port=self.target.port,
            sni=self.sni,
            address=self.address,
            bytes_up=self.up,
            bytes_down=self.down,
            duration_ms=max(0, now_ns - self.at_ns) // 1_000_000,
            probe=self.probe,
        )


def _check(hello: Hello, target: Target) -> None:
    if hello.hidden:
        raise RefusedError("tls_name_hidden", "the TLS hello hides a name (ECH)")
    if not hello.server_name:
        raise RefusedError("tls_name_missing", "the TLS hello names no server")
    if hello.server_name != target.host:
        raise RefusedError("tls_name_mismatch", "the TLS hello names another server than the request")


def _receive(one: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise FaultyInputError("egress_head_late", "the request did not arrive in time")
    one.settimeout(left)
    try:
        data = one.recv(_READ)
    except TimeoutError:
        raise FaultyInputError("egress_head_late", "the request did not arrive in time") from None
    if not data:
        raise FaultyInputError("egress_cut_off", "the connection ended before its request did")
    return data


def _read_head(client: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    head = b""
    while END not in head:
        if len(head) > MAX_HEAD:
            raise FaultyInputError("proxy_request_malformed", "the request's head is too long")
        head += _receive(client, deadline)
    request, _, rest = head.partition(END)
    return request + END, rest


def _refuse(client: socket.socket, no: OstiaryError) -> None:
    status, words = _STATUS.get(no.code, _FORBIDDEN)
    body = f"{no.code}\n".encode()
    head = f"HTTP/1.1 {status} {words}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    client.settimeout(1)
    client.sendall(head.encode() + body)
    client.shutdown(socket.SHUT_WR)
