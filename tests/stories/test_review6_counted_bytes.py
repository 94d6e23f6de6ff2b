"""A caller behind TLS that takes what it was sent and then stands still pays for what it took.

There the bytes go through the loop, whose ``send`` comes back when they have left its buffers: what was handed to it
and did not come back may have arrived.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from ostiary.server.bulk import BulkReply

OBJECT = bytes(1 << 20)


def ended_of(send: Callable[[MutableMapping[str, Any]], Any], pieces: list[bytes]) -> tuple[int, BaseException | None]:
    told: list[tuple[int, BaseException | None]] = []
    views = iter([memoryview(piece) for piece in pieces])
    reply = BulkReply(
        200, views, sum(map(len, pieces)), (), stall_s=0.05, ended=lambda count, fault: told.append((count, fault))
    )
    asyncio.run(reply.send(send))
    return told[0]


def test_what_was_handed_to_a_connection_that_then_stalls_is_counted() -> None:
    arrived: list[bytes] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            arrived.append(message["body"][:-70_000])  # all but what the buffers hold
            await asyncio.sleep(10)

    count, fault = ended_of(send, [OBJECT, OBJECT])
    assert isinstance(fault, TimeoutError)
    assert count >= sum(map(len, arrived))
    assert count < 2 * len(OBJECT)


def test_what_was_never_handed_over_is_not() -> None:
    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            raise ConnectionError

    assert ended_of(send, [OBJECT])[0] == 0
