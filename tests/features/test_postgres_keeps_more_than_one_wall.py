"""Behind the analysis stands a login that owns nothing: what it cannot do even when its SQL is not looked at."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.errors import OstiaryError
from ostiary.pipeline.features.masks import Mask, MaskKey, hash_value
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.predicates import Comparison
from ostiary.pipeline.features.view import View


@pytest.fixture(scope="module")
def world(make_worlds: Callable[..., Any], postgres: Any) -> Any:
    scene, worlds = make_worlds("postgres", rows_differ=False, server=postgres)
    worlds[0].scene = scene
    return worlds[0]


def ask(world: Any, sql: str, view: View | None = None) -> Any:
    spec = world.door.spec("default", "people")
    wanted = view or View(world.scene.seen)
    return world.relations.run("default", "people", spec, wanted, MaskKey(b"k" * 32), sql, Limits(timeout_s=2.0))


def refusal(world: Any, sql: str, view: View | None = None) -> str:
    with pytest.raises(OstiaryError) as fault:
        ask(world, sql, view)
    return fault.value.code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT salary FROM SCHEMA.people",
        "SELECT * FROM SCHEMA.people",
        "SELECT set_config('role', 'projector', false)",
        "SELECT set_config('role', 'postgres', false)",
        "SELECT set_config('session_authorization', 'postgres', false)",
        "SELECT query_to_xml('select salary from SCHEMA.people', true, true, '')",
        "SELECT set_config('role', 'none', true), query_to_xml('select * from SCHEMA.people', true, true, '')",
        "SELECT table_to_xml('SCHEMA.people', true, true, '')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_statistic",
        "SELECT pg_terminate_backend(1), pg_reload_conf()",
        "SELECT 1; DROP VIEW people",
        "SELECT nextval('x')",
    ],
)
def test_the_login_itself_may_not(world: Any, sql: str) -> None:
    schema = world.door.spec("default", "people").offline.schema
    code = refusal(world, sql.replace("SCHEMA", schema))
    assert code in {"query_not_allowed", "query_invalid", "query_unknown_table"}


def test_statistics_of_hidden_columns_are_not_there(world: Any) -> None:
    schema = world.door.spec("default", "people").offline.schema
    found = ask(world, f"SELECT attname FROM pg_stats WHERE schemaname = '{schema}'")  # noqa: S608 - its own table
    assert found.num_rows == 0


def test_the_views_text_holds_no_value_and_no_key(world: Any) -> None:
    view = View(
        ("user_id", "email", "amount"),
        {"email": Mask("hash"), "amount": Mask("bucket", width=12.5)},
        (Comparison("country", "eq", "de-is-the-secret"),),
    )
    text = str(ask(world, "SELECT pg_get_viewdef('people')", view).to_pylist())
    assert "sha256" in text
    assert "de-is-the-secret" not in text
    assert "12.5" not in text
    assert (b"k" * 8).hex() not in text
    schema = text.partition("FROM ostiary_bound_")[2][:8]
    assert refusal(world, f"SELECT * FROM ostiary_bound_{schema}.bound", view) == "query_not_allowed"  # noqa: S608


def test_a_hash_is_the_same_in_the_database_and_outside(world: Any) -> None:
    view = View(("user_id", "email", "salary"), {"email": Mask("hash"), "salary": Mask("hash")})
    row = ask(world, "SELECT * FROM people WHERE user_id = 3", view).to_pylist()[0]
    true = world.rows.slice(2, 1).to_pylist()[0]
    key = MaskKey(b"k" * 32)
    assert (row["email"], row["salary"]) == (hash_value(true["email"], key), hash_value(true["salary"], key))


def test_a_function_of_the_reader_never_sees_a_row_that_is_filtered(world: Any) -> None:
    """`1 / (amount - 3)` fails on user 2 alone, whose row is not there: the filter comes first, whatever the plan."""
    view = View(world.scene.seen, rows=(Comparison("country", "eq", "de"),))
    hidden = next(row for row in world.rows.to_pylist() if row["country"] != "de")
    sql = f"SELECT count(*) FROM people WHERE 1 / (amount - {hidden['amount']}) IS NOT NULL"  # noqa: S608
    assert ask(world, sql, view).to_pylist() == [{"count": 20}]


def test_a_long_query_is_ended(world: Any) -> None:
    sql = "SELECT count(*) FROM people a, people b, people c, people d, people e"
    assert refusal(world, sql) == "query_too_long"


def test_nothing_is_left_behind(make_worlds: Callable[..., Any], postgres: Any) -> None:
    from pg8000 import native  # noqa: PLC0415

    _, worlds = make_worlds("postgres", rows_differ=False, server=postgres)
    worlds[0].scene = _
    ask(worlds[0], "SELECT count(*) FROM people")
    mine = list(worlds[0].relations._known)
    worlds[0].relations.close()
    owner = native.Connection("postgres", host="127.0.0.1", port=postgres.port, database="postgres", ssl_context=False)
    try:
        left = {row[0] for row in owner.run("SELECT rolname FROM pg_roles UNION SELECT nspname FROM pg_namespace")}
    finally:
        owner.close()
    assert mine
    assert not left & {*mine, "ostiary_bound_" + worlds[0].relations._mine}


def test_rows_are_appended_and_read_back(world: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415

    spec, view = world.door.spec("default", "people"), View((*world.scene.seen, "email"))
    at = world.rows.column("at").to_pylist()[0]
    rows = pa.table({"user_id": [900, 901], "at": [at, at], "amount": [1.0, 2.0], "country": ["it's", None]})
    now_ns = 1_800_000_000_000_000_000
    checked = world.door.check_write("default", "people", view, rows, now_ns)
    world.door.write("default", "people", view, checked, now_ns)
    assert spec.offline.kind == "postgres"
    found = ask(world, "SELECT amount, country, at FROM people WHERE user_id >= 900 ORDER BY 1").to_pylist()
    assert found == [
        {"amount": 1.0, "country": "it's", "at": at},
        {"amount": 2.0, "country": None, "at": at},
    ]


def test_values_of_a_time_come_from_the_database_too(world: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415

    frame = pa.table({"user_id": [3, 3], "event_timestamp": ["2026-01-01T02:59:00Z", "2026-01-01T03:00:00Z"]})
    found = world.door.historical("default", "people", View(world.scene.seen), frame, ["amount", "doubled"])
    assert [(row["amount"], row["doubled"]) for row in found.to_pylist()] == [(None, None), (4.5, 9.0)]
