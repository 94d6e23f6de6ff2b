"""The first page: counts from what was counted before, what waits for this very person, hostile names as text."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]


def deny(server: Any, name: str) -> None:
    body = {"subject": {"type": "user", "id": name}, "action": {"name": "x"}, "resource": {"type": "y", "id": "z"}}
    server.post("evaluation", msgspec.json.encode(body))


def test_where_nothing_waits_that_is_said(people: People) -> None:
    assert "Nothing waits for you" in people("owner", "acme").get("/").text


def test_counts_and_the_names_behind_them(server: Any, people: People) -> None:
    for _ in range(3):
        deny(server, "<b>mallory</b>")
    told: Any = {}
    while told.get("totals", {}).get("DENY", 0) < 3:
        told = server.admin("GET", "/tenants/default/overview").json()
    page = people("analyst").get("/").text
    assert "user:&lt;b&gt;mallory&lt;/b&gt;" in page
    assert "/decisions?subject=user%3A%3Cb%3Emallory%3C%2Fb%3E" in page
    assert told["series"]["counts"]["DENY"][-1] + told["series"]["counts"]["DENY"][-2] >= 3
    assert list(told["often"][0]) == ["field", "value", "count"]


@pytest.mark.parametrize("days", ["7", "30"])
def test_longer_spans(people: People, days: str) -> None:
    assert people("analyst").get(f"/?days={days}").status_code == 200


@pytest.mark.parametrize("days", ["0", "365", "x", ""])
def test_other_spans_are_none(people: People, days: str) -> None:
    assert people("analyst").get(f"/?days={days}").status_code == 400


def test_what_others_wait_for_is_not_ours(server: Any, people: People) -> None:
    told = server.admin("GET", "/tenants/acme/overview").json()
    assert all("mallory" not in one["value"] for one in told["often"])
