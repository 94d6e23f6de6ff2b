"""What is read out of a query before it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.pipeline.features.analysis import analyse


@pytest.mark.parametrize(
    ("sql", "needs", "may", "whole"),
    [
        ("select a, f.b from f where c > 1 order by d", ("a", "b", "c", "d"), (), False),
        ("select f from f", (), (), True),
        ("select count(*) from f", (), (), False),
        ("select x.b from f as x", ("b",), (), False),
        ("select a as b, b from f", ("a",), ("b",), False),
        ("with c as (select a from f) select a from c", ("a",), (), False),
        ("select a from f, range(3) r(i)", (), ("a",), False),
        ("select a from f t(a)", (), ("a",), False),
        ("select (select max(g.b) from f g where g.a = f.a) from f", ("a", "b"), (), False),
        ("select list_transform([1], q -> q + a) from f", ("a",), (), False),
        ('select "A b" from f', ("A b",), (), False),
    ],
)
def test_columns_are_found(sql: str, needs: tuple[str, ...], may: tuple[str, ...], whole: bool) -> None:  # noqa: FBT001
    found = analyse(sql, "f")
    assert (found.needs, found.may, found.whole) == (needs, may, whole)


def test_a_query_for_postgres_is_written_anew_with_every_name_quoted() -> None:
    found = analyse("select Amount, current_role -- x\n from F /* y */ where a=1", "f", "postgres")
    assert found.canonical == 'SELECT "amount", "current_role" FROM "f" WHERE "a" = 1'


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize("sql", ["", ";", "(", "'", '"', "/*", "select 1 from f where", "\x00", "\ud800"])
def test_odd_texts_are_faults(sql: str, dialect: str) -> None:
    with pytest.raises(OstiaryError):
        analyse(sql, "f", dialect)  # type: ignore[arg-type]


# Each has twice the columns of the one before: binding this takes an engine's memory before any limit sees it.
DOUBLING = ["c{} as (select * from c{}, c{} x)".format(n, n - 1, n - 1) for n in range(1, 40)]  # noqa: UP032, S608


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 5000 + "1" + ")" * 5000,
        "select 1 " + "union select 1 " * 3000,
        "select " + "not " * 9000 + "true",
        "select " + "a.b" * 30_000,
        "select '" + "x" * 70_000 + "'",
        "with c0 as (select * from f), " + ", ".join(DOUBLING) + " select count(*) from c39",  # noqa: S608
    ],
)
def test_large_and_deep_queries_are_faults_and_nothing_worse(sql: str) -> None:
    with pytest.raises(FaultyInputError):
        analyse(sql, "f")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for dialect in ("duckdb", "postgres"):
        try:
            analyse(text, "f", dialect)
        except OstiaryError:
            continue


WORDS = (
    "select from f where a b * ( ) , . ; -- /* */ ' \" join using with as union over order by unnest [ ] { } : := ->"
)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join))
def test_any_words_of_sql_are_read_or_refused(text: str) -> None:
    for dialect in ("duckdb", "postgres"):
        try:
            analyse(text, "f", dialect)
        except OstiaryError:
            continue
