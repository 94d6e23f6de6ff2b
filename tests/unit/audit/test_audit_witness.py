"""The witness protocol, case by case (C2SP tlog-witness), over its pure parts, its memory and its HTTP face."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ostiary.audit import AuditLog
from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.tlog.cosignatures import verify_cosignatures
from ostiary.audit.tlog.merkle import leaf_hash, root_of
from ostiary.audit.tlog.notes import NoteKey, parse_note
from ostiary.audit.tlog.tiles import Frontier, consistency_proof
from ostiary.audit.witness import Courier, Witness, WitnessPeer
from ostiary.audit.witness.book import WitnessBook
from ostiary.audit.witness.request import encode_request, parse_request
from ostiary.audit.witness_http import WitnessApp
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys import SigningKey, sha256_hex
from ostiary.testing.fake_clock import FakeClock

ORIGIN = "log.test/one"
LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]


class Log:
    """A log that says whatever the test wants."""

    def __init__(self) -> None:
        self.key = SigningKey.generate("log")
        self.public = NoteKey(ORIGIN, self.key.public)

    def note(self, size: int, root: bytes | None = None, origin: str = ORIGIN, key: SigningKey | None = None) -> bytes:
        return sign_checkpoint(Checkpoint(origin, size, root or root_of(LEAVES[:size])), [key or self.key])

    def proof(self, old: int, size: int) -> list[bytes]:
        frontier = Frontier()
        for leaf in LEAVES[:size]:
            frontier.push(leaf)
        tiles = {(level, index): hashes for level, index, hashes in frontier.take_changed()}
        return consistency_proof(old, size, lambda level, index: tiles[level, index])

    def request(self, old: int, size: int) -> bytes:
        return encode_request(old, self.proof(old, size) if old else [], self.note(size))


@pytest.fixture
def log_() -> Log:
    return Log()


@pytest.fixture
def make_witness(tmp_path: Path, log_: Log, clock: FakeClock) -> Callable[[], Witness]:
    key = SigningKey.generate("witness")

    def make() -> Witness:
        book = WitnessBook(tmp_path / "witness")
        return Witness("witness.test/w1", key, {ORIGIN: [log_.public]}, book, clock)

    return make


@pytest.fixture
def witness(make_witness: Callable[[], Witness]) -> Witness:
    return make_witness()


def test_a_first_checkpoint_is_cosigned(witness: Witness, log_: Log, clock: FakeClock) -> None:
    answer = witness.add_checkpoint(log_.request(0, 5))
    assert answer.status == 200
    assert answer.body.decode().startswith("\N{EM DASH} witness.test/w1 ")
    (cosigned,) = verify_cosignatures(parse_note(log_.note(5) + answer.body), [witness.key])
    assert cosigned.time_s == clock.now_ns() // 10**9


def test_growth_is_cosigned_step_by_step(witness: Witness, log_: Log) -> None:
    for old, size in [(0, 1), (1, 2), (2, 255), (255, 256), (256, 256), (256, 257), (257, 700)]:
        assert witness.add_checkpoint(log_.request(old, size)).status == 200


def test_the_memory_survives_a_restart(make_witness: Callable[[], Witness], log_: Log) -> None:
    make_witness().add_checkpoint(log_.request(0, 5))
    answer = make_witness().add_checkpoint(log_.request(0, 9))
    assert (answer.status, answer.body, answer.content_type) == (409, b"5\n", "text/x.tlog.size")
    assert make_witness().add_checkpoint(log_.request(5, 9)).status == 200


def test_a_wrong_old_size_conflicts_and_tells_the_right_one(witness: Witness, log_: Log) -> None:
    assert witness.add_checkpoint(log_.request(3, 5)).body == b"0\n"
    witness.add_checkpoint(log_.request(0, 9))
    for old, size in [(0, 9), (5, 9), (5, 5), (0, 0)]:
        answer = witness.add_checkpoint(log_.request(old, size))
        assert (answer.status, answer.body) == (409, b"9\n")


def test_an_unknown_log_is_not_found(witness: Witness, log_: Log) -> None:
    assert witness.add_checkpoint(encode_request(0, [], log_.note(5, origin="log.test/two"))).status == 404


def test_a_missing_or_bad_signature_is_forbidden(witness: Witness, log_: Log) -> None:
    stranger = log_.note(5, key=SigningKey.generate("x"))
    assert witness.add_checkpoint(encode_request(0, [], stranger)).status == 403
    forged = log_.note(5).replace(b"\n5\n", b"\n6\n")
    assert witness.add_checkpoint(encode_request(0, [], forged)).status == 403


def test_a_shrinking_log_is_a_bad_request(witness: Witness, log_: Log) -> None:
    witness.add_checkpoint(log_.request(0, 9))
    assert witness.add_checkpoint(encode_request(9, [], log_.note(5))).status == 400


@pytest.mark.parametrize(
    "case",
    [
        (5, 9, "no proof"),
        (5, 9, "wrong root"),
        (5, 9, "altered proof"),
        (5, 9, "too long"),
        (5, 5, "other root"),
        (5, 5, "proof for nothing"),
    ],
)
def test_history_that_does_not_continue_is_unprocessable(
    witness: Witness, log_: Log, case: tuple[int, int, str]
) -> None:
    old, size, fault = case
    witness.add_checkpoint(log_.request(0, old))
    proof = log_.proof(old, size) if old < size else []
    note = log_.note(size)
    if fault == "no proof":
        proof = []
    elif fault == "altered proof":
        proof[0] = bytes(32)
    elif fault in {"too long", "proof for nothing"}:
        proof.append(bytes(32))
    else:
        note = log_.note(size, root=bytes(32))
    assert witness.add_checkpoint(encode_request(old, proof, note)).status == 422
    assert witness.add_checkpoint(log_.request(old, size)).status == 200


def test_the_empty_tree_must_be_empty_and_needs_no_proof(witness: Witness, log_: Log) -> None:
    assert witness.add_checkpoint(encode_request(0, [], log_.note(0, root=bytes(32)))).status == 422
    assert witness.add_checkpoint(encode_request(0, [bytes(32)], log_.note(5))).status == 422
    assert witness.add_checkpoint(encode_request(0, [], log_.note(0))).status == 200
    assert witness.add_checkpoint(log_.request(0, 5)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n",
        b"old -1\n\nx\n1\n",
        b"old 01\n\n",
        b"new 0\n\n",
        b"old 0\nnot base64\n\n",
        b"old 0\n" + base64.b64encode(bytes(31)) + b"\n\n",
        b"old 0\n" + (base64.b64encode(bytes(32)) + b"\n") * 64 + b"\n",
        b"old 0\n\nno note",
        b"old 99999999999999999999999\n\n",
        b"\xff" * 100,
        b"x" * 200_000,
    ],
)
def test_malformed_requests_are_bad_requests(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400


def test_what_was_cosigned_can_be_fetched(witness: Witness, log_: Log) -> None:
    name = sha256_hex(ORIGIN.encode())
    assert witness.checkpoint(name).status == 404
    for old, size in [(0, 5), (5, 9), (9, 9)]:
        witness.add_checkpoint(log_.request(old, size))
    newest = parse_note(witness.checkpoint(name).body)
    assert newest.text.split(b"\n")[1] == b"9"
    assert verify_cosignatures(newest, [witness.key])
    assert witness.history(name).body.count(b"----\n") == 2
    for place in ("", "../secret", name[:-1], name.upper()):
        assert witness.checkpoint(place).status == 404


def test_a_witness_that_lost_its_memory_does_not_cosign(
    make_witness: Callable[[], Witness], log_: Log, tmp_path: Path
) -> None:
    make_witness().add_checkpoint(log_.request(0, 5))
    (tmp_path / "witness" / f"{sha256_hex(ORIGIN.encode())}.json").write_bytes(b"{")
    assert make_witness().add_checkpoint(log_.request(0, 5)).status == 503


def test_requests_are_read_back(log_: Log) -> None:
    request = parse_request(log_.request(5, 9))
    assert (request.old_size, list(request.proof), request.note) == (5, log_.proof(5, 9), log_.note(9))
    with pytest.raises(FaultyInputError):
        parse_request(b"old 5\n")


def test_the_http_face(witness: Witness, log_: Log) -> None:
    async def talk() -> list[httpx.Response]:
        transport = httpx.ASGITransport(WitnessApp(witness))
        async with httpx.AsyncClient(transport=transport, base_url="http://witness.test") as client:
            name = sha256_hex(ORIGIN.encode())
            return [
                await client.post("/add-checkpoint", content=log_.request(0, 5)),
                await client.post("/add-checkpoint", content=log_.request(0, 5)),
                await client.get(f"/{name}/checkpoint"),
                await client.get(f"/{name}/history"),
                await client.post("/add-checkpoint", content=b"x" * 1_000_000),
                await client.get("/add-checkpoint"),
                await client.get("/"),
                await client.delete(f"/{name}/checkpoint"),
            ]

    answers = asyncio.run(talk())
    assert [answer.status_code for answer in answers] == [200, 409, 200, 200, 413, 404, 404, 404]
    assert answers[1].headers["content-type"] == "text/x.tlog.size"


class Wire:
    """Connects a courier with a witness, without a network."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away")
        answer = self.witness.add_checkpoint(request.content)
        return httpx.Response(answer.status, content=answer.body, headers={"content-type": answer.content_type})


