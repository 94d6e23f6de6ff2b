"""A query is read once for each who asks, and never for another."""

from typing import Any

import pytest

from ostiary.errors import OstiaryError
from ostiary.pipeline.features import readings as module
from ostiary.pipeline.features import scopes
from ostiary.pipeline.features.analysis import Analysis, Dialect, analyse
from ostiary.pipeline.features.readings import Readings

ONE, OTHER = ("t", "ci_job", "a"), ("t", "ci_job", "b")
SQL = "select a from f"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []

    def counted(sql: str, table: str, dialect: Dialect = "duckdb") -> Analysis:
        done.append(sql)
        return analyse(sql, table, dialect)

    monkeypatch.setattr(module, "analyse", counted)
    return done


def test_the_same_text_of_the_same_caller_is_read_once(read: list[str]) -> None:
    known = Readings()
    assert known.of(ONE, SQL, "f") == known.of(ONE, SQL, "f") == analyse(SQL, "f")
    assert read == [SQL]


def test_another_caller_tenant_set_or_dialect_is_another_reading(read: list[str]) -> None:
    """The time of an answer tells nobody what somebody else asked."""
    known = Readings()
    for who in (ONE, OTHER, ("u", "ci_job", "a"), ("t", "service", "a")):
        known.of(who, SQL, "f")
    assert known.of(ONE, SQL, "f", "postgres").canonical
    with pytest.raises(OstiaryError):
        known.of(ONE, SQL, "g")
    known.of(ONE, SQL + " ", "f")
    assert len(read) == 7


def test_what_was_refused_is_read_again_and_refused_again(read: list[str]) -> None:
    known = Readings()
    for _ in range(2):
        with pytest.raises(OstiaryError):
            known.of(ONE, "select * from g", "f")
    assert (len(read), len(known)) == (2, 0)


def test_it_holds_no_more_than_it_may() -> None:
    few = Readings(max_readings=3)
    for number in range(10):
        few.of(ONE, f"select {number}, a from f", "f")  # noqa: S608
    assert len(few) == 3
    small = Readings(max_bytes=20_000)
    for number in range(10):
        small.of(ONE, f"select a from f where b = '{'x' * 2000}{number}'", "f", "postgres")  # noqa: S608
    assert len(small) == 2
    small.of(ONE, f"select a from f where b = '{'x' * 9000}'", "f", "postgres")  # noqa: S608
    assert len(small) == 2, "what is larger than all is not kept, and drives nothing out"


def test_no_text_of_a_query_is_in_what_finds_it() -> None:
    known = Readings()
    known.of(ONE, "select a from f where b = 'a-secret'", "f")
    assert "a-secret" not in repr(known._known)


def test_a_query_of_many_columns_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was walked once a column: five thousand of them took half a minute of the server."""
    walks: list[int] = []
    own = scopes._own

    def counted(select: Any) -> set[str]:
        walks.append(1)
        return own(select)

    monkeypatch.setattr(scopes, "_own", counted)
    names = tuple(f"a{number}" for number in range(500))
    assert set(analyse(f"select {', '.join(names)} from f", "f").needs) == set(names)  # noqa: S608
    assert len(walks) == 1
