"""What columns cost a query: ``python benchmarks/bench_columns.py`` prints one JSON object.

Each query is run by a plain DuckDB that keeps its connection and reads the same Parquet file (``plain``), and through
the features door: read (``analysis``), decided (``decision``: token, proof, state, signals, policy), projected and run
in a database of its own (``query``). Calls alternate, so that both meet the same machine; figures are medians over
single calls, in milliseconds. ``added`` is what columns cost, ``analysis`` + ``query`` - ``plain``;
``added_with_decision`` is all. Apart stand the wait until records are on disk (``durable``), and the first query of a
view, which reads its columns into memory (``first``). ``least_added`` compares the quickest calls instead: on a busy
machine it is nearer to the cost. The same for PostgreSQL where a server is installed.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ostiary.decision.parts import Call
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.keys import random_bytes
from ostiary.pipeline.features.analysis import analyse
from ostiary.pipeline.features.door import FeatureDoor
from ostiary.pipeline.features.view import view_of
from ostiary.pipeline.registered import Registered
from ostiary.server.features import open_features
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.storage.postgres.link import Link, PostgresSource
from ostiary.testing.pipeline import JOB, PipelineCaller
from ostiary.testing.postgres import PostgresServer, find_postgres
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.ids import make_id

PUBLIC = "http://pdp.example"
URL = PUBLIC + "/pipeline/default/features/people/query"
SQL = {
    "aggregate": "SELECT country, avg(amount) AS a, count(*) AS n FROM people GROUP BY country ORDER BY country",
    "filter": "SELECT user_id, amount FROM people WHERE amount > 990 AND country = 'c3' ORDER BY user_id LIMIT 100",
    "point": "SELECT amount, balance FROM people WHERE user_id = 4711",
    "window": "SELECT user_id, rank() OVER (ORDER BY amount DESC, user_id) AS r FROM people ORDER BY r LIMIT 10",
    "join": "SELECT count(*) AS n FROM people a JOIN people b ON a.user_id = b.user_id WHERE b.amount < 10",
    "cte": "WITH c AS (SELECT country, sum(amount) AS s FROM people GROUP BY country) SELECT max(s) AS m FROM c",
}
HIDDEN = 12
SHOWN = "amount float8, balance float8, country text, email text"
VALUES = ("timestamptz '2026-01-01' + i * interval '1 second'", "i % 1009", "i % 503", "'c' || (i % 7)", "'user' || i")


def spec(offline: dict[str, str]) -> dict[str, Any]:
    """Return a feature set with as many hidden columns as shown ones, and more."""
    columns: list[dict[str, Any]] = [{"name": "user_id", "type": "int64"}, {"name": "at", "type": "timestamp"}]
    for name, kind in (("amount", "float64"), ("balance", "float64"), ("country", "string")):
        columns.append({"name": name, "type": kind, "tags": ["feature"]})
    columns.append({"name": "email", "type": "string", "tags": ["pii"]})
    columns += [{"name": f"hidden{n}", "type": "float64", "tags": ["secret"]} for n in range(HIDDEN)]
    return {"entities": ["user_id"], "event_time": "at", "columns": columns, "offline": offline}


def people(rows: int) -> pa.Table:
    """Return ``rows`` customers."""
    start, ids = datetime(2026, 1, 1), range(rows)  # noqa: DTZ001 - event times are UTC without a zone
    columns: dict[str, Any] = {
        "user_id": pa.array(ids, pa.int64()),
        "at": pa.array([start + timedelta(seconds=n) for n in ids], pa.timestamp("us")),
        "amount": pa.array([float(n % 1009) for n in ids], pa.float64()),
        "balance": pa.array([float(n % 503) for n in ids], pa.float64()),
        "country": pa.array([f"c{n % 7}" for n in ids], pa.string()),
        "email": pa.array([f"user{n}@example.com" for n in ids], pa.string()),
    }
    return pa.table({**columns, **{f"hidden{n}": pa.array([n * 1.0] * rows, pa.float64()) for n in range(HIDDEN)}})


class Through:
    """One way to an answer through the door: a real decision, then the query."""

    def __init__(self, house: House, door: FeatureDoor, stage: str) -> None:
        """Come as a CI job with a token for the set."""
        self._house, self._door, self._stage = house, door, stage
        self._caller = PipelineCaller(house.ring, house.clock, PUBLIC)
        detail = AccessDetail(
            "ostiary_feature_set", "people", ("features.read",), datatypes=("*",), stage=stage, purpose="bench"
        )
        self._token = self._caller.token(detail, lifetime_s=900)
        self._pep = PepIdentity(pep_id="ostiary:features", tenant="default", subjects="token")
        self.laps: dict[str, list[float]] = {"analysis": [], "decision": [], "query": [], "durable": []}

    def ask(self, sql: str) -> float:
        """Return how long it took in milliseconds, the durable wait left out."""
        proof = self._caller.headers("POST", URL, self._token)["DPoP"]
        shown = PresentedSubject(token=self._token, dpop=proof, htm="POST", htu=URL)
        now = self._house.clock.now_ns()
        receipt = Receipt(make_id("dec", now, random_bytes(10)), now)
        start = time.perf_counter()
        found = analyse(sql, "people", self._door.dialect("default", "people"))
        read = time.perf_counter()
        told = {"columns": list(found.needs), "stage": self._stage, "purpose": "bench", "operation": "query"}
        action = Action("features.read", told)
        request = EvaluationRequest(Subject("ci_job", JOB), action, Resource("feature_set", "people"))
        decided = self._house.decider.decide(receipt, Call(self._pep, request, shown))
        if not decided.record.outcome.effect.permits:
            raise SystemExit(f"refused: {decided.record.outcome.reasons} {decided.record.refusal}")
        between = time.perf_counter()
        view = view_of(
            self._door.spec("default", "people"),
            ("*",),
            lambda kind: [one.properties for one in decided.record.obligations if one.type == kind],
        )
        self._door.query("default", "people", view, found, sql)
        end = time.perf_counter()
        decided.durable.result(timeout=10)
        self.laps["analysis"].append((read - start) * 1000)
        self.laps["decision"].append((between - read) * 1000)
        self.laps["query"].append((end - between) * 1000)
        self.laps["durable"].append((time.perf_counter() - end) * 1000)
        return (end - start) * 1000


@contextlib.contextmanager
def opened(root: Path, **sections: Any) -> Iterator[tuple[House, FeatureDoor]]:
    """Open a house with the shipped policy in which the benchmark's job is known."""
    places = Places(root)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    (root / "catalogue").mkdir(exist_ok=True)
    known = {"subjects": [{"type": "ci_job", "id": JOB}], "resources": [], "actions": []}
    (root / "catalogue/default.yaml").write_text(json.dumps(known))
    settings = load(None, environ={}, options={"server": {"public_url": PUBLIC}, **sections}).settings
    faults: list[Any] = []
    with open_house(places, settings, SystemClock(), lambda *fault: faults.append(fault)) as house:
        house.warm_up(lambda *fault: faults.append(fault))
        yield house, open_features(house)
    if faults:
        raise SystemExit(f"faults: {faults}")


