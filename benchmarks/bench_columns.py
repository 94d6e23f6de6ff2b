"""What columns cost a query: ``python benchmarks/bench_columns.py`` prints one JSON object.

Each query is run directly (``plain``) and through the features door: read (``analysis``), decided (``decision``: token,
proof, state, signals, policy), projected and run where nothing but the view is (``query``). Both keep what they may
keep: plain DuckDB its connection to the same Parquet file, with one thread as behind the door; plain PostgreSQL a
connection as old as the reader's, with as many workers as the reader may have. Both are warm, calls alternate and so
does who begins, so that both meet the same machine. Figures are medians over single calls, in milliseconds.

- ``added`` is what columns cost: ``analysis`` + ``query`` - ``plain``; ``least_added`` compares the quickest calls
  instead, which on a busy machine is nearer to the cost; ``added_with_decision`` is all.
- ``cpu_added`` is the same in processor time, ours and theirs, which other people's load hardly changes. It is told
  where all of it is seen: not for PostgreSQL with parallel workers, so that is measured again without any
  (``postgres_alone``).
- ``analysis`` is of a text that its caller asked before; the first time costs ``analysis_first`` instead.
- The door keeps a view's columns in memory and plain DuckDB reads its file: ``over_loaded`` compares with a plain
  DuckDB that has loaded the columns into a table of its own.
- Apart stand the wait until records are on disk (``durable``), and the first query of a view, which reads its columns
  into memory or makes its schema (``first``). Between two calls is a pause, in which a process behind the door opens
  its next database, beside nobody's question; ``--pause-ms 0`` shows who does not wait.
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
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ostiary.decision.parts import Call
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.keys import random_bytes
from ostiary.pipeline.features.analysis import analyse
from ostiary.pipeline.features.door import FeatureDoor
from ostiary.pipeline.features.readings import Readings
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
WARM = 2
VIEWERS = r"usename LIKE 'ostiary\_view\_%'"
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


class Plain(NamedTuple):
    """One way to an answer without the door: the query, and the processor time that all of them took so far."""

    run: Callable[[str], object]
    cpu_ns: Callable[[], int]

    def ask(self, sql: str) -> tuple[float, float]:
        """Return how long it took and its processor time, in milliseconds."""
        cpu, start = self.cpu_ns(), time.perf_counter()
        self.run(sql)
        return (time.perf_counter() - start) * 1000, (self.cpu_ns() - cpu) / 1e6


class Through:
    """One way to an answer through the door: a real decision, then the query."""

    def __init__(self, house: House, door: FeatureDoor, stage: str, theirs_ns: Callable[[], int]) -> None:
        """Come as a CI job with a token for the set; ``theirs_ns`` is the engine's processor time so far."""
        self._house, self._door, self._stage = house, door, stage
        self._theirs_ns = theirs_ns
        self._readings = Readings()
        self._caller = PipelineCaller(house.ring, house.clock, PUBLIC)
        detail = AccessDetail(
            "ostiary_feature_set", "people", ("features.read",), datatypes=("*",), stage=stage, purpose="bench"
        )
        self._token = self._caller.token(detail, lifetime_s=900)
        self._pep = PepIdentity(pep_id="ostiary:features", tenant="default", subjects="token")
        self.laps: dict[str, list[float]] = {}

    def first_reading(self, sql: str) -> float:
        """Return how long it takes to read a text that nobody asked before, in milliseconds."""
        start = time.perf_counter()
        analyse(sql, "people", self._door.dialect("default", "people"))
        return (time.perf_counter() - start) * 1000

    def ask(self, sql: str) -> float:
        """Return how long it took in milliseconds, the durable wait left out."""
        proof = self._caller.headers("POST", URL, self._token)["DPoP"]
        shown = PresentedSubject(token=self._token, dpop=proof, htm="POST", htu=URL)
        now = self._house.clock.now_ns()
        receipt = Receipt(make_id("dec", now, random_bytes(10)), now)
        cpu, start = time.thread_time_ns(), time.perf_counter()
        dialect = self._door.dialect("default", "people")
        found = self._readings.of(("default", "ci_job", JOB), sql, "people", dialect)
        read, cpu_read = time.perf_counter(), time.thread_time_ns()
        told = {"columns": list(found.needs), "stage": self._stage, "purpose": "bench", "operation": "query"}
        action = Action("features.read", told)
        request = EvaluationRequest(Subject("ci_job", JOB), action, Resource("feature_set", "people"))
        decided = self._house.decider.decide(receipt, Call(self._pep, request, shown))
        if not decided.record.outcome.effect.permits:
            raise SystemExit(f"refused: {decided.record.outcome.reasons} {decided.record.refusal}")
        theirs = self._theirs_ns()
        between, cpu_between = time.perf_counter(), time.thread_time_ns()
        view = view_of(
            self._door.spec("default", "people"),
            ("*",),
            lambda kind: [one.properties for one in decided.record.obligations if one.type == kind],
        )
        self._door.query("default", "people", view, found, sql)
        end, cpu_end = time.perf_counter(), time.thread_time_ns()
        theirs = self._theirs_ns() - theirs
        decided.durable.result(timeout=10)
        self._lap("analysis", (read - start) * 1000)
        self._lap("decision", (between - read) * 1000)
        self._lap("query", (end - between) * 1000)
        self._lap("durable", (time.perf_counter() - end) * 1000)
        self._lap("cpu", (cpu_read - cpu + cpu_end - cpu_between + theirs) / 1e6)
        return (end - start) * 1000

    def _lap(self, name: str, value: float) -> None:
        self.laps.setdefault(name, []).append(value)


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


