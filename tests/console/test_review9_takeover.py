"""Attack: an owner of one tenant becomes somebody who looks after every tenant; whoever was taken off comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server.console.people import enter, people_of
from ostiary.server.console.sessions import sessions_of
from ostiary.server.deeds import COMMAND_LINE
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
KEEPER = "user:keeper-of-all"
NOT_YOURS = "console_not_deployment"


@pytest.fixture(scope="module")
def keeper(server: Any, people: People) -> FakeBrowser:
    """Somebody who looks after the deployment, in the tenant whose owner attacks."""
    return people("owner", "acme", name="keeper-of-all", deployment=True)


@pytest.mark.usefixtures("keeper")
def test_no_owner_of_a_tenant_gets_the_link_of_who_looks_after_all(server: Any, people: People) -> None:
    enter(server.house, "acme", "user:fresh-keeper", ["owner"], COMMAND_LINE, deployment=True)
    owner = people("owner", "acme")
    answer = owner.deed("/people/user:fresh-keeper/link")
    assert (answer.status_code, answer.json()["code"]) == (403, NOT_YOURS)
    assert "url" not in answer.text
    key = owner.deed("/keys/administrators").json()["once"]["text"]
    path = "/tenants/acme/authenticators/invitations"
    with_key = server.admin("POST", path, json={"subject": "user:fresh-keeper"}, key=key)
    assert (with_key.status_code, with_key.json()["code"]) == (409, NOT_YOURS)


@pytest.mark.usefixtures("keeper")
def test_two_owners_of_a_tenant_do_not_recover_who_looks_after_all(people: People) -> None:
    one, two = people("owner", "acme"), people("owner", "acme", name="second-owner")
    answer = one.deed(f"/people/{KEEPER}/recovery", {"reason": "lost the phone"})
    assert answer.json().get("code") == NOT_YOURS
    page = two.get("/people/" + KEEPER).text
    assert "/people/recoveries/" not in page


@pytest.mark.usefixtures("keeper")
def test_no_owner_of_a_tenant_takes_them_off_or_makes_less_of_them(server: Any, people: People) -> None:
    owner = people("owner", "acme")
    for answer in (
        owner.deed(f"/people/{KEEPER}/remove"),
        owner.deed("/people", {"name": "keeper-of-all", "role-auditor": "1"}),
    ):
        assert answer.json().get("code") == NOT_YOURS
    kept = people_of(server.house).find("acme", KEEPER)
    assert kept is not None
    assert (kept.roles, kept.deployment) == (("owner",), True)


def test_they_themselves_may(server: Any, people: People, keeper: FakeBrowser) -> None:
    enter(server.house, "acme", "user:other-keeper", ["owner"], COMMAND_LINE, deployment=True)
    assert "once" in keeper.deed("/people/user:other-keeper/link").json()
    assert keeper.deed("/people/user:other-keeper/remove").status_code == 200
    assert "once" in people("owner", "acme").deed("/people/user:owner-acme/link").json()


def test_a_session_does_not_come_back_with_its_person(server: Any, people: People) -> None:
    owner, leaver = people("owner"), people("developer", name="leaver")
    assert leaver.get("/me").status_code == 200
    assert owner.deed("/people/user:leaver/remove").status_code == 200
    assert not sessions_of(server.house).of("default", "user:leaver")
    assert owner.deed("/people", {"name": "leaver", "role-developer": "1"}).status_code == 200
    assert leaver.get("/me").status_code == 303, "who had the cookie then must sign in anew"