def compare(through: Through, plain: Callable[[str], object], calls: int, pause_s: float) -> dict[str, Any]:
    """Return the medians of every query, ours and plain by turns."""
    told: dict[str, Any] = {}
    for name, sql in SQL.items():
        first, plain_ms, ours_ms = through.ask(sql), list[float](), list[float]()
        plain(sql)
        through.laps = {lap: [] for lap in through.laps}
        for _ in range(calls):
            start = time.perf_counter()
            plain(sql)
            plain_ms.append((time.perf_counter() - start) * 1000)
            time.sleep(pause_s)  # the next database is opened beside the answers, not beside the next question
            ours_ms.append(through.ask(sql))
            time.sleep(pause_s)
        laps = {lap: statistics.median(values) for lap, values in through.laps.items()}
        least = {lap: min(values) for lap, values in through.laps.items()}
        one = statistics.median(plain_ms)
        figures = {"plain": one, "added": laps["analysis"] + laps["query"] - one, **laps, "first": first}
        figures["added_with_decision"] = statistics.median(ours_ms) - one
        figures["least_added"] = least["analysis"] + least["query"] - min(plain_ms)
        told[name] = {figure: round(value, 2) for figure, value in figures.items()}
    for figure in ("added", "least_added", "added_with_decision"):
        told[f"worst_{figure}"] = max(one[figure] for one in told.values() if isinstance(one, dict))
    return told


