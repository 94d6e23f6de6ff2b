"""The list of decisions: filters in the address, rows that filter, live events with resume, views, export."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from ostiary.server.console import live
from ostiary.server.console.people import take_off
from ostiary.server.console.sessions import end, sessions_of
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
HOSTILE = "<script>alert(1)</script>\u202e"


def ask(server: Any, who: str = "alice", resource: str = "handbook") -> dict[str, Any]:
    body = {
        "subject": {"type": "user", "id": who},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": resource},
    }
    told: dict[str, Any] = server.post("evaluation", msgspec.json.encode(body)).json()
    return told


def settled(server: Any) -> None:
    """Wait until everything in the log is in the list."""
    until, index = time.monotonic() + 10, server.house.store.decisions
    while index.cursor("default") < server.house.log.head().size and time.monotonic() < until:
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def asked(server: Any) -> None:
    for who in ("alice", "bob", HOSTILE):
        ask(server, who)
    ask(server, "alice", "nothing-here")
    settled(server)


def test_filters_are_joined_and_stand_in_the_address(people: People) -> None:
    page = people("analyst").get("/decisions?effect=DENY&subject=user:alice").text
    assert page.count("<tr data-href") == 1
    assert "nothing-here" in page
    assert 'href="/decisions?subject=user:alice"' in page, "each filter can be taken away alone"
    assert "ostiary decisions list --effect DENY --subject user:alice --json" in page
    assert "/api/v1/tenants/default/decisions?effect=DENY&amp;subject=user:alice" in page


def test_at_first_the_console_itself_is_left_out_and_the_address_says_so(server: Any, people: People) -> None:
    analyst = people("analyst")
    answer = analyst.get("/decisions")
    assert answer.headers["location"] == "/decisions?without_pep=ostiary:console"
    page = analyst.get(answer.headers["location"]).text
    assert "console.view" not in page
    settled(server)
    assert "console.view" in analyst.get("/decisions?limit=100").text


def test_a_field_that_was_left_empty_filters_nothing(people: People) -> None:
    assert people("analyst").get("/decisions?effect=&text=&risk_at_least=").status_code == 200


@pytest.mark.parametrize("query", ["subjct=x", "effect=MAYBE", "before=x", "subject=a&subject=b", "risk_at_least=2"])
def test_a_filter_that_is_none_is_an_error(people: People, query: str) -> None:
    assert people("analyst").get(f"/decisions?{query}").status_code == 400


def test_hostile_names_stay_text(people: People) -> None:
    page = people("analyst").get("/decisions?text=user:%3Cscript").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\ufffd" in page


def test_pages_follow_one_another(server: Any, people: People) -> None:
    analyst, seen = people("analyst"), []
    settled(server)
    path = "/decisions?limit=2"
    for _ in range(3):
        page = analyst.get(path).text
        seen += [part.partition('"')[0] for part in page.split('data-index="')[1:]]
        path = page.rpartition('" rel="next"')[0].rpartition('href="')[2].replace("&amp;", "&") + "&limit=2"
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, key=int, reverse=True)


def test_another_tenant_sees_nothing_of_it(people: People) -> None:
    assert "user:alice" not in people("owner", "acme").get("/decisions?limit=5").text


def test_a_person_is_not_shown_how_it_is_scored(server: Any, people: People) -> None:
    analyst = people("analyst")
    analyst.get("/decisions")
    settled(server)
    row = server.house.store.decisions
    assert row is not None
    page = analyst.get(f"/decisions?subject=user:{analyst.name}").text
    cells = [part.partition("</td>")[0] for part in page.split('<td class="number">')[1:]]
    assert set(cells) == {""}


def test_views_are_kept_for_their_person_alone(people: People) -> None:
    analyst, owner = people("analyst"), people("owner")
    kept = analyst.deed("/decisions/views", {"name": "denied", "filters": "effect=DENY&before=7"})
    assert kept.json() == {"go": "/decisions?effect=DENY&before=7"}
    assert 'href="/decisions?effect=DENY"' in analyst.get("/decisions?limit=5").text
    assert "<bdi>denied</bdi>" not in owner.get("/decisions?limit=5").text
    assert owner.deed("/decisions/views/denied/remove").status_code == 404
    assert analyst.deed("/decisions/views/denied/remove").json() == {"go": "/decisions"}


@pytest.mark.parametrize("form", [{"name": "", "filters": ""}, {"name": "x", "filters": "a=b"}, {"name": "y" * 99}])
def test_a_view_that_is_none_is_refused(people: People, form: dict[str, str]) -> None:
    assert people("analyst").deed("/decisions/views", form).status_code == 400


def test_everything_is_taken_away_and_that_is_recorded(server: Any, people: People) -> None:
    analyst = people("analyst")
    told = analyst.get("/decisions/export?format=csv&subject=user:alice")
    assert told.status_code == 200
    assert told.headers["content-disposition"] == 'attachment; filename="decisions.csv"'
    assert told.text.count("user:alice") == 2
    lines = analyst.get("/decisions/export?effect=DENY").text.splitlines()
    assert {json.loads(line)["effect"] for line in lines} == {"DENY"}
    deeds = [msgspec.json.decode(one.payload) for one in server.house.log.iterate("default", "admin")]
    assert [one["by"] for one in deeds if one["action"] == "decisions.export"] == [f"user:{analyst.name}"] * 2
    assert people("developer").get("/decisions/export").status_code == 403
    assert analyst.get("/decisions/export?format=xml").status_code == 400


class Events:
    """The events of one stream, as a browser gets them."""

    def __init__(self, browser: FakeBrowser, query: str = "", last: str = "") -> None:
        headers = {"cookie": browser.cookie, **({"last-event-id": last} if last else {})}
        self._client = httpx.Client(base_url=browser.client.base_url, timeout=20)
        self._stream = self._client.stream("GET", f"/live?{query}", headers=headers)
        self.answer = self._stream.__enter__()
        self._lines = self.answer.iter_lines()

    def __iter__(self) -> Iterator[tuple[str, Any, str]]:
        name = place = ""
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "id":
                place = value
            elif key == "event":
                name = value
            elif key == "data":
                yield name, json.loads(value), place

    def until(self, wanted: str) -> tuple[Any, str]:
        for name, data, place in self:
            if name == wanted:
                return data, place
        raise AssertionError(wanted)

    def close(self) -> None:
        self._stream.__exit__(None, None, None)
        self._client.close()


def test_what_happens_is_told_and_a_reader_goes_on_where_it_left_off(server: Any, people: People) -> None:
    analyst = people("analyst")
    first = Events(analyst, "subject=user:carla")
    _, place = first.until("hello")
    ask(server, "carla")
    rows, place = first.until("decisions")
    first.close()
    assert [one["subject"] for one in rows] == ["user:carla"]
    ask(server, "carla", "one"), ask(server, "dave"), ask(server, "carla", "two")
    second = Events(analyst, "subject=user:carla&after=0", last=place)
    later: list[Any] = []
    while len(later) < 2:
        later += second.until("decisions")[0]
    second.close()
    assert [one["resource_id"] for one in later] == ["one", "two"], "nothing lost, nothing twice, nobody else"


def test_other_pages_are_told_what_needs_somebody_and_nothing_else(server: Any, people: People) -> None:
    stream = Events(people("analyst"), "topics=needs")
    stream.until("hello")
    now_ns = server.house.clock.now_ns()
    server.house.response.cases.open("default", "odd hours", topic="t", key="k", by="test", now_ns=now_ns)
    ask(server, "alice")
    told = [stream.until("needs")[0]]
    while "/detections" not in told[-1]:
        told.append(stream.until("needs")[0])
    stream.close()
    assert people("analyst").get("/live?topics=everything").status_code == 400


def test_a_reader_that_lies_too_far_behind_is_told(
    server: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_BEHIND", 2)
    stream = Events(people("analyst"), "after=0")
    stream.until("gap")
    stream.close()


def test_a_session_that_ends_ends_its_stream(server: Any, people: People) -> None:
    fred = people("analyst", name="fred")
    stream = Events(fred)
    stream.until("hello")
    (session,) = sessions_of(server.house).of("default", "user:fred")
    end(server.house, session)
    stream.until("over")
    stream.close()


def test_a_role_that_was_taken_away_ends_a_stream(server: Any, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.2)
    gina = people("analyst", name="gina")
    stream = Events(gina)
    stream.until("hello")
    take_off(server.house, "default", "user:gina", "test")
    assert stream.until("over") is not None
    stream.close()


def test_places_for_tabs_are_given_back(server: Any, people: People) -> None:
    analyst = people("analyst")
    for _ in range(server.house.settings.console.max_streams + 5):
        stream = Events(analyst)
        stream.until("hello")
        stream.close()
    stream = Events(analyst)
    assert stream.answer.status_code == 200
    stream.close()
