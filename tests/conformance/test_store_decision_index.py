"""Decisions as columns, in memory and on disk: both keep the promises of ``decision.index.ports``."""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import EVERY, Stores

from ostiary.audit.ports import RecordRow
from ostiary.decision.index.ports import HOUR_NS, HourCount, IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.storage.sqlite import open_store
from ostiary.storage.statements import statements
from ostiary.storage.tables.store import Store
from ostiary.testing.decision_index import MemoryDecisionIndex
from ostiary.vocabulary.effects import Effect

ATTACKS = [
    "' OR 1=1 --",
    "x'; DROP TABLE decision_index; --",
    '" OR ""="',
    "%",
    "_",
    "user:*",
    "a\\",
    "' UNION SELECT 1 --",
]
TENANTS = ("default", "other")


class Kept:
    """An index, and how payloads come into being and are erased beside it."""

    def __init__(self, index: Any, store: Store | None = None) -> None:
        self.index, self.store = index, store

    def record(self, tenant: str, rows: list[IndexedDecision]) -> None:
        if self.store is not None:
            with self.store.transaction() as writing:
                told = [
                    RecordRow(row.idx, tenant, "decision", row.id, row.time_ns, b"t", b"{}", b"sealed") for row in rows
                ]
                writing.add_records(told)

    def lose(self, *indexes: int) -> None:
        if self.store is None:
            self.index.gone.update(indexes)
        else:
            with self.store.transaction() as writing:
                writing.erase_sealed(indexes)

    def add(self, tenant: str, rows: list[IndexedDecision], start: int | None = None) -> bool:
        self.record(tenant, rows)
        start = self.index.cursor(tenant) if start is None else start
        return bool(self.index.add(tenant, start, max((row.idx for row in rows), default=start) + 1, rows))

    def ids(self, tenant: str = "default", **asked: Any) -> list[int]:
        return [row.idx for row in self.index.rows(tenant, DecisionQuery(**asked))]


@pytest.fixture(params=EVERY)
def kept(request: Any, stores: Stores) -> Iterator[Kept]:
    if request.param == "memory":
        yield Kept(MemoryDecisionIndex())
        return
    opened = stores(request.param)
    with opened.transaction() as writing:
        writing.add_tenant(msgspec.structs.replace(opened.tenants()[0], tenant="other"))
    yield Kept(opened.decisions, opened)


def row(
    idx: int, effect: Effect = Effect.ALLOW, hour: float = 0, subject: str = "user:ada", **more: Any
) -> IndexedDecision:
    kind = subject.partition(":")[0]
    told = {"action": "read", "resource_type": "doc", "resource_id": "1", "pep": "gateway", "reasons": ("rule:may",)}
    return IndexedDecision(idx, int(hour * HOUR_NS), f"dec_{idx}", effect, subject, kind, **{**told, **more})


def test_what_was_added_is_read_back_whole_newest_first(kept: Kept) -> None:
    rows = [row(idx, Effect.DENY, 3, risk=idx * 100_000, ip="192.0.2.1", rule="may", session="s") for idx in range(3)]
    assert kept.add("default", rows)
    assert list(kept.index.rows("default", DecisionQuery())) == rows[::-1]
    assert list(kept.index.rows("default", DecisionQuery(after=0))) == rows[1:]