def compare(through: Through, plain: Plain, loaded: Plain | None, given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of every query, ours and plain by turns."""
    told = {name: of_query(through, plain, loaded, sql, given) for name, sql in SQL.items()}
    worst = {figure: max(one[figure] for one in told.values()) for figure in told["point"] if "added" in figure}
    return {**told, **{f"worst_{figure}": value for figure, value in worst.items()}}


def of_query(
    through: Through, plain: Plain, loaded: Plain | None, sql: str, given: argparse.Namespace
) -> dict[str, float]:
    """Return the figures of one query."""
    first, pause_s = through.ask(sql), given.pause_ms / 1000
    reading = statistics.median(through.first_reading(sql) for _ in range(5))
    ours: list[float] = []
    direct: list[tuple[float, float]] = []
    others: list[tuple[float, float]] = []
    turns: list[Callable[[], None]] = [lambda: ours.append(through.ask(sql)), lambda: direct.append(plain.ask(sql))]
    if loaded is not None:
        turns.append(lambda: others.append(loaded.ask(sql)))
    for number in range(given.calls + WARM):
        if number == WARM:
            ours, direct, others = [], [], []
            through.laps = {}
        for turn in turns if number % 2 else reversed(turns):
            turn()
            time.sleep(pause_s)
    laps = {lap: statistics.median(values) for lap, values in through.laps.items()}
    least = {lap: min(values) for lap, values in through.laps.items()}
    plain_ms, plain_cpu = (list(values) for values in zip(*direct, strict=True))
    one, cpu = statistics.median(plain_ms), laps.pop("cpu")
    figures = {"plain": one, "added": laps["analysis"] + laps["query"] - one, **laps, "first": first}
    figures["analysis_first"] = reading
    figures["added_with_decision"] = statistics.median(ours) - one
    figures["least_added"] = least["analysis"] + least["query"] - min(plain_ms)
    if not given.workers:
        figures["cpu_plain"] = statistics.median(plain_cpu)
        figures["cpu_added"] = cpu - figures["cpu_plain"]
        figures["cpu_least_added"] = least["cpu"] - min(plain_cpu)
        figures["ratio_cpu"] = cpu / figures["cpu_plain"]
    if others:
        figures["over_loaded"] = laps["analysis"] + laps["query"] - statistics.median(ms for ms, _ in others)
        figures["cpu_over_loaded"] = cpu - statistics.median(spent for _, spent in others)
    return {figure: round(value, 2) for figure, value in figures.items()}


def of_parquet(root: Path, given: argparse.Namespace, stage: str) -> dict[str, Any]:
    """Measure a Parquet file."""
    given.workers = False
    with opened(root) as (house, door):
        one = Registered(type="feature_set", id="people", sensitivity=1, spec=spec({"kind": "parquet"}))
        door.register("default", one, 1)
        place = root / "features/default/people"
        place.mkdir(parents=True)
        pq.write_table(people(given.rows), place / "part.parquet")
        files = f"SELECT * FROM read_parquet('{place}/part.parquet')"  # noqa: S608 - our own path
        view, table = single_thread(f"CREATE VIEW people AS {files}"), single_thread(f"CREATE TABLE people AS {files}")
        engine: Any = door._engine  # noqa: SLF001 - the processor time of the processes behind the door
        through = Through(house, door, stage, lambda: engine.cpu_ns)
        with view as plain, table as loaded:
            return compare(through, plain, loaded, given)


@contextlib.contextmanager
def single_thread(made: str) -> Iterator[Plain]:
    """Open a plain DuckDB with one thread, as there is one behind the door."""
    with duckdb.connect(":memory:", config={"threads": 1}) as database:
        database.execute(made)
        yield Plain(lambda sql: database.sql(sql).to_arrow_table(), time.thread_time_ns)


def of_postgres(root: Path, given: argparse.Namespace, *, workers: bool) -> dict[str, Any]:
    """Measure a table of a PostgreSQL that is started for this, with parallel workers for all or for nobody."""
    programs = find_postgres()
    if programs is None:
        return {"skipped": "there is no PostgreSQL server: run tools/postgres.sh"}
    given.workers = workers
    place = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    place.chmod(0o755)
    with PostgresServer(place / "cluster", programs) as server:
        owner = Link(PostgresSource("owner", server.dsn()), 60)
        fill(owner, given.rows)
        if not workers:
            owner.run("ALTER SYSTEM SET max_parallel_workers_per_gather = 0")
            owner.run("SELECT pg_reload_conf()")
        (root / "warehouse.dsn").write_text(server.dsn("projector", "p"))
        sources = [{"name": "warehouse", "dsn_file": str(root / "warehouse.dsn")}]
        with opened(root / "data", features={"postgres": sources}) as (house, door):
            offline = {"kind": "postgres", "source": "warehouse", "schema": "raw", "table": "people"}
            door.register("default", Registered(type="feature_set", id="people", sensitivity=1, spec=spec(offline)), 1)
            # A connection of its own: the one that filled the table has the memory of it, and sorts faster.
            reader = Link(PostgresSource("reader", server.dsn()), 60)
            reader.run("SET search_path = raw")
            (pid,) = pids(reader, "pid = pg_backend_pid()")
            plain = Plain(reader.run, lambda: time.thread_time_ns() + spent_ns(pid))
            through = Through(house, door, "serve", lambda: sum(map(spent_ns, pids(owner, VIEWERS))))
            told = compare(through, plain, None, given)
            reader.close()
        owner.close()
    shutil.rmtree(place, ignore_errors=True)
    return told


def pids(link: Link, which: str) -> list[int]:
    """Return the processes of sessions."""
    return [row[0] for row in link.run(f"SELECT pid FROM pg_stat_activity WHERE {which}").rows]  # noqa: S608


def spent_ns(pid: int) -> int:
    """Return the processor time of another process so far: clock_getcpuclockid(3) of Linux."""
    return time.clock_gettime_ns(~pid << 3 | 2)


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
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        told: dict[str, Any] = {"rows": given.rows}
        told["parquet"] = of_parquet(root / "a", given, "serve")
        told["parquet_masked"] = of_parquet(root / "b", given, "train")
        for name, workers in (("postgres", True), ("postgres_alone", False)):
            (root / name).mkdir()
            told[name] = of_postgres(root / name, given, workers=workers)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
