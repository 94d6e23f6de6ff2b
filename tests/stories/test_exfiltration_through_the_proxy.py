"""What a training command can say to the world through its proxy: to listed names, under those names, so many bytes."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from ostiary.pipeline.training.accounts import Budget, ConnectionLog, EgressLimits
from ostiary.pipeline.training.egress import EgressRule
from ostiary.pipeline.training.pinning import Pins
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.testing.tls_hellos import (
    ECH,
    client_hello,
    extension,
    hello_message,
    records,
    retry_request,
    server_hello,
)
from ostiary.vocabulary.clock import SystemClock

NAME = "registry.example"
LIMITS = EgressLimits(bytes_up=1 << 20, connections=50, at_once=8, idle_s=1.0, head_s=1.5, connect_s=2.0)


class Upstream:
    """A server that keeps what it is sent, and answers the first bytes with what it was told to."""

    def __init__(self, answers: list[bytes] | None = None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answers = [server_hello()] if answers is None else answers
        self.got: list[bytearray] = []
        self.open: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        try:
            while True:
                one, _ = self.listener.accept()
                self.open.append(one)
                self.threads.append(threading.Thread(target=self._talk, args=(one,), daemon=True))
                self.threads[-1].start()
        except OSError:
            return

    def _talk(self, one):
        kept = bytearray()
        self.got.append(kept)
        answers = iter(self.answers)
        with one:
            try:
                while data := one.recv(65_536):
                    kept += data
                    one.sendall(next(answers, b"") or b"more")
            except OSError:
                return

    def all(self) -> bytes:
        return b"".join(bytes(one) for one in self.got)

    def soon(self, size):
        """Return what came, when so much of it has: the proxy has passed it on before it is read here."""
        until = time.monotonic() + 10
        while len(self.all()) < size and time.monotonic() < until:
            time.sleep(0.01)
        return self.all()

    def close(self):
        for one in (self.listener, *self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                one.close()
        for thread in self.threads:
            thread.join(5)


class Way:
    """A proxy with one rule, and a client of it."""

    def __init__(self, upstream: Upstream, limits: EgressLimits = LIMITS, **how) -> None:
        self.upstream = upstream
        self.faults: list[object] = []
        self.log = ConnectionLog(limits)
        self.log.probing = False
        self.budget = Budget(limits.bytes_up)
        rule = EgressRule(NAME, upstream.port, addresses=() if "resolve" in how else ("127.0.0.1",))
        pins = Pins([rule], **how)
        self.proxy = EgressProxy(
            pins, self.budget, self.log, limits, SystemClock(), lambda *told: self.faults.append(told)
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        self.proxy.serve(listener)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)

    def ask(self, client: socket.socket, target: str = "") -> bytes:
        client.sendall(f"CONNECT {target or f'{NAME}:{self.upstream.port}'} HTTP/1.1\r\n\r\n".encode())
        return client.recv(4096)

    def send(self, *pieces: bytes, pause: float = 0.0) -> bytes:
        """Open a tunnel, send pieces, and return all that comes back."""
        with self.connect() as client:
            assert b" 200 " in self.ask(client)
            try:
                for piece in pieces:
                    client.sendall(piece)
                    time.sleep(pause)
                client.shutdown(socket.SHUT_WR)
                return _all(client)
            except OSError:
                return b""

    def verdicts(self, count: int = 1) -> list[str]:
        deadline = time.monotonic() + 10
        while len(self.log.entries) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return [entry.verdict for entry in self.log.entries]


def _all(one: socket.socket) -> bytes:
    told = b""
    try:
        while part := one.recv(65_536):
            told += part
    except ConnectionResetError:
        return told
    return told


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    yield found
    found.close()


@pytest.fixture
def way(upstream) -> Iterator[Way]:
    found = Way(upstream)
    yield found
    found.proxy.close()
    assert found.faults == []


@pytest.fixture
def other(upstream):
    made: list[Way] = []

    def make(limits: EgressLimits = LIMITS, **how) -> Way:
        made.append(Way(upstream, limits, **how))
        return made[-1]

    yield make
    for one in made:
        one.proxy.close()
        assert one.faults == []


def test_a_listed_name_is_reached_and_logged(way, upstream):
    hello = client_hello(NAME)
    assert way.send(hello + b"data").startswith(server_hello())
    assert way.verdicts() == ["allowed"]
    entry = way.log.entries[0]
    assert (entry.host, entry.port, entry.sni, entry.address) == (NAME, upstream.port, NAME, "127.0.0.1")
    assert entry.bytes_up == len(hello) + 4 == len(upstream.soon(len(hello) + 4))
    assert entry.bytes_down >= len(server_hello())
    assert way.log.digest().startswith("sha256:")


@pytest.mark.parametrize("pieces", [1, 3, 40])
def test_a_hello_in_pieces_is_read_as_one(way, upstream, pieces):
    hello = client_hello(NAME, size=32)
    step = len(hello) // pieces + 1
    way.send(*[hello[place : place + step] for place in range(0, len(hello), step)], pause=0.002)
    assert way.verdicts() == ["allowed"]
    assert upstream.soon(len(hello)) == hello


@pytest.mark.parametrize(
    ("hello", "verdict"),
    [
        (client_hello("evil.example"), "tls_name_mismatch"),
        (client_hello(f"{NAME}.evil.example"), "tls_name_mismatch"),
        (client_hello(f"{NAME}."), "tls_name_mismatch"),
        (client_hello(f"{NAME}\0.evil.example"), "tls_name_mismatch"),
        (client_hello("127.0.0.1"), "tls_name_mismatch"),
        (records(hello_message([])), "tls_name_missing"),
        (client_hello(NAME, more=[extension(ECH, b"\0" * 200)]), "tls_name_hidden"),
        (b"GET /secret HTTP/1.1\r\nHost: registry.example\r\n\r\n", "tls_expected"),
        (b"SSH-2.0-OpenSSH_9\r\n", "tls_expected"),
        (b"\x17\x03\x03\x00\x04data", "tls_expected"),
        (client_hello(NAME, size=1), "tls_hello_too_large"),
    ],
)
def test_another_or_hidden_name_or_no_tls_reaches_nobody(way, upstream, hello, verdict):
    way.send(hello + b"the secret")
    assert way.verdicts() == [verdict]
    assert upstream.all() == b""


def test_the_second_hello_is_held_to_the_same_name(upstream, other):
    upstream.answers = [retry_request(), server_hello()]
    for name, verdict in ((NAME, "allowed"), ("evil.example", "tls_name_mismatch")):
        way = other()
        with way.connect() as client:
            way.ask(client)
            client.sendall(client_hello(NAME))
            assert client.recv(4096) == retry_request()
            client.sendall(b"\x14\x03\x03\0\1\1" + client_hello(name))
            client.shutdown(socket.SHUT_WR)
            _all(client)
        assert way.verdicts() == [verdict]
    assert b"evil.example" not in upstream.all()


def test_a_second_hello_sent_ahead_is_not_passed_unread(upstream, other):
    upstream.answers = [retry_request(), server_hello()]
    way = other()
    way.send(client_hello(NAME) + client_hello("evil.example"))
    assert way.verdicts() == ["tls_name_mismatch"]
    assert b"evil.example" not in upstream.all()


@pytest.mark.parametrize(
    ("target", "status", "verdict"),
    [
        ("evil.example:443", b"403", "egress_not_granted"),
        (f"{NAME}:443", b"403", "egress_not_granted"),
        ("127.0.0.1:443", b"403", "egress_ip_literal"),
        ("[::1]:443", b"403", "egress_ip_literal"),
        (f"{NAME}.:443", b"400", "egress_malformed"),
        (f"a{NAME}:443", b"403", "egress_not_granted"),
    ],
)
def test_what_is_not_listed_is_refused_in_words_and_the_connection_ends(way, target, status, verdict):
    with way.connect() as client:
        said = way.ask(client, target) + _all(client)
        assert status in said.splitlines()[0]
        assert said.endswith(verdict.encode() + b"\n")
    assert way.verdicts() == [verdict]


def test_a_tunnel_is_no_way_to_a_second_request(way, upstream):
    again = f"CONNECT evil.example:{upstream.port} HTTP/1.1\r\n\r\n".encode()
    hello = client_hello(NAME)
    way.send(hello + again)
    assert way.verdicts() == ["allowed"]
    assert (
        upstream.soon(len(hello + again)) == hello + again
    )  # it went where the tunnel leads, and nobody read it as a request
    assert [entry.host for entry in way.log.entries] == [NAME]


def test_no_byte_leaves_beyond_the_budget(upstream, other):
    hello = client_hello(NAME)
    way = other(msgspec.structs.replace(LIMITS, bytes_up=len(hello) + 1000))
    way.send(hello, b"x" * 400, b"y" * 5000, pause=0.05)
    assert way.verdicts() == ["egress_budget_spent"]
    assert len(upstream.soon(len(hello) + 1000)) == len(hello) + 1000
    with way.connect() as client:
        assert b" 429 " in way.ask(client)


def test_two_connections_at_once_share_the_budget(upstream, other):
    hello = client_hello(NAME)
    way = other(msgspec.structs.replace(LIMITS, bytes_up=100_000))

    def send() -> None:
        with contextlib.suppress(AssertionError):  # one that comes after the budget is spent is not even connected
            way.send(hello, *[b"x" * 20_000] * 10)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert "egress_budget_spent" in way.verdicts(4)
    assert len(upstream.soon(100_000)) == 100_000 == sum(entry.bytes_up for entry in way.log.entries)


def test_connections_are_counted(upstream, other):
    way = other(msgspec.structs.replace(LIMITS, connections=3))
    for _ in range(6):
        with way.connect() as client:
            try:
                way.ask(client, "evil.example:443")
            except OSError:
                continue
    assert way.verdicts(3) == ["egress_not_granted"] * 3
    assert way.log.turned_away == 3


def test_only_so_many_at_a_time(upstream, other):
    way = other(msgspec.structs.replace(LIMITS, at_once=2))
    with way.connect() as one, way.connect() as two, way.connect() as three:
        assert b" 200 " in way.ask(one)
        assert b" 200 " in way.ask(two)
        three.settimeout(5)
        assert _all_after(three, b"CONNECT registry.example:1 HTTP/1.1\r\n\r\n") == b""


def _all_after(one: socket.socket, data: bytes) -> bytes:
    try:
        one.sendall(data)
    except OSError:
        return b""
    return _all(one)


def test_whoever_dawdles_over_the_request_or_the_hello_is_cut_off(way, upstream):
    with way.connect() as client:
        begun = time.monotonic()
        client.sendall(b"CONNECT ")
        _all(client)
        assert time.monotonic() - begun < 4
    with way.connect() as client:
        way.ask(client)
        client.sendall(client_hello(NAME)[:20])
        _all(client)
    assert way.verdicts(2) == ["egress_head_late"] * 2
    assert upstream.all() == b""


def test_an_idle_tunnel_is_closed(way):
    with way.connect() as client:
        way.ask(client)
        client.sendall(client_hello(NAME))
        _all(client)
    assert way.verdicts() == ["egress_idle"]


def test_a_name_that_leads_inside_is_not_called(upstream, other):
    for addresses in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]):
        way = other(resolve=lambda _host, _port, found=addresses: found)
        with way.connect() as client:
            assert b" 403 " in way.ask(client)
        assert way.verdicts() == ["egress_private_address"]
    assert upstream.got == []


def test_a_name_that_nobody_knows_is_told(other):
    def resolve(_host, _port):
        raise OSError

    way = other(resolve=resolve)
    with way.connect() as client:
        assert b" 502 " in way.ask(client)
    assert way.verdicts() == ["egress_unresolved"]


def test_the_log_is_lines_whatever_somebody_calls_himself(way):
    with way.connect() as client:
        client.sendall(b'CONNECT evil\r\n{"verdict": "allowed"}:443 HTTP/1.1\r\n\r\n')
        _all(client)
    way.verdicts()
    lines = way.log.lines().decode().splitlines()
    assert len(lines) == 1
    assert msgspec.json.decode(lines[0])["verdict"] == "proxy_request_malformed"


def test_probes_are_not_in_the_log(way):
    way.log.probing = True
    with way.connect() as client:
        way.ask(client, "evil.example:443")
        _all(client)
    time.sleep(0.05)
    assert way.log.entries == ()
