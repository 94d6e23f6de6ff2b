"""The pages around one decision and the policy in a real Chromium: no barrier in either theme, nothing sideways."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.impact.runs import Run, Runs
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.scoring import Contribution, RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, Obligation, RuleHit

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LISTEN = "document.addEventListener('securitypolicyviolation', e => console.error('csp: ' + e.violatedDirective))"
FILE = "guardrails/resources.rego"
LOUD = "dec_01KWHY00000000000000000001"
WORDS = (
    Contribution("hour", 2.0, 2.1, "02:00 is an unusual hour for her: usually 09:00 to 18:00"),
    Contribution("net", 1.0, 1.2, "network 122.56.30.0/24 was never seen"),
    Contribution("rows", 5.0, 0.4, "5,000 rows are more than she reads on most days"),
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
    served.house.warm_up(lambda reason, fault: None)
    for who in ("alice", "alice", "<i>bob</i>\u202e", "alice"):
        body = {
            "subject": {"type": "user", "id": who},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "handbook"},
            "context": {"session_id": "night", "ip": "203.0.113.9"},
        }
        served.post("evaluation", msgspec.json.encode(body))
    record = loud(served.records()[0])
    house, at = served.house, record.receipt.received_ns
    house.log.append("default", "decision", LOUD, at, msgspec.json.encode(record), record.subject_key).result(10)
    return served


def loud(record: DecisionRecord) -> DecisionRecord:
    """Return a record like this one, with a score and what follows from it."""
    replace = msgspec.structs.replace
    hits = (RuleHit("risk-step-up", Effect.STEP_UP, "It looks unlike her.", "Confirm that it is you."),)
    return replace(
        record,
        receipt=replace(record.receipt, decision_id=LOUD),
        outcome=replace(
            record.outcome, effect=Effect.STEP_UP, floor=Effect.ALLOW, proposal=Effect.DENY, rules=hits,
            applied_proposal=Effect.STEP_UP,
        ),
        risk=RiskScore(
            available=True, score=0.83, level="high", model="sha256:" + "ab" * 32, uncertainty=0.2, contributions=WORDS
        ),
        adaptive=AdaptiveVerdict(hits=hits),
        obligations=(Obligation("o1", "step-up", {"acr_values": ["urn:ostiary:acr:phishing-resistant"]}),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def signed_in(server: Any) -> Iterator[FakeBrowser]:
    enter(server.house, "default", "user:olga", ["owner"], COMMAND_LINE)
    person = FakeBrowser(server.url, page_base(server.house.settings), "olga")
    person.enrol(invite(server.house, "default", "user:olga", COMMAND_LINE).url)
    person.sign_in().raise_for_status()
    yield person
    person.client.close()


@pytest.fixture
def look(browser: Browser, server: Any, signed_in: FakeBrowser) -> Iterator[Callable[..., Any]]:
    """Opens a browser of the owner; returns its page, the address, and what it complained about."""
    opened, base = list[Any](), page_base(server.house.settings)
    name, _, value = signed_in.cookie.partition("=")

    def begin(scheme: Any = "light", width: int = 1360) -> tuple[Page, str, list[str]]:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        opened.append(context)
        safe = base.replace("http://", "https://")  # the cookie is `Secure`; browsers send it to localhost all the same
        context.add_cookies([{"name": name, "value": value, "url": safe, "secure": True, "httpOnly": True}])
        page, said = context.new_page(), list[str]()
        page.set_default_timeout(90_000)
        page.add_init_script(LISTEN)
        page.on("console", lambda one: said.append(one.text) if one.type in {"error", "warning"} else None)
        page.on("pageerror", lambda fault: said.append(str(fault)))
        return page, base, said

    yield begin
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def study(server: Any) -> str:
    """A study of a draft that lets everybody in, done."""
    own = server.admin("GET", f"/tenants/default/bundle/file?path={FILE}").json()["text"]
    text = own + '\nallow contains {"rule": "everybody-may"} if input.subject.type == "user"\n'
    wish = {"candidate": "changed-file", "file": FILE, "text": text, "days": 1}
    run: str = server.admin("POST", "/tenants/default/impact", json=wish).json()["run"]
    return run


def barriers(page: Page) -> list[Any]:
    found: list[Any] = Axe().run(page, options=RULES).response["violations"]
    return [{"id": one["id"], "at": [node["html"] for node in one["nodes"]]} for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nobody_is_kept_out(server: Any, look: Callable[..., Any], study: str, scheme: str, width: int) -> None:
    page, base, said = look(scheme, width)
    hostile = next(one.receipt.decision_id for one in server.records() if "<i>" in one.subject_key)
    file = FILE.replace("/", ":")
    paths = [
        *(f"/decisions/{LOUD}{part}" for part in ("", "/proof", "/replay")),
        f"/decisions/{hostile}",
        "/explain?subject=user:alice&action=read&resource=document:handbook",
        "/policies", f"/policies/{file}#L10", f"/policies/draft?file={FILE}",
        "/impact", f"/impact/{study}",
    ]  # fmt: skip
    for path in paths:
        page.goto(base + path)
        assert barriers(page) == [], path
        assert page.evaluate("() => document.documentElement.scrollWidth") == width, path
    assert said == []


def test_a_question_and_a_study_by_hand(look: Callable[..., Any], study: str) -> None:
    page, base, said = look()
    page.goto(f"{base}/impact/{study}")
    expect(page.get_by_role("heading", name="Agreement")).to_be_visible()
    page.goto(f"{base}/decisions/{LOUD}")
    page.locator("#main").get_by_role("link", name="What if").click()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("heading", name="As things are")).to_be_visible()
    assert barriers(page) == []
    page.goto(f"{base}/decisions/{LOUD}")
    page.get_by_label("False alarm").check()
    page.get_by_label("Reason").fill("She was on a trip.")
    page.get_by_role("button", name="Record the verdict").click()
    expect(page.get_by_text("Judged as a false alarm")).to_be_visible()
    assert said == []


def test_a_page_follows_its_study(server: Any, look: Callable[..., Any]) -> None:
    page, base, said = look()
    shelf = Runs(server.house)._shelf
    run = Run("imp_followed", "policy", "changed-file", "", 1.0, "test", server.house.clock.now_ns(), read=500)
    shelf.save("default", run.run, run, 1)
    page.goto(f"{base}/impact/{run.run}")
    expect(page.get_by_text("500 records were read")).to_be_visible()
    shelf.save("default", run.run, msgspec.structs.replace(run, read=1_000), 1)
    expect(page.get_by_text("1000 records were read")).to_be_visible(timeout=30_000)
    shelf.save("default", run.run, msgspec.structs.replace(run, state="failed", code="impact_timeout"), 1)
    expect(page.get_by_text("impact_timeout")).to_be_visible(timeout=30_000)
    shelf.delete("default", run.run)
    assert said == []