def test_pages_follow_each_other_whatever_is_added_meanwhile(kept: Kept) -> None:
    kept.add("default", [row(idx) for idx in range(10)])
    assert kept.ids(limit=4) == [9, 8, 7, 6]
    kept.add("default", [row(10)])
    assert kept.ids(limit=4, before=6) == [5, 4, 3, 2]
    assert kept.ids(limit=4, after=8) == [9, 10]
    assert kept.ids(after=10) == []
    assert kept.ids(after=2, before=5) == [3, 4]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"effects": (Effect.DENY,)}, [1]),
        ({"effects": (Effect.DENY, Effect.STEP_UP)}, [2, 1]),
        ({"effects": (Effect.ALLOW, Effect.STEP_UP)}, [3, 2, 0]),
        ({"subject": "user:bob"}, [3, 1]),
        ({"session": "s1"}, [2]),
        ({"action": "write"}, [3]),
        ({"resource_type": "db"}, [2]),
        ({"resource_id": "prod"}, [2]),
        ({"pep": "edge"}, [1]),
        ({"rule": "odd"}, [2]),
        ({"ip": "192.0.2.9"}, [0]),
        ({"risk_at_least": 500_000}, [3, 2]),
        ({"risk_at_least": 900_001}, [3]),
        ({"risk_at_least": 1}, [3, 2, 1]),
        ({"since_ns": HOUR_NS}, [3, 2, 1]),
        ({"since_ns": HOUR_NS + 1}, [3, 2]),
        ({"until_ns": HOUR_NS}, [0]),
        ({"since_ns": HOUR_NS, "until_ns": 2 * HOUR_NS}, [1]),
        ({"since_ns": 9 * HOUR_NS}, []),
        ({"text": "user:b"}, [3, 1]),
        ({"text": "ad"}, [2, 0]),
        ({"text": "pro"}, [2]),
        ({"text": "rod"}, []),
        ({"subject": "user:bob", "effects": (Effect.DENY,), "pep": "edge"}, [1]),
        ({"subject": "user:bob", "effects": (Effect.TERMINATE,)}, []),
    ],
)  # fmt: skip
def test_filters_are_joined_by_and(kept: Kept, asked: dict[str, Any], found: list[int]) -> None:
    rows = [
        row(0, ip="192.0.2.9"),
        row(1, Effect.DENY, 1, "user:bob", pep="edge", risk=10_000),
        row(2, Effect.STEP_UP, 2, session="s1", resource_type="db", resource_id="prod", rule="odd", risk=900_000),
        row(3, Effect.ALLOW, 3, "user:bob", action="write", risk=1_000_000),
    ]
    kept.add("default", rows)
    assert kept.ids(**asked) == found
    assert kept.index.count("default", DecisionQuery(**asked), 100) == len(found)
    assert kept.index.count("default", DecisionQuery(**asked), 1) == min(1, len(found))
    assert kept.ids("other", **asked) == []


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "name", ["subject", "session", "action", "resource_type", "resource_id", "pep", "rule", "ip", "text"]
)
def test_what_is_asked_is_a_value_and_never_a_part_of_the_query(kept: Kept, name: str, attack: str) -> None:
    kept.add("default", [row(0, rule="may", session="s", ip="192.0.2.1"), row(1, subject=f"user:{attack}")])
    found = kept.ids(**{name: attack})
    assert found == ([1] if name == "text" else [])
    assert kept.ids() == [1, 0]
    assert kept.ids(attack) == []
    assert kept.index.top(attack, "subject", (), 0, 5) == []
    assert kept.index.heat("default", attack, 0) == {}
    assert list(kept.index.hours("default", 0, 9, attack)) == []


def test_tenants_never_see_each_others(kept: Kept) -> None:
    kept.add("default", [row(0), row(2)])
    kept.add("other", [row(1, Effect.DENY, subject="user:eve"), row(3, Effect.DENY, subject="user:ada")])
    assert (kept.ids(), kept.ids("other"), kept.ids("nobody")) == ([2, 0], [3, 1], [])
    assert kept.ids(subject="user:eve") == []
    assert kept.index.top("other", "subject", (), 0, 5) == [("user:ada", 1), ("user:eve", 1)]
    assert list(kept.index.hours("other", 0, 9)) == [HourCount(0, Effect.DENY, 2)]
    assert kept.index.heat("default", "user:eve", 0) == {}
    assert kept.index.count("default", DecisionQuery(), 9) == 2
    assert (kept.index.cursor("default"), kept.index.cursor("other"), kept.index.cursor("nobody")) == (3, 4, 0)


def test_nothing_is_added_where_the_cursor_does_not_stand(kept: Kept) -> None:
    assert kept.add("default", [row(0), row(1)])
    assert not kept.index.add("default", 0, 2, [row(0), row(1)])
    assert not kept.index.add("default", 1, 3, [row(2)])
    assert list(kept.index.hours("default", 0, 9)) == [HourCount(0, Effect.ALLOW, 2)]
    assert kept.index.cursor("default") == 2


