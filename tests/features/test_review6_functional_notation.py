"""PostgreSQL calls ``f(g)`` where a query says ``g.f``: the list of functions holds for that too."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.errors import OstiaryError, RefusedError
from ostiary.pipeline.features.analysis import analyse
from ostiary.pipeline.features.view import View


@pytest.fixture(scope="module")
def world(make_worlds: Callable[..., Any], postgres: Any) -> Any:
    scene, worlds = make_worlds("postgres", rows_differ=False, server=postgres)
    worlds[0].scene = scene
    return worlds[0]


def ask(world: Any, sql: str) -> Any:
    found = analyse(sql, "people", "postgres")
    return world.door.query("default", "people", View(world.scene.seen), found, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT g.current_setting FROM unnest(ARRAY['data_directory']) AS g",
        "SELECT g.current_setting FROM unnest(ARRAY['server_version']) AS g",
        "SELECT generate_series.pg_backend_pid FROM generate_series(1, 1)",
        "SELECT g.pg_sleep FROM unnest(ARRAY[0.0::double precision]) AS g, people",
        "SELECT g.to_regclass FROM unnest(ARRAY['pg_authid']) AS g",
        "SELECT g.pg_read_file FROM unnest(ARRAY['/etc/passwd']) AS g",
        'SELECT "g"."pg_ls_dir" FROM unnest(ARRAY[\'/\']) AS "g"',
        "SELECT g.pg_stat_get_activity FROM generate_series(1, 99999) AS g",
        "SELECT x.a FROM (SELECT g.pg_stat_get_backend_activity AS a FROM generate_series(1, 9) AS g) AS x",
        "SELECT amount FROM people, LATERAL unnest(ARRAY[country]) AS g ORDER BY g.current_setting",
        "SELECT people.amount FROM people WHERE EXISTS (SELECT g.pg_sleep FROM generate_series(1, 2) AS g)",
    ],
)
def test_no_function_is_called_as_if_it_were_a_column(world: Any, sql: str) -> None:
    with pytest.raises(RefusedError) as fault:
        ask(world, sql)
    assert fault.value.code == "query_not_allowed"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT g.g, g.* FROM generate_series(1, 2) AS g",
        "SELECT g.x FROM unnest(ARRAY[1, 2]) AS g(x)",
        "SELECT generate_series.generate_series FROM generate_series(1, 2)",
        "SELECT people.amount, p.country FROM people JOIN people AS p ON p.user_id = people.user_id LIMIT 2",
        "WITH c AS (SELECT amount AS a FROM people) SELECT c.a, s.b FROM c, (SELECT 1 AS b) AS s LIMIT 2",
    ],
)
def test_columns_with_their_tables_are_read_as_before(world: Any, sql: str) -> None:
    try:
        assert ask(world, sql).num_rows == 2
    except OstiaryError as fault:
        pytest.fail(f"{fault.code}: {fault.message}")
