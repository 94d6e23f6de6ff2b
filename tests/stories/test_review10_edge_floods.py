"""Strangers at the port for gRPC: each call holds memory before anybody asks who it is, so there is a most of them."""

import asyncio
from typing import Any

import grpc
import pytest
from tests.stories.edge_scene import free_port

from ostiary.errors import RefusedError
from ostiary.identity.types import PepIdentity, PresentedPep
from ostiary.server.edge.answers import EdgeAnswer
from ostiary.server.edge.asked import EdgeAsked
from ostiary.server.edge.rpc import SERVICE, RpcDoor
from ostiary.server.settings.sections import Settings

MOST = 8


async def flood(calls: int) -> tuple[int, list[Any]]:
    port, inside, gone = free_port(), [0], asyncio.Event()
    settings = Settings.model_validate({"edge": {"proxies": ["e"], "grpc_port": port, "max_in_flight": MOST}})

    async def known(_presented: PresentedPep) -> PepIdentity:
        inside[0] += 1
        await gone.wait()  # an issuer whose keys are slow to come
        raise RefusedError("pep_unauthenticated", "a stranger")

    async def nobody(_pep: PepIdentity, _asked: EdgeAsked) -> EdgeAnswer:
        pytest.fail("a stranger was answered")

    door = RpcDoor(settings, known, nobody, lambda *_: None)
    await door.open()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = channel.unary_unary(f"/{SERVICE}/Check", request_serializer=bytes, response_deserializer=bytes)
        waiting = [asyncio.ensure_future(_code(ask(b"", timeout=20))) for _ in range(calls)]
        while inside[0] + sum(one.done() for one in waiting) < calls:  # noqa: ASYNC110 - nobody tells of a call's end
            await asyncio.sleep(0.01)
        most = inside[0]
        gone.set()
        codes = await asyncio.gather(*waiting)
    await door.close(0)
    return most, codes


async def _code(call: Any) -> Any:
    try:
        await call
    except grpc.aio.AioRpcError as no:
        return no.code()


def test_strangers_wait_in_a_room_that_has_an_end() -> None:
    most, codes = asyncio.run(flood(5 * MOST))
    assert most <= MOST
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 5 * MOST - most
    assert None not in codes
