"""Review 14: one tenant that asks without end keeps no other waiting behind all of it, and takes not every place."""

import asyncio
import contextlib

import pytest

from ostiary.errors import UnavailableError
from ostiary.server.fairly import Places, Turns


def test_one_tenant_does_not_take_the_last_places() -> None:
    places, held = Places(8), contextlib.ExitStack()
    with places.taken("small", "busy"), places.taken("greedy", "busy"):
        pass
    with held:
        for _ in range(6):
            held.enter_context(places.taken("greedy", "busy"))
        with pytest.raises(UnavailableError) as no:
            held.enter_context(places.taken("greedy", "busy"))
        assert no.value.code == "overloaded"
        held.enter_context(places.taken("small", "busy"))
        held.enter_context(places.taken("other", "busy"))
        with pytest.raises(UnavailableError):
            held.enter_context(places.taken("late", "busy"))
    with Places(1).taken("alone", "busy"):
        pass


def test_turns_go_round_among_tenants() -> None:
    async def told() -> list[str]:
        turns, had, begin = Turns(1), list[str](), asyncio.get_running_loop().create_task

        async def one(tenant: str) -> None:
            async with turns.turn(tenant):
                had.append(tenant)
                await asyncio.sleep(0)

        greedy = [begin(one("greedy")) for _ in range(6)]
        await asyncio.sleep(0)
        small = begin(one("small"))
        gone = begin(one("gone"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(*greedy, small, gone, return_exceptions=True)
        await one("last")
        return had

    had = asyncio.run(told())
    assert had.index("small") <= 3
    assert (had.count("greedy"), had.count("gone"), had[-1]) == (6, 0, "last")


def test_a_tenant_that_is_alone_has_every_place_and_only_until_another_comes() -> None:
    for most in (1, 2, 3, 8):
        places, held = Places(most), [contextlib.ExitStack() for _ in range(most)]
        for one in held:
            one.enter_context(places.taken("first", "busy"))
        with pytest.raises(UnavailableError), places.taken("second", "busy"):
            pass
        held.pop().close()
        if most > 1:
            with pytest.raises(UnavailableError), places.taken("first", "busy"):
                pass
        with places.taken("second", "busy"):
            pass