def test_rows_stand_only_while_their_payloads_stand(kept: Kept) -> None:
    rows = [row(idx, hour=idx) for idx in range(6)]
    kept.record("default", rows)
    kept.lose(4)
    assert kept.index.add("default", 0, 6, rows)
    assert kept.ids() == [5, 3, 2, 1, 0]
    assert not kept.index.erase([(0, 3)]), "they stand: nothing goes, and it is said"
    assert kept.ids() == [5, 3, 2, 1, 0]
    kept.lose(0, 2)
    assert not kept.index.erase([(0, 3)])
    assert kept.ids() == [5, 3, 1]
    kept.lose(1, 3)
    assert kept.index.erase([(1, 2), (3, 4)])
    assert kept.ids() == [5]
    assert sum(one.count for one in kept.index.hours("default", 0, 9)) == 6, "counts name nobody, and stay"


def test_erasures_are_followed_in_turn(kept: Kept) -> None:
    assert kept.index.erasures() == 0
    assert kept.index.followed(0, 7)
    assert not kept.index.followed(0, 9)
    assert kept.index.erasures() == 7


def test_counts_by_hour_top_and_heat(kept: Kept) -> None:
    monday = 4 * 24  # 1970-01-05
    kept.add(
        "default", [row(0, hour=monday + 9), row(1, Effect.DENY, monday + 9.5), row(2, hour=monday + 33, pep="edge")]
    )
    kept.add("default", [row(3, Effect.DENY, monday + 9, "user:bob", resource_id="2", rule="no")])
    told = [(one.hour - monday, one.effect.name, one.count) for one in kept.index.hours("default", 0, 2**40)]
    assert told == [(9, "ALLOW", 1), (9, "DENY", 2), (33, "ALLOW", 1)]
    assert [one.count for one in kept.index.hours("default", 0, 2**40, "edge")] == [1]
    assert list(kept.index.hours("default", monday + 10, monday + 33)) == []
    assert kept.index.heat("default", None, 0) == {(0, 9): 3, (1, 9): 1}
    assert kept.index.heat("default", "user:ada", (monday + 10) * HOUR_NS) == {(1, 9): 1}
    assert kept.index.top("default", "subject", (), 0, 9) == [("user:ada", 3), ("user:bob", 1)]
    assert kept.index.top("default", "subject", (), (monday + 10) * HOUR_NS, 9) == [("user:ada", 1)]
    assert kept.index.top("default", "resource", (Effect.DENY,), 0, 9) == [("doc:1", 1), ("doc:2", 1)]
    assert kept.index.top("default", "rule", (), 0, 9) == [("no", 1)]
    assert kept.index.top("default", "action", (), 0, 1) == [("read", 4)]


def test_decisions_that_come_late_are_within_their_time(kept: Kept) -> None:
    """A clock that was set back, or one that was slow: an index does not grow with time."""
    kept.add("default", [row(0, hour=5), row(1, hour=90), row(2, hour=4), row(3, hour=6), row(4, hour=5.5)])
    assert kept.ids(since_ns=5 * HOUR_NS, until_ns=6 * HOUR_NS) == [4, 0]
    assert kept.ids(since_ns=6 * HOUR_NS) == [3, 1]
    assert kept.ids(until_ns=5 * HOUR_NS) == [2]