def of_parquet(root: Path, rows: int, calls: int, pause_s: float, stage: str) -> dict[str, Any]:
    """Measure a Parquet file."""
    with opened(root) as (house, door):
        one = Registered(type="feature_set", id="people", sensitivity=1, spec=spec({"kind": "parquet"}))
        door.register("default", one, 1)
        place = root / "features/default/people"
        place.mkdir(parents=True)
        pq.write_table(people(rows), place / "part.parquet")
        with duckdb.connect(":memory:", config={"threads": 1}) as database:
            database.execute(f"CREATE VIEW people AS SELECT * FROM read_parquet('{place}/part.parquet')")  # noqa: S608
            return compare(Through(house, door, stage), lambda sql: database.sql(sql).to_arrow_table(), calls, pause_s)


def of_postgres(root: Path, rows: int, calls: int, pause_s: float) -> dict[str, Any]:
    """Measure a table of a PostgreSQL that is started for this."""
    programs = find_postgres()
    if programs is None:
        return {"skipped": "there is no PostgreSQL server: run tools/postgres.sh"}
    place = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    place.chmod(0o755)
    with PostgresServer(place / "cluster", programs) as server:
        owner = Link(PostgresSource("owner", server.dsn()), 60)
        fill(owner, rows)
        (root / "warehouse.dsn").write_text(server.dsn("projector", "p"))
        sources = [{"name": "warehouse", "dsn_file": str(root / "warehouse.dsn")}]
        with opened(root / "data", features={"postgres": sources}) as (house, door):
            offline = {"kind": "postgres", "source": "warehouse", "schema": "raw", "table": "people"}
            door.register("default", Registered(type="feature_set", id="people", sensitivity=1, spec=spec(offline)), 1)
            owner.run("SET search_path = raw")
            told = compare(Through(house, door, "serve"), owner.run, calls, pause_s)
        owner.close()
    shutil.rmtree(place, ignore_errors=True)
    return told


def fill(owner: Link, rows: int) -> None:
    """Make the table, and the projector who may read it."""
    hidden = ", ".join(f"hidden{n} float8" for n in range(HIDDEN))
    values = ", ".join((*VALUES, *("i" for _ in range(HIDDEN))))
    for statement in (
        "CREATE SCHEMA raw",
        f"CREATE TABLE raw.people (user_id bigint primary key, at timestamptz, {SHOWN}, {hidden})",
        f"INSERT INTO raw.people SELECT i, {values} FROM generate_series(0, {rows - 1}) AS i",  # noqa: S608
        "ANALYZE raw.people",
        "CREATE ROLE projector LOGIN CREATEROLE PASSWORD 'p'",
        "GRANT CREATE ON DATABASE postgres TO projector",
        "GRANT USAGE ON SCHEMA raw TO projector",
        "GRANT SELECT ON raw.people TO projector",
    ):
        owner.run(statement)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--pause-ms", type=float, default=40.0)
    parser.add_argument("--json", action="store_true", help="is what it prints anyway")
    given = parser.parse_args()
    pause_s = given.pause_ms / 1000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        told = {
            "rows": given.rows,
            "parquet": of_parquet(root / "a", given.rows, given.calls, pause_s, "serve"),
            "parquet_masked": of_parquet(root / "b", given.rows, given.calls, pause_s, "train"),
            "postgres": of_postgres(root, given.rows, given.calls, pause_s),
        }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
