"""Review 14: a tenant that asks without end took every place, and others heard that too many were there already."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ostiary.errors import UnavailableError
from ostiary.server.turns import Turns


async def refused(taking: Awaitable[None]) -> bool:
    try:
        await taking
    except UnavailableError:
        return True
    return False


async def waits(turns: Turns, tenant: str) -> "asyncio.Future[None]":
    task = asyncio.ensure_future(turns.take(tenant))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def the_flood_takes_half() -> None:
    turns = Turns(running=8, most=8)
    await turns.take("quiet")
    turns.give("quiet")
    assert [await refused(turns.take("loud")) for _ in range(6)] == [False] * 4 + [True] * 2
    assert not await refused(turns.take("quiet"))


async def the_only_tenant_takes_all_until_another_comes() -> None:
    turns = Turns(running=4, most=4)
    assert [await refused(turns.take("loud")) for _ in range(5)] == [False] * 4 + [True]
    assert await refused(turns.take("quiet"))  # nothing is free in this moment
    turns.give("loud")
    assert await refused(turns.take("loud"))  # what falls free is kept for the other
    assert not await refused(turns.take("quiet"))


async def the_next_tenant_comes_before_the_next_in_line() -> None:
    turns = Turns(running=1, most=32)
    await turns.take("loud")
    line = [await waits(turns, "loud") for _ in range(8)]
    quiet = await waits(turns, "quiet")
    turns.give("loud")
    await line[0]
    turns.give("loud")
    await quiet
    assert not any(one.done() for one in line[1:])
    turns.give("quiet")
    await line[1]


async def who_leaves_the_line_keeps_no_place() -> None:
    turns = Turns(running=1, most=4)
    await turns.take("one")
    gone, late = await waits(turns, "two"), await waits(turns, "three")
    gone.cancel()
    assert (await asyncio.gather(gone, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    turns.give("one")  # it is the turn of `three`, who leaves before it hears of it
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert not await refused(turns.take("four"))


@pytest.mark.parametrize(
    "story",
    [
        the_flood_takes_half,
        the_only_tenant_takes_all_until_another_comes,
        the_next_tenant_comes_before_the_next_in_line,
        who_leaves_the_line_keeps_no_place,
    ],
)
def test_places_are_shared(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())
