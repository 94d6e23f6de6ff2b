"""A server with a feature set of customers, and callers with tokens for it; shared by the stories of features."""

import contextlib
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pg8000 import native

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.features.door import FeatureDoor
from ostiary.pipeline.features.masks import MaskKey
from ostiary.pipeline.features.parquet import ParquetHistory
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.predicates import Comparison
from ostiary.pipeline.features.view import View
from ostiary.pipeline.registered import Registered, Registry
from ostiary.server.faces.features import FeatureFace
from ostiary.storage.duckdb import DuckEngine
from ostiary.storage.postgres.link import PostgresSource
from ostiary.storage.postgres.relations import PostgresRelations
from ostiary.storage.sqlite import open_store
from ostiary.testing.online_features import MemoryOnlineStore
from ostiary.testing.pipeline import PipelineCaller
from ostiary.testing.postgres import PostgresServer, find_postgres

PUBLIC = "http://pdp.example"
SCHEMAS = itertools.count()
ROWS = 60
SPEC: dict[str, Any] = {
    "entities": ["user_id"],
    "event_time": "at",
    "columns": [
        {"name": "user_id", "type": "int64"},
        {"name": "at", "type": "timestamp"},
        {"name": "amount", "type": "float64", "tags": ["feature"]},
        {"name": "country", "type": "string", "tags": ["feature"]},
        {"name": "active", "type": "bool", "tags": ["feature"]},
        {"name": "email", "type": "string", "tags": ["pii"]},
        {"name": "salary", "type": "int64", "tags": ["secret"]},
        {"name": "diagnosis", "type": "string", "tags": ["secret"]},
        {"name": "fraud", "type": "bool", "tags": ["label"]},
    ],
    "derived": [
        {"name": "doubled", "expression": {"op": "mul", "args": [{"column": "amount"}, 2]}, "tags": ["feature"]},
        {"name": "wealth", "expression": {"op": "add", "args": [{"column": "salary"}, 1]}, "tags": ["feature"]},
        {"name": "wealth_again", "expression": {"op": "neg", "args": [{"column": "wealth"}]}, "tags": ["feature"]},
    ],
    "offline": {"kind": "parquet"},
    "online": True,
}
SEEN = ("user_id", "at", "amount", "country", "active", "doubled")
HIDDEN = ("email", "salary", "diagnosis", "fraud", "wealth", "wealth_again")


def table(salt: int = 0) -> pa.Table:
    """Return customers; ``salt`` changes what is hidden and nothing else."""
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - event times are UTC without a zone
    ids = range(1, ROWS + 1)
    return pa.table(
        {
            "user_id": pa.array(ids, pa.int64()),
            "at": pa.array([start + timedelta(hours=i) for i in ids], pa.timestamp("us")),
            "amount": pa.array([i * 1.5 for i in ids], pa.float64()),
            "country": pa.array([("de", "fr", "it")[i % 3] for i in ids], pa.string()),
            "active": pa.array([i % 2 == 0 for i in ids], pa.bool_()),
            "email": pa.array([f"mail{i * 7919 + salt}x{salt}@secret.example" for i in ids], pa.string()),
            "salary": pa.array([7_000_000 + i * 104_729 + salt * 15_485_863 for i in ids], pa.int64()),
            "diagnosis": pa.array([f"SECRET-{i * 31 + salt}" * (1 + salt % 3) for i in ids], pa.string()),
            "fraud": pa.array([(i * (salt + 3)) % 5 == 0 for i in ids], pa.bool_()),
        }
    )


def secrets_of(rows: pa.Table) -> list[str]:
    """Return the texts of hidden values by which a leak is known."""
    found = []
    for name in ("email", "salary", "diagnosis"):
        found += [str(value) for value in rows.column(name).to_pylist()]
    return found


