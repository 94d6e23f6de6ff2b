"""Every query of ``tests/cases/columns`` against what may be seen, with an oracle that knows nothing of SQL.

1. Two worlds differ in what is hidden and in nothing else. Whatever a query answers, result or refusal, is the same in
   both, byte for byte: then it tells nothing of what is hidden, by whatever road.
2. No value that is hidden stands in any answer; each of them is unique.
3. A hidden column and one that never was give the same answer, but for the name that the query itself had.

The same queries on the whole table show that the oracle can see: there, many of them differ.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ostiary.errors import OstiaryError
from ostiary.pipeline.features.analysis import Dialect, analyse
from ostiary.pipeline.features.masks import Mask
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.predicates import Comparison
from ostiary.pipeline.features.view import View

pytestmark = pytest.mark.slow
NAMES = {"salary": "salarz", "diagnosis": "diagnosiz", "email": "emaiz", "fraud": "fraux", "wealth": "wealtx"}


def queries(repo: Path, dialect: str) -> list[str]:
    lines = (repo / f"tests/cases/columns/{dialect}.sql").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("--")]


def shown(table: pa.Table) -> str:
    rows = [[str(value) for value in column.to_pylist()] for column in table.columns]
    return json.dumps([table.column_names, [str(field.type) for field in table.schema], rows])


def answer(ask: Callable[[str], Any], sql: str) -> str:
    try:
        return shown(ask(sql))
    except OstiaryError as fault:
        return f"{fault.code}: {fault.message}"


def asker(world: Any, view: View, dialect: Dialect) -> Callable[[str], Any]:
    def ask(sql: str) -> Any:
        return world.door.query("default", "people", view, analyse(sql, "people", dialect), sql)

    return ask


def renamed(text: str) -> str:
    for name, other in NAMES.items():
        text = text.replace(name, other).replace(name.upper(), other.upper())
    return text


# Names that the engine makes anew for each database, and functions that tell of the engine's own doings.
RANDOM = re.compile(r"__duckdb_\w+")
ITS_OWN = re.compile(r"duckdb_(?:memory|settings|logs|views|functions)|information_schema|sqlite_master|pg_attribute")
BROKEN = ("engine_unavailable", "source_unavailable")
MASKS = {"email": Mask("null"), "salary": Mask("constant", 7)}
VIEWS = {
    "columns": lambda scene: View(scene.seen),
    "masks": lambda scene: View((*scene.seen, "email", "salary"), MASKS),
    "rows": lambda scene: View(scene.seen, rows=(Comparison("country", "eq", "de"), Comparison("user_id", "ge", 2))),
}


Asked = dict[tuple[str, str], str]
"""What the first world answered by the view of columns: dialect and query, for whoever only counts them."""


@pytest.fixture(scope="module")
def asked_already() -> Asked:
    return {}


def answers(asked_already: Asked, scene: Any, world: Any, dialect: Dialect) -> list[str]:
    """Return what the world answers by the view of columns, each query asked once in a run."""
    ask = asker(world, VIEWS["columns"](scene), dialect)
    return [asked_already.get((dialect, sql)) or answer(ask, sql) for sql in queries(scene.repo, dialect)]


def leaks(scene: Any, worlds: tuple[Any, Any], dialect: Dialect, kind: str, asked_already: Asked) -> list[str]:
    found, view, unknown_alike = [], VIEWS[kind](scene), kind == "columns"
    secrets = [secret for world in worlds for secret in scene.secrets_of(world.rows)]
    first, second = (asker(world, view, dialect) for world in worlds)
    for sql in queries(scene.repo, dialect):
        one, two = answer(first, sql), answer(second, sql)
        if kind == "columns":
            asked_already[dialect, sql] = one
        if one != two:
            found.append(f"differs: {sql}\n   {one[:300]}\n   {two[:300]}")
        if one.startswith(BROKEN):
            found.append(f"broken: {sql}: {one[:300]}")
        if any(secret in one and secret not in sql for secret in secrets):
            found.append(f"holds a secret: {sql}: {one[:300]}")
        if unknown_alike and renamed(sql) != sql:
            other = answer(first, renamed(sql))
            if renamed(one) != renamed(other):
                found.append(f"knows the name: {sql}\n   {one[:300]}\n   {other[:300]}")
    return found


@pytest.mark.parametrize("kind", ["columns", "masks", "rows"])
def test_no_query_of_parquet_tells_of_a_column(parquet_worlds: Any, kind: str, asked_already: Asked) -> None:
    scene, worlds = parquet_worlds[kind == "rows"]
    assert leaks(scene, worlds, "duckdb", kind, asked_already) == []


@pytest.mark.parametrize("kind", ["columns", "masks", "rows"])
def test_no_query_of_postgres_tells_of_a_column(postgres_worlds: Any, kind: str, asked_already: Asked) -> None:
    scene, worlds = postgres_worlds[kind == "rows"]
    assert leaks(scene, worlds, "postgres", kind, asked_already) == []


def test_there_are_enough_of_them_and_they_bite(parquet_worlds: Any) -> None:
    scene, worlds = parquet_worlds[False]
    asked = queries(scene.repo, "duckdb")
    assert len(set(asked)) == len(asked) >= 200
    assert len(set(queries(scene.repo, "postgres"))) >= 200
    plain = [_plain(world.rows) for world in worlds]
    differ = [sql for sql in asked if _is_read(sql) and plain[0](sql) != plain[1](sql)]
    assert len(differ) >= 100


def test_many_of_them_are_answered(parquet_worlds: Any, asked_already: Asked) -> None:
    """A door that refused everything would leak nothing, and be of no use."""
    scene, worlds = parquet_worlds[False]
    told = answers(asked_already, scene, worlds[0], "duckdb")
    assert sum(one.startswith("[") for one in told) >= 75


def test_many_of_them_are_answered_by_postgres(postgres_worlds: Any, asked_already: Asked) -> None:
    scene, worlds = postgres_worlds[False]
    told = answers(asked_already, scene, worlds[0], "postgres")
    assert sum(one.startswith("[") for one in told) >= 35


def test_the_engine_needs_no_analysis_to_keep_a_secret(parquet_worlds: Any) -> None:
    """Reading the query enforces nothing: without it the engine still holds nothing that it could tell."""
    scene, worlds = parquet_worlds[False]
    view, told = VIEWS["columns"](scene), []
    for world in worlds:
        spec = world.door.spec("default", "people")
        table = world.door._projected("default", "people", spec, view)

        def ask(sql: str, world: Any = world, table: Any = table) -> Any:
            return world.engine.run(sql, {"people": table}, Limits(max_rows=10_000, timeout_s=3.0))

        told.append({sql: RANDOM.sub("", answer(ask, sql)) for sql in queries(scene.repo, "duckdb")})
    secrets = [secret for world in worlds for secret in scene.secrets_of(world.rows)]
    assert [sql for sql, one in told[0].items() if one != told[1][sql] and not ITS_OWN.search(sql)] == []
    assert [sql for sql, one in told[0].items() if any(secret in one and secret not in sql for secret in secrets)] == []


def _is_read(sql: str) -> bool:
    try:
        analyse(sql, "people")
    except OstiaryError:
        return False
    return True


def _plain(rows: pa.Table) -> Callable[[str], str]:
    """Return an engine that holds the whole table."""
    database = duckdb.connect(":memory:", config={"threads": 1, "python_enable_replacements": "false"})
    database.execute("SET enable_external_access = false")
    database.register("people", rows)

    def ask(sql: str) -> str:
        try:
            return shown(database.sql(sql).to_arrow_table())
        except duckdb.Error as fault:
            return str(fault)

    return ask


@pytest.fixture(scope="module")
def parquet_worlds(make_worlds: Callable[..., Any]) -> Any:
    return {False: make_worlds("parquet", rows_differ=False), True: make_worlds("parquet", rows_differ=True)}


@pytest.fixture(scope="module")
def postgres_worlds(make_worlds: Callable[..., Any], postgres: Any) -> Any:
    return {
        False: make_worlds("postgres", rows_differ=False, server=postgres),
        True: make_worlds("postgres", rows_differ=True, server=postgres),
    }
