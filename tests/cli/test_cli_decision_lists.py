"""`ostiary decisions` as a user types it: list, tail, hours."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ostiary.cli.app import build_app
from ostiary.cli.decisions.asking import Filters
from ostiary.cli.decisions.following import follow, last
from ostiary.cli.places import open_data
from ostiary.decision.index.ports import IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.testing.decision_index import MemoryDecisionIndex
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

Run = Callable[..., tuple[int, str]]
MARKUP = "[red]\x1b[2Jeve"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("decisions") / "data"
    with open_data(home) as house:
        now = house.clock.now_ns()
        for number in range(5):
            subject = "user:bob" if number else f"user:{MARKUP}"
            record = record_of(f"dec_{number}", subject, now, allowed=number != 3)
            payload = msgspec.json.encode(record)
            name = record.receipt.decision_id
            house.log.append("default", "decision", name, now, payload, subject).result(10)
        house.tenants.create("empty")
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(data))

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(["decisions", *words], result_action="return_value", exit_on_error=False)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except OstiaryError as fault:
            print(fault, file=sys.stderr)  # noqa: T201
            code = fault.exit_code
        return code, capsys.readouterr().out

    return call


def names(out: str) -> list[str]:
    return [json.loads(line)["id"] for line in out.splitlines()]


def test_list_takes_filters_alone_and_as_one_text(run: Run) -> None:
    code, out = run("list", "--json", "--limit", "2")
    told = json.loads(out)
    assert (code, [one["id"] for one in told["decisions"]]) == (0, ["dec_4", "dec_3"])
    assert names(run("list", "--jsonl", "--before", str(told["next"]))[1]) == ["dec_2", "dec_1", "dec_0"]
    assert names(run("list", "--jsonl", "--effect", "DENY", "--subject", "user:bob")[1]) == ["dec_3"]
    assert names(run("list", "--jsonl", "--query", "effect=DENY&subject=user:bob")[1]) == ["dec_3"]
    assert names(run("list", "--jsonl", "--subject", "' OR 1=1 --")[1]) == []
    assert names(run("list", "--jsonl", "--since", "2020-01-01", "--until", "2020-01-02")[1]) == []
    assert names(run("list", "--jsonl", "--tenant", "empty")[1]) == []
    assert "dec_3" in run("list", "--effect", "DENY", "--risk-at-least", "0.005")[1]


def test_a_name_that_somebody_chose_is_not_obeyed_by_a_terminal(run: Run) -> None:
    for words in (("list",), ("tail",)):
        assert "\x1b" not in run(*words)[1]
    assert "user:[red]\ufffd[2Jeve" in run("tail")[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list", "--effect", "deny"), 1),
        (("list", "--query", "subjct=a"), 1),
        (("list", "--query", "subject=a", "--pep", "b"), 1),
        (("list", "--limit", "0"), 1),
        (("list", "--since", "yesterday"), 1),
        (("hours", "--days", "0"), 1),
        (("list", "--tenant", "nobody"), 3),
        (("tail", "--tenant", "nobody"), 3),
    ],
)
def test_what_cannot_be_meant_ends_with_its_code(run: Run, words: tuple[str, ...], code: int) -> None:
    assert run(*words) == (code, "")


def test_tail_ends_with_the_newest(run: Run) -> None:
    assert names(run("tail", "--jsonl", "--lines", "2")[1]) == ["dec_3", "dec_4"]
    assert run("tail", "--lines", "1")[1].split()[2:4] == ["ALLOW", "user:bob"]


def test_hours_are_counted(run: Run) -> None:
    told = json.loads(run("hours", "--json")[1])
    assert {one["effect"]: one["count"] for one in told} == {"ALLOW": 4, "DENY": 1}
    assert run("hours", "--jsonl", "--pep", "nobody") == (0, "")
    assert "DENY" in run("hours")[1]


def test_following_misses_nothing_and_shows_nothing_twice() -> None:
    index = MemoryDecisionIndex()
    more = threading.Event()

    def add(*numbers: int) -> None:
        rows = [IndexedDecision(number, 0, f"dec_{number}", Effect.ALLOW) for number in numbers]
        index.add("t", index.cursor("t"), numbers[-1] + 1, rows)

    def wait() -> bool:
        if more.is_set():
            return False
        more.set()
        add(7, 9)
        return True

    add(0, 3, 5)
    rows, place = last(index, "t", DecisionQuery(limit=2))
    assert [row.idx for row in rows] == [3, 5]
    assert [[row.idx for row in new] for new in follow(index, "t", DecisionQuery(limit=1), place, wait)] == [[7, 9]]


def test_following_an_empty_log_shows_its_first_decision() -> None:
    index = MemoryDecisionIndex()
    _, place = last(index, "t", DecisionQuery())
    index.add("t", 0, 1, [IndexedDecision(0, 0, "dec_0", Effect.DENY)])
    assert [row.idx for new in follow(index, "t", DecisionQuery(), place, lambda: False) for row in new] == [0]


def test_all_filters_stand_in_one_place() -> None:
    with pytest.raises(FaultyInputError, match="holds all filters"):
        Filters(pep="a", query_text="pep=b").query(5)


def test_keys_that_are_shredded_take_their_rows_along(run: Run, data: Path) -> None:
    with open_data(data) as house:
        record = record_of("dec_shred", "user:shredded", house.clock.now_ns())
        payload = msgspec.json.encode(record)
        house.log.append("default", "decision", "dec_shred", 1, payload, "user:shredded").result(10)
    assert names(run("list", "--jsonl", "--subject", "user:shredded")[1]) == ["dec_shred"]
    build_app()(["keys", "shred", "user:shredded", "--yes"], result_action="return_value", exit_on_error=False)
    with open_data(data) as house:
        assert house.store.decisions.rows("default", DecisionQuery(subject="user:shredded")) == []
