"""Attack: many suppositions at once, each with processes that compile the whole policy, to starve decisions."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server.admin import whatif
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
ASK = {"subject": "user:alice", "action": "read", "resource": "document:handbook"}


@pytest.mark.parametrize("how", ["console", "api"])
def test_only_so_many_are_supposed_at_once(
    server: Any, people: People, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    inside, most, lock, go = [0], [0], threading.Lock(), threading.Event()

    def slow(*_told: Any) -> Any:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        go.wait(20)
        with lock:
            inside[0] -= 1
        return {"current": {"effect": "DENY"}, "projected": None}

    monkeypatch.setattr(whatif, "what_if", slow)
    browser, answers = people("developer"), []
    form = {"csrf": browser.csrf, **ASK}
    body = {"request": {"subject": {"type": "user", "id": "a"}, "action": {"name": "b"}, "resource": {}}}

    def ask() -> None:
        if how == "api":
            found = server.admin("POST", "/whatif", json=body)
        else:
            found = browser.client.post("/explain", data=form, headers={"cookie": browser.cookie})
        answers.append(found)
        if "whatif_busy" in found.text:
            go.set()

    crowd = [threading.Thread(target=ask) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(30)
    assert most[0] <= whatif.AT_ONCE
    assert sum("whatif_busy" in one.text for one in answers) >= 1
