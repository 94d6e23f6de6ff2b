"""A real server with the shipped policy, and browsers of people with each role."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    """A server that browsers know as http://localhost:PORT; its house is open to the test."""
    port = _free_port()
    served = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
    served.house.tenants.create("acme")
    served.house.warm_up(lambda reason, fault: None)
    return served


def _signed_in(server: Any, name: str, role: str, tenant: str, *, deployment: bool) -> FakeBrowser:
    house, subject = server.house, f"user:{name}"
    enter(house, tenant, subject, [role], COMMAND_LINE, deployment=deployment)
    browser = FakeBrowser(server.url, page_base(house.settings), name, tenant)
    browser.enrol(invite(house, tenant, subject, COMMAND_LINE).url)
    browser.sign_in().raise_for_status()
    return browser


@pytest.fixture(scope="module")
def people(server: Any) -> Iterator[Callable[..., FakeBrowser]]:
    """Signs people in; ``people("owner")`` is the same browser each time."""
    known: dict[str, FakeBrowser] = {}

    def browser(role: str, tenant: str = "default", *, name: str = "", deployment: bool = False) -> FakeBrowser:
        called = name or f"{role}-{tenant}"
        if called not in known:
            known[called] = _signed_in(server, called, role, tenant, deployment=deployment)
        return known[called]

    yield browser
    for one in known.values():
        one.client.close()
