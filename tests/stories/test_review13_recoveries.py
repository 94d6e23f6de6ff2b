"""Two agree that somebody begins anew; one of them must not be quicker with a link of his own."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.stories.test_passkeys_come_by_invitation import (
    ORIGIN,
    approval,
    code,
    enrol,
    invited,
    listed,
    passkey,
    recovery,
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server()


def approved(server: Any, subject: str) -> str:
    second = server.admin("POST", "/tenants/default/admin-keys").json()["key"]
    url: str = approval(server, recovery(server, subject).json()["id"], key=second).json()["url"]
    return url.removeprefix(ORIGIN)


def test_while_a_recovery_waits_to_be_used_nobody_invites_alone(server: Any) -> None:
    """The approved link went to the second one; the first one made another, and came before the person."""
    enrol(server, invited(server, "user:lost"), passkey())
    link = approved(server, "user:lost")
    mine = server.admin("POST", "/tenants/default/authenticators/invitations", json={"subject": "user:lost"})
    assert code(mine) == (409, "recovery_needed")
    assert enrol(server, link, passkey()).status_code == 200
    assert len(listed(server, "user:lost")) == 1


def test_a_recovery_whose_link_ran_out_can_be_asked_for_again(server: Any) -> None:
    enrol(server, invited(server, "user:slow"), passkey())
    approved(server, "user:slow")
    again = approved(server, "user:slow")
    assert enrol(server, again, passkey()).status_code == 200
    assert server.admin("POST", "/tenants/default/authenticators/invitations", json={"subject": "user:slow"}).is_success