@pytest.fixture
def wired(log: AuditLog, tmp_path: Path, clock: FakeClock) -> Iterator[tuple[Courier, Wire]]:
    (key,) = log.public_keys()
    book = WitnessBook(tmp_path / "w")
    wire = Wire(Witness("witness.test/w1", SigningKey.generate("w"), {key.name: [key]}, book, clock))
    client = httpx.Client(transport=httpx.MockTransport(wire))
    courier = Courier(log.store, [WitnessPeer("https://witness.test", wire.witness.key)], client)
    yield courier, wire
    courier.close()


def _grow(log: AuditLog, count: int) -> None:
    start = log.head().size
    for number in range(start, start + count):
        log.append("default", "decision", f"dec_{number}", 1, b"x", "ann")
    log.append("default", "decision", f"dec_{start + count}", 1, b"x", "ann").result(10)


def test_the_courier_brings_cosignatures_home(log: AuditLog, wired: tuple[Courier, Wire]) -> None:
    courier, wire = wired
    for count in (3, 300, 1):
        _grow(log, count)
        delivery = courier.deliver()
        assert delivery.cosigned == ("witness.test/w1",)
        note = parse_note(log.store.cosigned())
        assert verify_cosignatures(note, [wire.witness.key])
        assert note.text == parse_note(log.checkpoint()).text