class Scene:
    """A server, its feature set ``people``, and those who come."""

    def __init__(self, start_server: Callable[..., Any], bundle: Path, **sections: Any) -> None:
        self.server = start_server(server={"public_url": PUBLIC}, **sections)
        self.house = self.server.house
        # The shipped bundle instead of the tests' own: what is tested here is what is shipped.
        own = self.house.places.root / "bundles/default"
        shutil.rmtree(own)
        shutil.copytree(bundle, own)
        self.house.policies.reload("default")
        faces = [face for _, face in self.server.assembly.app.faces if isinstance(face, FeatureFace)]
        self.access = faces[0]._access
        self.door = self.access._door
        catalogue = self.house.places.root / "catalogue/default.yaml"
        catalogue.write_text(
            "resources: []\nactions: []\nsubjects:\n"
            "  - {type: ci_job, id: 'github:owner:9919:repository:42', properties: {region: de}}\n"
            "  - {type: service, id: scorer}\n"
        )
        self._wait_for_the_catalogue()
        self.caller = self.stage()
        self.seen, self.hidden, self.rows, self.spec = SEEN, HIDDEN, table(), SPEC
        self.secrets = secrets_of(self.rows)

    def _wait_for_the_catalogue(self) -> None:
        """Wait until the file that was just written is known: the server reads it again once a second."""
        until, directory = time.monotonic() + 5, self.house.decider.parts.directory
        while not directory.subject("default", "service", "scorer").known and time.monotonic() < until:
            time.sleep(0.05)

    @staticmethod
    def arrow(raw: bytes) -> pa.Table:
        with pa.ipc.open_stream(pa.py_buffer(raw)) as reader:
            return reader.read_all()

    @staticmethod
    def view(columns: tuple[str, ...], rows: Any = ()) -> View:
        return View(columns, rows=tuple(Comparison(*one) for one in rows))

    @staticmethod
    def table(salt: int = 0) -> pa.Table:
        return table(salt)

    def stage(self, **more: Any) -> PipelineCaller:
        return PipelineCaller(self.house.ring, self.house.clock, PUBLIC, **more)

    def register(self, name: str = "people", rows: pa.Table | None = None, **changes: Any) -> None:
        attributes = changes.pop("attributes", {})
        one = Registered(type="feature_set", id=name, sensitivity=1, spec={**SPEC, **changes}, attributes=attributes)
        self.door.register("default", one, 1)
        if rows is not None:
            place = self.house.places.root / "features/default" / name
            place.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, place / "part.parquet")

    @staticmethod
    def detail(
        columns: tuple[str, ...] = ("*",), name: str = "people", action: str = "features.read", **more: Any
    ) -> AccessDetail:
        stage = more.pop("stage", "serve")
        given = {"datatypes": columns, "stage": stage, "purpose": "fraud", **more}
        return AccessDetail("ostiary_feature_set", name, (action,), **given)

    def post(self, act: str, body: Any, detail: AccessDetail | None = None, **more: Any) -> httpx.Response:
        detail = detail or self.detail()
        caller: PipelineCaller = more.pop("caller", self.caller)
        token = more.pop("token", None) or caller.token(detail)
        name, tenant = more.pop("name", detail.identifier), more.pop("tenant", "default")
        path = f"/pipeline/{tenant}/features/{name}/{act}"
        headers = {**caller.headers("POST", PUBLIC + path, token), "Accept": "application/json", **more}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/vnd.apache.arrow.stream"
        else:
            headers["Content-Type"] = "application/json"
        content = body if isinstance(body, bytes) else json.dumps(body)
        response: httpx.Response = self.server.client.post(path, content=content, headers=headers)
        return response

    def query(self, sql: str, detail: AccessDetail | None = None, **more: Any) -> httpx.Response:
        return self.post("query", {"sql": sql}, detail, **more)

    def feature_records(self, tenant: str = "default") -> list[dict[str, Any]]:
        return [msgspec.json.decode(one.payload or b"{}") for one in self.house.log.iterate(tenant, "feature")]


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], repo: Path) -> Scene:
    made = Scene(start_server, repo / "policies")
    made.register(rows=table())
    made.house.warm_up(lambda reason, fault: pytest.fail(f"{reason}: {fault}"))
    made.query("select 1 from people")
    return made