def test_two_workers_that_race_count_each_decision_once(again: Callable[[], Store]) -> None:
    stores = [again() for _ in range(2)]
    kept = Kept(stores[0].decisions, stores[0])
    rows = [row(idx) for idx in range(60)]
    kept.record("default", rows)

    def work(index: Any) -> None:
        while (start := index.cursor("default")) < 60:
            index.add("default", start, start + 3, rows[start : start + 3])

    threads = [threading.Thread(target=work, args=(store.decisions,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(kept.index.hours("default", 0, 1)) == [HourCount(0, Effect.ALLOW, 60)]
    assert kept.ids(limit=1000) == list(range(59, -1, -1))


def test_a_tenant_that_goes_takes_everything_along_and_gets_nothing_more(tables: Store) -> None:
    kept = Kept(tables.decisions, tables)
    kept.add("default", [row(0)])
    with tables.transaction() as writing:
        writing.end_tenant("default", 1)
    tables.forget_tenant("default")
    assert not kept.add("default", [row(1)], start=0)
    assert not kept.index.add("default", 1, 3, [row(2)])
    assert (kept.ids(), list(kept.index.hours("default", 0, 9)), kept.index.cursor("default")) == ([], [], 0)
    assert kept.index.heat("default", None, 0) == {}


def test_what_was_erased_is_not_in_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path / "o.db") as opened:
        kept = Kept(opened.decisions, opened)
        kept.add("default", [row(idx, subject=f"user:mallory-{idx:05d}") for idx in range(50)])
        assert b"mallory-00007" in (tmp_path / "o.db").read_bytes() + (tmp_path / "o.db-wal").read_bytes()
        kept.lose(*range(50))
        assert kept.index.erase([(0, 50)])
        left = (tmp_path / "o.db").read_bytes() + (tmp_path / "o.db-wal").read_bytes()
        assert b"mallory" not in left


def test_every_filter_has_its_way_through_the_table(tmp_path: Path) -> None:
    """A page deep in a long list must not walk through what is newer, nor sort what it finds."""
    with open_store(tmp_path / "o.db") as opened, closing(sqlite3.connect(opened.path)) as looking:
        for name, text in statements("ostiary.storage.sqlite").items():
            column = name.partition("_decisions_by_")[2]
            if name.startswith(("newest_decisions", "oldest_decisions")):
                values = dict.fromkeys(re.findall(r":(\w+)", text), 1)
                plan = [line[3] for line in looking.execute("EXPLAIN QUERY PLAN " + text, values)]
                key = f"INDEX decision_index_by_{column} (tenant=? AND {column}=?"
                key = "PRIMARY KEY (tenant=?" if column == "tenant" else key
                assert plan == [f"SEARCH decision_index USING {key} AND idx>? AND idx<?)"], name


NAMES = st.sampled_from(["user:ada", "user:bob", "user:a", "job:ada"])
ROWS = st.lists(
    st.builds(
        row,
        st.just(0),
        st.sampled_from(Effect),
        st.sampled_from([0, 1, 2.5, 2.75, 40]),
        NAMES,
        action=st.sampled_from(["read", "write"]),
        resource_type=st.sampled_from(["doc", ""]),
        resource_id=st.sampled_from(["a", "ab", "b"]),
        rule=st.sampled_from(["", "r1"]),
        session=st.sampled_from(["", "s"]),
        ip=st.sampled_from(["", "::1"]),
        risk=st.none() | st.integers(0, 10).map(lambda tenth: tenth * 100_000),
    ),
    max_size=12,
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "effects": st.lists(st.sampled_from(Effect), max_size=3).map(tuple),
        "subject": NAMES,
        "session": st.just("s"),
        "action": st.sampled_from(["read", "write"]),
        "resource_type": st.just("doc"),
        "resource_id": st.sampled_from(["a", "ab"]),
        "rule": st.just("r1"),
        "ip": st.just("::1"),
        "text": st.sampled_from(["a", "ab", "user:", "ada"]),
        "risk_at_least": st.integers(0, 1_000_000),
        "since_ns": st.integers(0, 50 * HOUR_NS),
        "until_ns": st.integers(0, 50 * HOUR_NS),
        "before": st.integers(0, 13),
        "after": st.integers(-1, 13),
        "limit": st.integers(1, 5),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, asked=st.lists(ASKED, min_size=1, max_size=12))
def test_the_disk_answers_as_the_plainest_reading_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[IndexedDecision], asked: list[dict[str, Any]]
) -> None:
    rows = [msgspec.structs.replace(one, idx=idx, id=f"dec_{idx}") for idx, one in enumerate(rows)]
    model = Kept(MemoryDecisionIndex())
    model.add("default", rows)
    with open_store(tmp_path_factory.mktemp("index") / "o.db") as opened:
        disk = Kept(opened.decisions, opened)
        disk.add("default", rows)
        for one in asked:
            assert disk.ids(**one) == model.ids(**one), one
            query = DecisionQuery(**one)
            assert disk.index.count("default", query, 9) == model.index.count("default", query, 9), one
