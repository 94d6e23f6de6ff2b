"""Auditors' pages and those of the gateway in a real Chromium: no complaint, no barrier, no sideways scrolling."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.browser.conftest import LISTEN, free_port

from ostiary.gateway.conversations import Message
from ostiary.server.auditing.jobs import Jobs
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.labels import Channel, Label

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


class Scene:
    def __init__(self, server: Any) -> None:
        self.server, self.house = server, server.house
        self.base = page_base(server.house.settings)
        enter(self.house, "default", "user:olga", ["owner"], COMMAND_LINE)
        olga = FakeBrowser(server.url, self.base, "olga")
        olga.enrol(invite(self.house, "default", "user:olga", COMMAND_LINE).url)
        olga.sign_in().raise_for_status()
        self.olga = olga
        self.talk = self._talk()
        self.record = record_deed(self.house, "user:<b>zoe</b>", "default", "some.deed")
        self._inspection()
        self._jobs()

    def open(self, browser: Browser, **context: Any) -> "tuple[Page, list[str]]":
        opened = browser.new_context(**context)
        name, _, value = self.olga.cookie.partition("=")
        opened.add_cookies(
            [{"name": name, "value": value, "url": self.base.replace("http:", "https:"), "secure": True}]
        )
        page, complaints = opened.new_page(), list[str]()
        page.set_default_timeout(10_000)
        page.add_init_script(LISTEN)
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        return page, complaints

    def _talk(self) -> str:
        asked = self.server.ask("llm.chat", subject={"type": "user", "id": "dora"})
        decision = asked.json()["context"]["id"]
        made = self.house.conversations.create("default", "user:dora", decision=decision)
        said = Message(
            "message",
            {"role": "user", "content": "the merger is on Tuesday"},
            (Label(Channel.USER, "default", confidentiality=3),),
        )
        self.house.conversations.append("default", "user:dora", made.id, [said], decision=decision)
        found: str = made.id
        return found

    def _inspection(self) -> None:
        now = self.house.clock.now_ns()
        finding = {"rule": "injection.rule", "start": 0, "end": 1, "atlas": "AML.T0051.001", "owasp": "LLM01:2025"}
        told = {
            "v": 1,
            "model": "fake",
            "outcome": "answered",
            "usage": {"tokens_in": 1234, "tokens_out": 99, "told": True},
            "findings": [finding],
        }
        mcp = {"door": "mcp", "server": "mail", "method": "tools/call", "name": "send", "withheld": True, "rules": []}
        for number, one in enumerate((told, mcp)):
            payload = msgspec.json.encode(one)
            self.house.log.append("default", "inspection", f"ins_{number}", now, payload, "").result(10)

    def _jobs(self) -> None:
        jobs = Jobs(self.house)
        for path, body in (("verify", {}), ("packs", {"kind": "admin"})):
            job = self.server.admin("POST", f"/tenants/default/audit/{path}", json=body).json()["id"]
            while jobs.find("default", job).state in {"waiting", "running"}:
                self.olga.get("/me")


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any]) -> Iterator[Scene]:
    port = free_port()
    server = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
    found = Scene(server)
    yield found
    found.olga.client.close()


def paths(scene: Scene) -> list[str]:
    return [
        "/audit",
        f"/audit/records/{scene.record}",
        "/audit/exports",
        "/audit/evidence",
        "/audit/views",
        "/gateway",
        "/gateway/conversations",
        f"/gateway/conversations/{scene.talk}",
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_nobody_is_kept_out(browser: Browser, scene: Scene, scheme: Any, width: int) -> None:
    page, complaints = scene.open(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    wrong: list[str] = []
    for path in paths(scene):
        page.goto(f"{scene.base}{path}")
        wrong += [
            f"{path}: {one['id']} {one['nodes'][0]['html'][:200]}"
            for one in Axe().run(page, options=RULES).response["violations"]
        ]
        if page.evaluate("() => document.documentElement.scrollWidth") != width:
            wrong.append(f"{path} scrolls sideways")
    assert wrong == []
    assert complaints == []
    page.context.close()


def test_a_conversation_is_opened_with_a_reason(browser: Browser, scene: Scene) -> None:
    page, complaints = scene.open(browser)
    page.goto(f"{scene.base}/gateway/conversations/{scene.talk}")
    page.get_by_label("Reason").fill("short")
    page.get_by_role("button", name="Open it").click()
    page.get_by_text("Say why, in 10 to 500 characters").wait_for()
    assert page.get_by_label("Reason").input_value() == "short"
    page.get_by_label("Reason").fill("case 4711: a leak was reported")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_url("**/opened/adm_*")
    assert "the merger is on Tuesday" in page.locator("main").inner_text()
    assert Axe().run(page, options=RULES).response["violations"] == []
    assert [one for one in complaints if "400" not in one] == []
    page.context.close()


def test_a_verification_is_watched_to_its_end(browser: Browser, scene: Scene) -> None:
    page, complaints = scene.open(browser)
    page.goto(f"{scene.base}/audit")
    page.get_by_role("button", name="Since the last time").click()
    page.get_by_text("only what was new").wait_for(timeout=30_000)
    assert complaints == []
    page.context.close()
