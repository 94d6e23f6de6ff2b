"""An analyst's pages in a real Chromium: no barrier in either theme, nothing sideways, no complaint; a deed by hand."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from tests.browser.console_scene import Looked, looking

from ostiary.biometrics.book import Agreed
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.sessions import Asked, handle_of
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.behaviour import BiometricsVerdict
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.scoring import Contribution, RiskScore
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, RuleHit

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
NAME = "user\nalice\nnight"
SCORES = (0.02, 0.03, 0.02, 0.08, 0.21, 0.44, 0.83)
MINUTE_NS = 60_000_000_000


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
    served.house.warm_up(lambda reason, fault: None)
    return served


@pytest.fixture(scope="module")
def night(server: Any) -> str:
    """A night of alice: risk climbs, the session falls, a case is opened; return the session's handle."""
    house = server.house
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "doc", "id": "1"},
        "context": {"session_id": "night"},
    }
    server.post("evaluation", msgspec.json.encode(body))
    now, first = house.clock.now_ns(), server.records()[-1]
    for number, score in enumerate(SCORES):
        record = later(first, now - (len(SCORES) - number) * 25 * MINUTE_NS, number, score)
        payload, at = msgspec.json.encode(record), record.receipt.received_ns
        house.log.append("default", "decision", record.receipt.decision_id, at, payload, "user:alice").result(10)
    house.ledger.touch(Asked("default", (NAME,), "user:alice", now, "read", "doc", "1", device_id="laptop-7"))
    rule = house.settings.sessions.rule()
    house.ledger.judge("default", NAME, RiskScore(available=True, score=0.83, level="high"), rule, at_ns=now)
    house.templates.agree("default", "user:alice", Agreed("the text", now))
    links = [f"session:{handle_of('default', NAME)}", f"decision:{first.receipt.decision_id}"]
    told = {"topic": "night", "key": "night", "by": "playbook:session-theft", "subject": "user:alice"}
    house.response.cases.open("default", "a session was stolen", now_ns=now, links=links, **told)
    return handle_of("default", NAME)


def later(record: DecisionRecord, at_ns: int, number: int, score: float) -> DecisionRecord:
    """Return a record like this one, of another moment and with a score."""
    ident = f"dec_01KNIGHT00000000000000000{number}"
    effect = Effect.STEP_UP if score > 0.4 else Effect.ALLOW
    level = "high" if score > 0.4 else "medium" if score > 0.1 else "low"
    words = (Contribution("hour", 2.0, 2.1, "02:00 is an unusual hour for her"),) if score > 0.1 else ()
    risk = RiskScore(available=True, score=score, level=level, model=f"sha256:{number // 4}", contributions=words)
    hits = (RuleHit("risk-step-up", effect, "It looks unlike her.", "Confirm that it is you."),) if score > 0.1 else ()
    replace = msgspec.structs.replace
    return replace(
        record,
        receipt=replace(record.receipt, decision_id=ident, received_ns=at_ns),
        outcome=replace(record.outcome, effect=effect, floor=Effect.ALLOW, proposal=effect, rules=hits),
        risk=risk,
        session_risk=risk,
        adaptive=AdaptiveVerdict(hits=hits),
        biometrics=BiometricsVerdict("enrolled", score * 4 - 1, 0.8, 1.0, 0.4, windows=number + 1),
    )


@pytest.fixture(scope="module")
def signed_in(server: Any) -> Iterator[FakeBrowser]:
    enter(server.house, "default", "user:sam", ["analyst"], COMMAND_LINE)
    person = FakeBrowser(server.url, page_base(server.house.settings), "sam")
    person.enrol(invite(server.house, "default", "user:sam", COMMAND_LINE).url)
    person.sign_in().raise_for_status()
    yield person
    person.client.close()


@pytest.fixture
def look(browser: Browser, server: Any, signed_in: FakeBrowser) -> Iterator[Callable[..., Looked]]:
    """Opens a real browser with the same sign-in."""
    with looking(browser, server, signed_in) as begin:
        yield begin


def paths(server: Any, handle: str) -> list[str]:
    (case, *_) = server.house.response.cases.listed("default")
    wish = "kind=rule&name=risk-step-up&subject=user%3Aalice"
    return [
        "/subjects",
        "/subjects?name=nobody",
        "/subjects/user%3Aalice",
        f"/sessions/{handle}",
        "/detections",
        f"/detections/{case.case_id}",
        "/detections/dec_01KNIGHT000000000000000006",
        f"/suppressions?{wish}",
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 1360), ("light", 390)])
def test_nobody_is_kept_out(server: Any, night: str, look: Callable[..., Looked], scheme: str, width: int) -> None:
    looked = look(scheme, width)
    for path in paths(server, night):
        looked.go(path)
        assert Axe().run(looked.page, options=RULES).response["violations"] == [], path
        assert looked.page.evaluate("() => document.documentElement.scrollWidth") == width, path
    assert looked.complaints == []


def test_a_session_is_ended_by_hand_and_the_page_says_what_fell(
    server: Any, night: str, look: Callable[..., Looked]
) -> None:
    looked = look()
    looked.go(f"/sessions/{night}")
    page = looked.page
    page.get_by_role("button", name="End it").first.click()
    page.get_by_role("dialog").get_by_label("Reason").select_option("suspected_theft")
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    page.get_by_role("heading", name="What ended with it").wait_for()
    assert night in page.get_by_role("region", name="Exactly what was revoked").inner_text()
    assert server.house.ledger.named("default", night).reason == "suspected_theft"
    assert looked.complaints == []
