"""Keys that somebody made as an administrator do not outlive that somebody, or the tenant that they are for."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import RefusedError
from ostiary.server.console.people import enter
from ostiary.server.console.sessions import begin, sessions_of
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.forgetting import forget, forget_tenant


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server()


def works(server: Any, key: str) -> bool:
    try:
        server.house.admins.authenticate(f"Bearer {key}")
    except RefusedError:
        return False
    return True


def test_a_person_who_is_erased_leaves_no_key_and_no_name_on_one(server: Any) -> None:
    """Taking the person off ended the keys that it had made; erasing it left them, with its name on them."""
    house = server.house
    enter(house, "default", "user:ann", ["owner"], COMMAND_LINE)
    own, others = house.admins.create("default", "user:ann"), house.admins.create("default", "user:bob")
    made_with_it = house.admins.create("default", own.partition(".")[0])
    forget(house, "default", "user", "ann")
    assert [works(server, key) for key in (own, made_with_it, others)] == [False, False, True]
    assert not any("ann" in f"{one.by} {one.person}" for one in house.admins.of_tenant("default"))


def test_a_tenant_that_is_deleted_leaves_no_key_of_its_administrators(server: Any) -> None:
    server.admin("POST", "/tenants", json={"tenant": "gone"}).raise_for_status()
    key = server.house.admins.create("gone", "user:eve")
    forget_tenant(server.house, "gone")
    assert not works(server, key)
    assert server.house.admins.of_tenant("gone") == []


def test_whoever_is_taken_off_by_the_command_line_keeps_neither_key_nor_session(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API ended them, the command line did not: re-entered as an auditor, the owner's old key still ruled."""
    house = server.house
    enter(house, "default", "user:mia", ["owner"], COMMAND_LINE)
    enter(house, "default", "user:oz", ["owner"], COMMAND_LINE)
    key = house.admins.create("default", "user:mia")
    session, _ = begin(house, "default", "user:mia", acr="x", amr=(), address="")
    monkeypatch.setenv("OSTIARY_DATA", str(house.places.root))
    with contextlib.suppress(SystemExit):
        build_app()(["console", "remove", "user:mia"])
    assert not works(server, key)
    assert session.session_id not in {one.session_id for one in sessions_of(house).of("default", "user:mia")}


def test_somebody_of_the_same_name_in_another_tenant_ends_no_key_here(server: Any) -> None:
    """A key's person is of the key's own tenant: nobody else's leaving, and nobody else's key, is taken for hers."""
    house = server.house
    server.admin("POST", "/tenants", json={"tenant": "namesakes"}).raise_for_status()
    for tenant in ("default", "namesakes"):
        enter(house, tenant, "user:uma", ["owner"], COMMAND_LINE)
    here, there = house.admins.create("default", "user:uma"), house.admins.create("namesakes", "user:uma")
    forget(house, "namesakes", "user", "uma")
    assert [works(server, key) for key in (here, there)] == [True, False]