class World:
    """A features door over one table, without HTTP and decisions."""

    def __init__(self, root: Path, kind: str, rows: pa.Table, relations: Any = None, source: str = "") -> None:
        self.rows = rows
        self.engine = DuckEngine(memory_mb=256)
        self.relations = relations
        offline = {"kind": "parquet"} if kind == "parquet" else {"kind": kind, "source": source, "table": "people"}
        if kind == "postgres":
            offline["schema"] = source
        store = open_store(root / "o.db")
        self.closing = [self.engine.close, store.close] + ([relations.close] if relations else [])
        self.online = MemoryOnlineStore()
        self.door = FeatureDoor(
            Registry(store.snapshots),
            ParquetHistory(root / "features"),
            self.engine,
            self.online,
            lambda tenant: MaskKey(b"k" * 32),
            relations=relations,
            limits=Limits(max_rows=100_000, timeout_s=3.0),
        )
        self.door.register("default", Registered(type="feature_set", id="people", spec={**SPEC, "offline": offline}), 1)
        if kind == "parquet":
            place = root / "features/default/people"
            place.mkdir(parents=True)
            pq.write_table(rows, place / "part.parquet")

    def close(self) -> None:
        for one in reversed(self.closing):
            one()


class Worlds:
    """What the suite of columns needs beside its worlds."""

    seen, hidden = SEEN, HIDDEN

    def __init__(self, repo: Path) -> None:
        self.repo = repo

    @staticmethod
    def secrets_of(rows: pa.Table) -> list[str]:
        return secrets_of(rows)


def other_rows(rows: pa.Table) -> pa.Table:
    """Return the table with every value of the rows changed that are not from Germany."""
    changed = rows.to_pylist()
    for row in changed:
        if row["country"] != "de":
            row["amount"], row["active"], row["country"] = row["amount"] * 3 + 1, not row["active"], "xx"
    return pa.Table.from_pylist(changed, rows.schema)


@pytest.fixture(scope="module")
def make_worlds(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Iterator[Callable[..., Any]]:
    """Makes two worlds that differ only in what is hidden; with ``rows_differ`` in rows beside columns."""
    made: list[World] = []

    def make(kind: str, *, rows_differ: bool, server: Any = None) -> Any:
        tables = (table(0), other_rows(table(1)) if rows_differ else table(1))
        for number, rows in enumerate(tables):
            relations, source = None, ""
            if server is not None:
                source = f"raw_{next(SCHEMAS)}"  # the server outlives a module
                relations = fill(server, source, rows)
            made.append(World(tmp_path_factory.mktemp(f"{kind}{number}"), kind, rows, relations, source))
        return Worlds(repo), tuple(made[-2:])

    yield make
    for one in made:
        one.close()


def fill(server: PostgresServer, schema: str, rows: pa.Table) -> PostgresRelations:
    """Put a table into a schema of its own, and return who reads it as the projector."""
    owner = native.Connection("postgres", host="127.0.0.1", port=server.port, database="postgres", ssl_context=False)
    with contextlib.closing(owner):
        owner.run(f"CREATE SCHEMA {schema}")
        owner.run(
            f"CREATE TABLE {schema}.people (user_id bigint, at timestamptz, amount float8, country text, active bool, "
            "email text, salary bigint, diagnosis text, fraud bool)"
        )
        places = ", ".join(f"${number}" for number in range(1, 10))
        owner.run("SET timezone = 'UTC'")
        for row in rows.to_pylist():
            owner.execute_unnamed(f"INSERT INTO {schema}.people VALUES ({places})", list(row.values()))  # noqa: S608
        owner.run(
            "DO $$ BEGIN CREATE ROLE projector LOGIN CREATEROLE PASSWORD 'p'; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        owner.run("GRANT CREATE ON DATABASE postgres TO projector")
        owner.run(f"GRANT USAGE ON SCHEMA {schema} TO projector")
        owner.run(f"GRANT SELECT, INSERT ON {schema}.people TO projector")
        owner.run(f"ANALYZE {schema}.people")
    return PostgresRelations({schema: PostgresSource(schema, server.dsn("projector", "p"))})


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    programs = find_postgres()
    if programs is None:
        words = "there is no PostgreSQL server: run tools/postgres.sh"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    # Below /tmp itself: the cluster runs as another user, who may not enter pytest's own folders.
    root = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    root.chmod(0o755)
    with PostgresServer(root / "cluster", programs) as server:
        yield server
    shutil.rmtree(root, ignore_errors=True)
