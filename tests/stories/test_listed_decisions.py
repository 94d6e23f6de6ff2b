"""Decisions over HTTP: filters, charts and exports show what is there, and never what is somebody else's.

Whoever asks for access chooses names: they come back as they were, are part of no query, and run in no spreadsheet.
"""

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec
import pytest

from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

INJECTIONS = ["' OR '1'='1", "x'; DROP TABLE decision_index; --", "%", "user:%", '")) UNION SELECT 1 --', "=1+1"]
FORMULA = '=HYPERLINK("http://evil.example","x")'
DAY = 86_400 * 10**9
TEXTS = ["subject", "session", "action", "resource_type", "resource_id", "pep", "rule", "ip", "text"]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    served = start_server()
    house = served.house
    house.tenants.create("other")
    now = house.clock.now_ns()
    for number in range(30):
        subject = "user:ada" if number % 3 else "user:bob"
        record = record_of(
            f"dec_{number:03d}", subject, now - number * DAY // 10, allowed=number % 5 != 0, resource_id=f"doc-{number}"
        )
        write(house, record)
    write(house, record_of("dec_eve", "user:eve", now, proposal=Effect.DENY, live=True, resource_id=FORMULA))
    write(house, record_of("dec_secret", "user:secret", now, tenant="other", resource_id="theirs"))
    served.assembly.projector.catch_up_all()
    return served


def write(house: Any, record: Any) -> None:
    told = msgspec.json.encode(record)
    name = record.receipt.decision_id
    house.log.append(record.tenant, "decision", name, record.receipt.received_ns, told, record.subject_key).result(10)


def get(server: Any, path: str = "", tenant: str = "default", **params: Any) -> Any:
    return server.admin("GET", f"/tenants/{tenant}/decisions{path}", params=params)


def ids(server: Any, **params: Any) -> list[str]:
    answer = get(server, **params)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["decisions"]]


def test_without_a_filter_the_list_is_as_it_was(server: Any) -> None:
    first = get(server, since=0, limit=2).json()
    assert [one["id"] for one in first["decisions"]] == ["dec_000", "dec_001"]
    assert set(first) == {"decisions", "next"}
    assert set(first["decisions"][0]) == {"id", "index", "time_ns", "pep", "subject", "effect", "reasons", "kind"}
    assert get(server, since=first["next"], limit=1).json()["decisions"][0]["id"] == "dec_002"
    assert [one["id"] for one in get(server, limit=2).json()["decisions"]] == ["dec_029", "dec_eve"]


def test_filters_are_joined_and_pages_go_on(server: Any) -> None:
    assert ids(server, effect="DENY", subject="user:bob") == ["dec_015", "dec_000"]
    assert ids(server, effect=["DENY", "TERMINATE"], limit=2) == ["dec_eve", "dec_025"]
    page = get(server, effect="DENY", limit=2).json()
    assert ids(server, effect="DENY", limit=2, before=page["next"]) == ["dec_020", "dec_015"]
    assert get(server, effect="DENY", subject="user:bob").json()["next"] is None
    shown = get(server, text="eve").json()["decisions"][0]
    assert (shown["resource_id"], shown["action"], shown["risk"], shown["rule"]) == (FORMULA, "read", 0.01, "odd")


