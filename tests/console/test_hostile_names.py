"""Two hundred hostile strings in every field that an enforcement point can fill: on no page is one more than text."""

import html
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.console.hostile import HOSTILE, became

from ostiary.server.console.pages import all_routes
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
NO_PAGES = {"/live", "/decisions/export", "/dev/style"}


@pytest.fixture(scope="module")
def told(server: Any) -> dict[str, str]:
    """Ask with each of them in each field; return the id of a decision by name."""
    found = {}
    for name in HOSTILE:
        body = {
            "subject": {"type": "user", "id": name, "properties": {"department": name}},
            "action": {"name": name, "properties": {"purpose": name}},
            "resource": {"type": "document", "id": name, "properties": {"title": name}},
            "context": {"session_id": name, "user_agent": name, "client_id": name, "device": {"id": name}, "x": name},
        }
        answer = server.post("evaluation", msgspec.json.encode(body)).json()
        found[name] = answer.get("context", {}).get("id", "")
    until = time.monotonic() + 20
    while server.house.store.decisions.cursor("default") < server.house.log.head().size and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_there_are_two_hundred() -> None:
    assert len(set(HOSTILE)) == 200


def test_no_page_makes_more_than_text_of_one(server: Any, people: People, told: dict[str, str]) -> None:
    owner = people("owner", name="looker", deployment=True)
    paths = sorted({one.path for one in all_routes() if one.method == "GET" and "{" not in one.path} - NO_PAGES)
    wrong = {}
    for path in [*paths, "/decisions?limit=1000", "/?days=7"]:
        answer = owner.get(path, follow_redirects=True)
        if "text/html" in answer.headers.get("content-type", "") and (found := became(answer.text)):
            wrong[path] = found[:3]
    assert wrong == {}


@pytest.mark.parametrize(
    "path",
    [
        "/subjects/user:{}",
        "/sessions/{}",
        "/explain?subject=user:{}&action={}&resource={}",
        "/decisions?subject={}",
        "/audit?subject={}",
        "/policies/{}",
        "/models/{}",
    ],
)
def test_no_name_in_an_address_does_either(people: People, path: str) -> None:
    owner = people("owner", name="looker", deployment=True)
    for name in HOSTILE[::7]:
        answer = owner.get(path.replace("{}", quote(name, safe="")), follow_redirects=True)
        assert answer.status_code < 500, (name, answer.text[:200])
        assert became(answer.text) == [], name


def test_whys_of_hostile_decisions(people: People, told: dict[str, str]) -> None:
    owner = people("owner", name="looker", deployment=True)
    for name in HOSTILE[::9]:
        if told[name]:
            assert became(owner.get(f"/decisions/{told[name]}").text) == [], name


def test_no_name_is_run_by_whoever_copies_the_command(server: Any, people: People) -> None:
    owner, subject = people("owner", name="looker", deployment=True), "x'; touch $(echo owned) `id` \u202e"
    body = {
        "subject": {"type": "user", "id": subject},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": "1"},
    }
    server.post("evaluation", msgspec.json.encode(body))
    page = owner.get(f"/subjects/user:{quote(subject, safe='')}").text
    commands = [html.unescape(one) for one in re.findall(r">(ostiary subject [^<]+)</code>", page)]
    assert commands
    for command in commands:
        words = subprocess.run(
            ["/bin/bash", "-c", command.replace("ostiary", "printf '%s\\0'", 1)], capture_output=True, check=True
        ).stdout.split(b"\0")
        assert f"user:{subject}".encode() in words
        assert "\u202e" not in command