def test_a_new_courier_learns_the_old_size_from_the_witness(log: AuditLog, wired: tuple[Courier, Wire]) -> None:
    courier, wire = wired
    _grow(log, 10)
    courier.deliver()
    _grow(log, 10)
    client = httpx.Client(transport=httpx.MockTransport(wire))
    again = Courier(log.store, [WitnessPeer("https://witness.test", wire.witness.key)], client)
    assert again.deliver().cosigned == ("witness.test/w1",)
    again.close()


def test_a_witness_that_is_away_costs_only_its_cosignature(log: AuditLog, wired: tuple[Courier, Wire]) -> None:
    courier, wire = wired
    wire.away = True
    _grow(log, 1)
    delivery = courier.deliver()
    assert delivery.cosigned == ()
    assert "does not answer" in delivery.failed["witness.test/w1"]
    assert log.store.cosigned() == b""


def test_a_cosignature_of_another_key_is_not_taken(log: AuditLog, wired: tuple[Courier, Wire]) -> None:
    _, wire = wired
    stranger = NoteKey("witness.test/w1", SigningKey.generate("x").public, 4)
    client = httpx.Client(transport=httpx.MockTransport(wire))
    courier = Courier(log.store, [WitnessPeer("https://witness.test", stranger)], client)
    assert "no cosignature" in courier.deliver().failed["witness.test/w1"]
    courier.close()


def test_our_own_log_rolled_back_or_rewritten_is_raised(log: AuditLog, wired: tuple[Courier, Wire]) -> None:
    courier, wire = wired
    _grow(log, 5)
    courier.deliver()
    witness = wire.witness
    witness._book.keep(log.head().origin, type(witness._book.known("x"))(100, bytes(32)), b"note")
    with pytest.raises(VerificationError) as caught:
        courier.deliver()
    assert caught.value.code == "log_rolled_back"
    witness._book.keep(log.head().origin, type(witness._book.known("x"))(3, bytes(32)), b"note")
    with pytest.raises(VerificationError) as caught:
        courier.deliver()
    assert caught.value.code == "log_rewritten"


def test_a_witness_answering_nonsense_is_unavailable(log: AuditLog, clock: FakeClock) -> None:
    key = NoteKey("w", SigningKey.generate("w").public, 4)
    for answer in (httpx.Response(500), httpx.Response(200, content=b"nonsense"), httpx.Response(302)):
        client = httpx.Client(transport=httpx.MockTransport(lambda _, told=answer: told))
        courier = Courier(log.store, [WitnessPeer("https://w", key)], client)
        assert courier.deliver().failed
        courier.close()
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(409, content=b"many\n")))
    courier = Courier(log.store, [WitnessPeer("https://w", key)], client)
    assert courier.deliver().failed
    courier.close()


def test_an_unwritable_memory_gives_no_cosignature(
    make_witness: Callable[[], Witness], log_: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UnavailableError("key_unavailable", "the disk is full")

    monkeypatch.setattr("ostiary.audit.witness.book.write_private", full)
    answer = make_witness().add_checkpoint(log_.request(0, 5))
    assert answer.status == 503
    assert "\N{EM DASH}".encode() not in answer.body