def test_a_live_tail_goes_on_from_where_it_was(server: Any) -> None:
    tail = get(server, after=-1, limit=1000).json()
    assert tail["decisions"][-1]["id"] == "dec_eve"
    assert get(server, after=tail["next"]).json()["next"] == tail["next"]
    assert tail["indexed"] > tail["next"]
    assert tail["complete"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"subjct": "user:ada"}, "filter_unknown"),
        ({"effect": "deny"}, "filter_invalid"),
        ({"subject": ["a", "b"]}, "filter_repeated"),
        ({"subject": ""}, "request_invalid"),
        ({"subject": "a" * 301}, "request_invalid"),
        ({"subject": "a\0"}, "filter_invalid"),
        ({"risk_at_least": "2"}, "request_invalid"),
        ({"since_ns": "-1"}, "request_invalid"),
        ({"since": 0, "subject": "user:ada"}, "query_malformed"),
        ({"limit": 1001, "subject": "user:ada"}, "filter_invalid"),
        ({"limit": 1001}, "request_invalid"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_a_code(server: Any, params: dict[str, Any], code: str) -> None:
    answer = get(server, **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("attack", INJECTIONS)
def test_an_injection_finds_what_has_this_very_name(server: Any, name: str, attack: str) -> None:
    assert ids(server, **{name: attack}) == []
    assert get(server, "/export", **{name: attack}).text == ""
    assert get(server, "/hours", pep=attack).json()["hours"] == []
    assert get(server, "/heat", subject=attack).json() == []
    assert len(ids(server, text="doc-")) == 30


def test_another_tenant_shows_nothing_and_is_as_unknown_as_none(server: Any) -> None:
    key = server.admin("POST", "/tenants/other/admin-keys").json()["key"]
    for path in ("", "/hours", "/top?field=subject", "/heat", "/export"):
        theirs = server.admin("GET", f"/tenants/default/decisions{path}", key=key)
        nobodys = server.admin("GET", f"/tenants/never-was/decisions{path}", key=key)
        assert (theirs.status_code, theirs.text) == (nobodys.status_code, nobodys.text) == (404, theirs.text), path
    for path, more in {"": {"text": "u"}, "/top": {"field": "resource"}, "/export": {}, "/heat": {}}.items():
        assert "secret" not in get(server, path, **more).text, path
        assert "theirs" not in get(server, path, **more).text, path
    assert [one["id"] for one in get(server, tenant="other", text="u").json()["decisions"]] == ["dec_secret"]
    assert sum(one["count"] for one in get(server, "/hours", "other").json()["hours"]) == 1


def test_charts_count_what_is_there(server: Any) -> None:
    hours = get(server, "/hours").json()["hours"]
    assert sum(one["count"] for one in hours) == 31
    assert sum(one["count"] for one in hours if one["effect"] == "DENY") == 7
    assert get(server, "/hours", pep="nobody").json()["hours"] == []
    top = get(server, "/top", field="subject", limit=2).json()
    assert top == [{"value": "user:ada", "count": 20}, {"value": "user:bob", "count": 10}]
    assert get(server, "/top", field="rule", effect="DENY").json() == [{"value": "odd", "count": 1}]
    assert sum(one["count"] for one in get(server, "/heat").json()) == 31
    assert sum(one["count"] for one in get(server, "/heat", subject="user:bob").json()) == 10
    assert get(server, "/hours", since_ns=0).json()["code"] == "span_invalid"
    assert get(server, "/top", field="ip").json()["code"] == "request_invalid"


def test_an_export_holds_everything_and_is_recorded(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.server.decision_index.shown.MAX_LIMIT", 7)
    answer = get(server, "/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in lines] == ids(server, before=2**62)
    only = get(server, "/export", effect="DENY").text.splitlines()
    assert len(only) == 7
    deeds = [json.loads(one.payload or b"{}") for one in server.house.log.iterate("default", "admin")]
    assert [one["filters"] for one in deeds if one.get("action") == "decisions.export"][-2:] == [[], ["effect"]]
    assert get(server, "/export", limit=5).json()["code"] == "filter_unknown"


def test_no_cell_of_a_table_is_a_formula(server: Any) -> None:
    answer = get(server, "/export", format="csv", subject="user:eve")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    head, row = csv.reader(io.StringIO(answer.text))
    told = dict(zip(head, row, strict=True))
    assert told["resource_id"] == "'" + FORMULA
    assert (told["effect"], told["risk"], told["reasons"].split()[0]) == ("DENY", "0.01", "adaptive_proposal")


def test_who_is_forgotten_is_gone_from_lists_charts_and_exports(server: Any) -> None:
    write(server.house, record_of("dec_mallory", "user:mallory", server.house.clock.now_ns(), resource_id="hers"))
    server.assembly.projector.catch_up_all()
    assert ids(server, subject="user:mallory") == ["dec_mallory"]
    body = {"type": "user", "id": "mallory", "reason": "asked to"}
    assert server.admin("POST", "/tenants/default/subjects/erase", json=body).status_code == 200
    assert ids(server, subject="user:mallory") == []
    for path, more in {"": {"text": "hers"}, "/top": {"field": "subject"}, "/export": {}}.items():
        assert "mallory" not in get(server, path, **more).text, path


def test_a_list_says_when_it_is_not_complete(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.house.store.decisions, "cursor", lambda _tenant: 3)
    told = get(server, text="user:").json()
    assert (told["indexed"], told["complete"]) == (3, False)


def test_a_served_decision_is_listed_soon_and_nobody_waits_for_it(start_server: Callable[..., Any]) -> None:
    served = start_server()
    name = served.ask("read").json()["context"]["id"]
    until = time.monotonic() + 20
    while ids(served, subject="user:alice") != [name] and time.monotonic() < until:
        time.sleep(0.1)
    assert ids(served, subject="user:alice", action="read", effect="ALLOW") == [name]


def test_what_retention_and_the_end_of_a_tenant_take_is_listed_no_more(start_server: Callable[..., Any]) -> None:
    served = start_server(audit={"retention": {"decision_days": 2}})
    house, now = served.house, served.house.clock.now_ns()
    house.tenants.create("short")
    write(house, record_of("dec_old", "user:old", now - 3 * DAY))
    write(house, record_of("dec_new", "user:new", now))
    write(house, record_of("dec_short", "user:short", now, tenant="short"))
    served.assembly.projector.catch_up_all()
    assert ids(served, text="user:") == ["dec_new", "dec_old"]
    served.assembly.prune()
    assert ids(served, text="user:") == ["dec_new"]
    assert served.admin("DELETE", "/tenants/short").status_code == 200
    served.assembly.projector.catch_up_all()
    tables = ("decision_index", "decision_hours", "decision_spans", "decision_cursors")
    with closing(sqlite3.connect(house.places.database)) as looking:
        left = [looking.execute(f"SELECT count(*) FROM {one} WHERE tenant = 'short'").fetchone()[0] for one in tables]  # noqa: S608 - names above
    assert left == [0, 0, 0, 0]
