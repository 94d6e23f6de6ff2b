"""Replies of many bytes: past the loop and through it, to the byte, and cut off where they must not go on."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ostiary.errors import RefusedError
from ostiary.server.bulk import BulkReply, in_background
from ostiary.server.pumping import Sent, pump

DATA = bytes(range(256)) * 4096


def pieces(size: int, fault: BaseException | None = None) -> Iterator[memoryview]:
    for start in range(0, len(DATA), size):
        yield memoryview(DATA)[start : start + size]
    if fault is not None:
        raise fault


class Caller:
    """Takes what is sent, as an ASGI server does."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}
        self.body = b""
        self.ended = self.cut = False
        self.told: list[tuple[int, BaseException | None]] = []

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.started = message
            return
        self.body += message["body"]
        self.ended = not message.get("more_body", False)

    def abort(self) -> None:
        self.cut = True

    def reply(self, parts: Iterator[memoryview], length: int = len(DATA), **more: Any) -> BulkReply:
        given = {"abort": self.abort, "ended": lambda count, fault: self.told.append((count, fault)), **more}
        return BulkReply(200, parts, length, ((b"etag", b'"a"'),), **given)


def test_through_the_loop_every_byte_comes_and_is_counted() -> None:
    caller = Caller()
    asyncio.run(caller.reply(pieces(1000)).send(caller.send, b"r1"))
    assert (caller.body == DATA, caller.ended, caller.cut) == (True, True, False)
    assert caller.told == [(len(DATA), None)]
    headers = dict(caller.started["headers"])
    assert headers[b"content-length"] == b"%d" % len(DATA)
    assert (headers[b"cache-control"], headers[b"x-request-id"]) == (b"no-store", b"r1")


def test_a_store_that_fails_on_the_way_cuts_the_reply_off() -> None:
    caller, fault = Caller(), RefusedError("object_changed", "it changed")
    asyncio.run(caller.reply(pieces(1000, fault), len(DATA) + 1).send(caller.send))
    assert (caller.ended, caller.cut) == (False, True)
    assert caller.told == [(len(DATA), fault)]


def test_fewer_bytes_than_promised_are_no_whole_reply() -> None:
    caller = Caller()
    asyncio.run(caller.reply(pieces(1000), len(DATA) + 1).send(caller.send))
    assert (caller.ended, caller.cut, caller.told) == (False, True, [(len(DATA), None)])


def test_a_bug_is_told_and_raised() -> None:
    caller, fault = Caller(), KeyError("x")
    with pytest.raises(KeyError):
        asyncio.run(caller.reply(pieces(1000, fault), len(DATA) + 1).send(caller.send))
    assert (caller.cut, caller.told) == (True, [(len(DATA), fault)])


def test_whoever_trickles_is_cut_off_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.server.bulk.SLOWEST", 10 * len(DATA))
    caller = Caller()

    async def slowly(message: Any) -> None:
        await asyncio.sleep(0.05)  # each piece is in time, all of them are not
        await caller.send(message)

    asyncio.run(caller.reply(pieces(1000), stall_s=0.2).send(slowly))
    assert (caller.ended, caller.cut) == (False, True)
    assert 0 < caller.told[0][0] < len(DATA)


def test_a_head_has_no_body() -> None:
    caller = Caller()
    asyncio.run(caller.reply(pieces(1000), head=True).send(caller.send))
    assert (caller.body, caller.ended, caller.told) == (b"", True, [(0, None)])


def pumped(stall_s: float = 5.0, *, reads: bool = True, parts: Iterator[memoryview] | None = None) -> tuple[bytes, int]:
    """Return what came out of a socket and what was counted."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - as a server's are
    found, sent = list[bytes](), Sent()

    def read() -> None:
        while chunk := theirs.recv(65_536):
            found.append(chunk)

    reader = threading.Thread(target=read)
    if reads:
        reader.start()
    try:
        asyncio.run(pump(ours.fileno(), parts or pieces(100_000), sent, stall_s))
    finally:
        ours.close()
        if reads:
            reader.join()
        theirs.close()
    return b"".join(found), sent.count


def test_past_the_loop_every_byte_comes_and_is_counted() -> None:
    assert pumped() == (DATA, len(DATA))


def test_whoever_takes_nothing_is_not_waited_for() -> None:
    with pytest.raises(TimeoutError):
        pumped(0.1, reads=False)


def test_a_fault_of_the_store_comes_through() -> None:
    with pytest.raises(RefusedError):
        pumped(parts=pieces(1000, RefusedError("object_changed", "it changed")))


def test_whoever_went_away_ends_it() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003
    theirs.close()
    with pytest.raises(ConnectionError):
        asyncio.run(pump(ours.fileno(), pieces(1000), Sent(), 1.0))
    ours.close()


def test_a_cancelled_pump_has_let_go_of_the_socket() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003
    sent = Sent()

    async def cancelled() -> None:
        task = asyncio.ensure_future(pump(ours.fileno(), pieces(1000), sent, 10.0))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(cancelled())
    before = sent.count
    theirs.setblocking(False)  # noqa: FBT003
    assert 0 < before < len(DATA)
    assert sent.count == before
    ours.close()
    theirs.close()


def test_what_is_done_afterwards_is_done() -> None:
    done, faults = threading.Event(), list[BaseException]()

    def fails() -> None:
        raise KeyError

    def told(fault: BaseException) -> None:
        faults.append(fault)
        done.set()

    in_background(fails, told)
    assert done.wait(5)
    assert isinstance(faults[0], KeyError)
