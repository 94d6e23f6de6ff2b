"""Two people agree in a real browser, each with a passkey; and one who may not sees no button."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft, Proposal
from ostiary.vocabulary.approvals import Deed

DEED = Deed("default", "phase.change", "deny@*", {"from": "shadow", "to": "low_risk", "report": "sha256:aa"})
PEOPLE = [Person("user:ann", ("risk",)), Person("user:bob", ("ops",)), Person("user:cyd", ("ops",))]
INVITE = "/tenants/default/authenticators/invitations"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any]) -> Any:
    running = serve()
    running.house.approvals.room.bootstrap("default", PEOPLE, "command line")
    return running


def enrolled(server: Any, visitor: Any, subject: str) -> None:
    visitor.page.goto(server.admin("POST", INVITE, json={"subject": subject}).json()["url"])
    visitor.press()
    visitor.done()


def proposed(server: Any, proposer: str = "user:zed") -> Proposal:
    made: Proposal = server.house.approvals.room.propose("default", Draft(DEED, proposer, "thirty quiet days"))
    return made


def link(server: Any, made: Proposal, query: str = "") -> str:
    base: str = server.house.settings.server.public_url
    return f"{base}/approve/default/{made.proposal_id}{query}"


def test_two_people_agree_each_with_a_passkey(server: Any, visitor: Any) -> None:
    for name in ("user:ann", "user:bob"):
        enrolled(server, visitor, name)
    made = proposed(server)
    page = visitor.page
    page.goto(link(server, made))
    text = page.locator("main").inner_text()
    for words in ("thirty quiet days", "shadow", "low_risk", "user:zed", made.words, "2 more signatures needed"):
        assert words in text
    assert page.locator("#act").count() == 0
    page.get_by_role("link", name="user:ann").click()
    visitor.press()
    assert "1 more signature needed, of another group" in visitor.done()
    page.goto(link(server, made, "?as=user:ann"))
    assert "You have signed this already" in page.locator("#why-not").inner_text()
    page.goto(link(server, made, "?as=user:bob"))
    visitor.press()
    assert "Enough people have agreed" in visitor.done()
    assert page.evaluate("() => document.activeElement.tagName") == "H2", "a screen reader hears that it is done"
    assert visitor.complaints == [], "no violation of the page's policy, no error, no warning"
    now = server.house.clock.now_ns()
    assert server.house.approvals.quorum.check(DEED, made.proposal_id, now).digest == made.digest


def test_a_no_and_a_narrow_screen_in_the_dark(server: Any, visitor: Any) -> None:
    for name in ("user:ann", "user:bob"):  # nobody holds a passkey yet, so nobody has to agree to the first one
        server.house.store.authenticators.remove_all("default", name)
    enrolled(server, visitor, "user:cyd")
    made = proposed(server)
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    visitor.page.emulate_media(color_scheme="dark")
    visitor.page.goto(link(server, made, "?as=user:cyd"))
    assert visitor.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), "nothing runs off"
    visitor.page.locator("#deny").click()
    visitor.done()
    visitor.page.goto(link(server, made))
    assert "People have said no" in visitor.page.locator("main").inner_text()
    assert server.house.approvals.room.standing("default", made.proposal_id).state == "rejected"


def test_who_is_not_recognised_agrees_to_nothing(server: Any, visitor: Any) -> None:
    server.house.store.authenticators.remove_all("default", "user:ann")
    enrolled(server, visitor, "user:ann")
    made = proposed(server)
    visitor.verifies(user=False)
    visitor.page.goto(link(server, made, "?as=user:ann"))
    visitor.press()
    assert "did not recognise you" in visitor.refused()
    assert server.house.approvals.room.standing("default", made.proposal_id).voices == ()


def test_the_proposer_sees_no_button(server: Any, visitor: Any) -> None:
    made = proposed(server, "user:bob")
    visitor.page.goto(link(server, made, "?as=user:bob"))
    assert visitor.page.locator("button").count() == 0
    assert "does not approve it" in visitor.page.locator("#why-not").inner_text()
