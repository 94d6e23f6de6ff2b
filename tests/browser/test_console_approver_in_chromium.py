"""An approver's and an administrator's pages in a real Chromium: a signature by passkey, and no barrier on any page."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from ostiary.approvals.access import AccessRequest, Asked, Grant, scope
from ostiary.approvals.deciding import Hand
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft, Proposal
from ostiary.identity.devices.speaking import Voice
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.keys import SigningKey
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite, request_recovery
from ostiary.server.step_up.party import page_base, party_of
from ostiary.testing.console import FakeBrowser
from ostiary.testing.devices import FINE
from ostiary.vocabulary.approvals import Deed

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LISTEN = "document.addEventListener('securitypolicyviolation', e => console.error('csp: ' + e.violatedDirective))"
HOUR_NS = 3_600 * 10**9
PHASE = Deed(
    "default", "phase.change", "deny@*", {"from": "low_risk", "to": "high_impact", "report": "sha256:" + "5e" * 32}
)
POLICY = Deed("default", "policy.activate", "policy", {"old": "sha256:aa", "new": "sha256:bb", "impact": "rep_1"})
# What runs off the page, by its classes: a width alone would not say what to mend.
WIDER = """() => [...document.querySelectorAll("main *")].filter((one) => !one.closest(".scroll, .cli, pre, dialog"))
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 60)}`)"""
LOOKS = [("light", 1360), ("dark", 1360), ("light", 390)]


class World:
    """Ann looks after everything; Bob and Cyd decide with her; Eve will sign in a real browser."""

    def __init__(self, server: Any) -> None:
        self.house, self.base = server.house, page_base(server.house.settings)
        self.people = {name: FakeBrowser(server.url, self.base, name) for name in ("ann", "bob", "cyd")}
        for name, browser in self.people.items():
            enter(self.house, "default", f"user:{name}", ["owner"], COMMAND_LINE, deployment=name == "ann")
            browser.enrol(invite(self.house, "default", f"user:{name}", COMMAND_LINE).url)
        self.people["ann"].sign_in().raise_for_status()

    def name_the_people(self) -> None:
        room = self.house.approvals.room
        if not room.law("default").people:
            names = [("ann", "risk"), ("bob", "operations"), ("cyd", "operations"), ("eve", "risk")]
            room.bootstrap("default", [Person(f"user:{name}", (group,)) for name, group in names], COMMAND_LINE)

    def propose(self, deed: Deed, proposer: str, why: str) -> Proposal:
        made: Proposal = self.house.approvals.room.propose("default", Draft(deed, proposer, why, proposer))
        return made

    def signs(self, name: str, made: Proposal, comment: str = "", decision: Any = "approve") -> None:
        hand = Hand(f"user:{name}", f"user:{name}", decision, "", comment)
        party = party_of(self.house.settings)
        assert party is not None
        challenge = made.challenge(hand.person, hand.signer, hand.decision, comment)
        credential = self.people[name].passkey.get(assertion_options(party, challenge, [], 60_000))
        self.house.approvals.room.sign("default", made.proposal_id, hand, credential)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = start_server(
        guardrails=None,
        on_port=port,
        server={"public_url": f"http://localhost:{port}"},
        access_requests={"types": ["*"]},
        response={"syslog": [{"name": "siem", "host": "127.0.0.1", "port": 9}]},
    )
    served.house.warm_up(lambda reason, fault: None)
    return served


@pytest.fixture(scope="module")
def world(server: Any) -> Iterator[World]:
    made = World(server)
    yield made
    for browser in made.people.values():
        browser.client.close()


@pytest.fixture(scope="module")
def shown(server: Any, world: World) -> dict[str, str]:
    """Something on every page; return ids by what they are."""
    world.name_the_people()
    house, now = server.house, server.house.clock.now_ns()
    mine = world.propose(PHASE, "user:bob", "Thirty quiet days: no false alarm in 41,000 decisions.")
    world.signs("cyd", mine, "I looked at the shadow report, hour by hour.")
    theirs = world.propose(POLICY, "user:ann", "Deny downloads at night.")
    world.signs("bob", theirs, "Not before the audit.", "reject")
    world.house.approvals.room.withdraw(
        "default", world.propose(PHASE, "user:cyd", "too soon").proposal_id, "user:cyd", "the report was of last month"
    )
    asked = Asked("user:mia", "read", "db", "customers", scope({}, {}))
    house.access.book.keep(
        AccessRequest(
            "arq_1", "default", "gw", asked, "dec_1", now + HOUR_NS, "the quarter's figures", now, now + HOUR_NS
        )
    )
    told = ("user:mia", "read", "db", "customers", scope({}, {}), now, now + HOUR_NS, "", "user:ann")
    house.access.book.grant(Grant("agr_1", "default", "arq_0", *told))
    clean = {
        "subject": {"type": "user", "id": "mia"},
        "action": {"name": "read"},
        "resource": {"type": "doc", "id": "1"},
    }
    server.post("evaluation", msgspec.json.encode(clean))
    device, shut = enrolled(world, "user:mia", "laptop"), enrolled(world, "user:tom", "phone")
    house.devices.quarantine("default", shut, now_ns=now, reason="lost_or_stolen")
    request_recovery(house, "default", "user:bob", "user:cyd", "the phone lies in the lake")
    house.admins.create("default", "user:ann")
    return {"proposal": mine.proposal_id, "rejected": theirs.proposal_id, "device": device, "shut": shut}


def enrolled(world: World, owner: str, kind: str) -> str:
    """Enrol a device that has reported once; return its id."""
    book, now = world.house.devices, world.house.clock.now_ns()
    invitation, code = book.draft(
        "default", life_s=3600, now_ns=now, by="user:ann", subjects=(owner,), kind=kind, name=f"{owner} {kind}"
    )
    book.invite(invitation, now)
    key = SigningKey.generate("device", "ES256")
    made = book.enrol(Voice(key, world.base).enrol(code, book.challenge("enrol", now), now_ns=now), now)
    book.report(Voice(key, world.base, "default", made.device_id).report(FINE, 1, now_ns=now), now)
    return str(made.device_id)


def paths(shown: dict[str, str]) -> list[str]:
    return [
        "/approvals",
        "/approvals?show=decided",
        f"/approvals/{shown['proposal']}",
        f"/approvals/{shown['rejected']}",
        "/approvals/people",
        *(f"/approvals/new?what={what}" for what in ("deed", "person", "rule&kind=phase.change", "delegation")),
        "/access",
        "/access/break-glass",
        "/devices",
        f"/devices/{shown['device']}",
        f"/devices/{shown['shut']}",
        "/integrations",
        "/integrations/signals",
        "/integrations/producers",
        "/keys?user=mia",
        "/people",
        "/people/user%3Abob",
        "/tenants",
    ]


class Looked:
    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base, self.complaints = base, list[str]()
        self.page.set_default_timeout(10_000)
        self.page.add_init_script(LISTEN)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))

    def _heard(self, said: Any) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)


@pytest.fixture
def look(browser: Browser, world: World) -> Iterator[Callable[..., Looked]]:
    opened = list[BrowserContext]()
    name, _, value = world.people["ann"].cookie.partition("=")

    def begin(scheme: Any = "light", width: int = 1360) -> Looked:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        safe = world.base.replace("http://", "https://")  # the cookie is `Secure`; localhost gets it all the same
        context.add_cookies([{"name": name, "value": value, "url": safe, "secure": True, "httpOnly": True}])
        opened.append(context)
        return Looked(context, world.base)

    yield begin
    for context in opened:
        context.close()


def test_an_approver_signs_on_a_phone_with_a_comment(server: Any, world: World, visitor: Any) -> None:
    enter(server.house, "default", "user:eve", ["approver"], COMMAND_LINE)
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(invite(server.house, "default", "user:eve", COMMAND_LINE).url)
    visitor.press()
    visitor.done()
    world.name_the_people()
    made = world.propose(PHASE, "user:bob", "Thirty quiet days.")
    page.goto(f"{world.base}/sign-in?next=/approvals")
    page.get_by_label("Your name").fill("eve")
    page.get_by_role("button", name="Continue with your passkey").click()
    page.wait_for_url("**/approvals")
    page.get_by_role("region", name="Needs you").get_by_role("link", name="Change a phase").click()
    page.wait_for_url(f"**/approvals/{made.proposal_id}")
    assert made.words in page.locator("main").inner_text()
    assert page.evaluate(WIDER) == []
    page.get_by_label("Comment").fill("I read it in the train.")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have signed this already").or_(page.get_by_text("you have signed this already")).wait_for()
    (voice,) = world.house.approvals.room.standing("default", made.proposal_id).voices
    assert (voice.person, voice.comment, voice.void) == ("user:eve", "I read it in the train.", "")
    assert "I read it in the train." in page.locator("main").inner_text()
    page.goto(f"{world.base}/approvals")
    assert page.get_by_text("Nothing waits for your signature").count() == 1
    assert visitor.complaints == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_nobody_is_kept_out(shown: dict[str, str], look: Callable[..., Looked], scheme: str, width: int) -> None:
    looked, wrong = look(scheme, width), []
    for path in paths(shown):
        looked.page.goto(f"{looked.base}{path}")
        found = Axe().run(looked.page, options=RULES).response["violations"]
        wrong += [(path, one["id"], one["nodes"][0]["html"][:200]) for one in found]
        wrong += [(path, "sideways", one) for one in looked.page.evaluate(WIDER)[:3]]
        if looked.page.evaluate("() => document.documentElement.scrollWidth") != width:
            wrong.append((path, "sideways", ""))
    assert wrong == []
    assert looked.complaints == []
