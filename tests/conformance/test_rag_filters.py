"""One condition, one meaning: what a store is asked picks the same rows as the condition itself does."""

import itertools
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import lancedb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000 import native
from qdrant_client import QdrantClient, models

from ostiary.rag.compilers import lance_where, postgres_where, qdrant_filter
from ostiary.rag.conditions import ALWAYS, NEVER, Group, both, either, holds
from ostiary.rag.conditions import Test as Comparison
from ostiary.testing.postgres import PostgresServer, find_postgres

NASTY = ("plain", "o'brien", 'quo"te', "semi;--", "nul%_", "ünïcode", "back\\slash", "' OR '1'='1")
ROWS = [
    {
        "chunk": f"c{number}",
        "tenant": ("acme", "beta")[number % 2],
        "index": "handbook",
        "acl": number % 5,
        "source": NASTY[number % len(NASTY)],
        "kind": "feed",
        "verdict": ("pass", "block", "flag")[number % 3],
        "document": NASTY[(number * 3) % len(NASTY)] + str(number % 4),
        "confidentiality": number % 4,
        "integrity": number % 3,
    }
    for number in range(96)
]
TEXTS = ("tenant", "source", "verdict", "document")
NUMBERS = ("acl", "confidentiality", "integrity")
text_values = st.sampled_from(
    [*NASTY, "acme", "beta", "pass", "block", *(f"{one}{n}" for one in NASTY for n in range(2))]
)
tests = st.one_of(
    st.builds(Comparison, st.sampled_from(TEXTS), st.sampled_from(["eq", "ne"]), text_values),
    st.builds(
        Comparison, st.sampled_from(NUMBERS), st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]), st.integers(-1, 5)
    ),
    st.builds(Comparison, st.sampled_from(TEXTS), st.just("in"), st.lists(text_values, max_size=4).map(tuple)),
    st.builds(Comparison, st.sampled_from(NUMBERS), st.just("in"), st.lists(st.integers(-1, 5), max_size=4).map(tuple)),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: both(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: either(*parts)),
        inner.map(lambda part: Group("not", (part,))),
    ),
    max_leaves=8,
)


class Lance:
    def __init__(self, folder):
        rows = [{("index_name" if name == "index" else name): value for name, value in row.items()} for row in ROWS]
        self.table = lancedb.connect(str(folder)).create_table("rows", pa.Table.from_pylist(rows))

    def pick(self, condition):
        return {row["chunk"] for row in self.table.search().where(lance_where(condition)).limit(len(ROWS)).to_list()}


class Qdrant:
    def __init__(self, _folder):
        self.client = QdrantClient(":memory:")
        self.client.create_collection("rows", models.VectorParams(size=2, distance=models.Distance.COSINE))
        points = [models.PointStruct(id=n, vector=[1.0, n / 100], payload=row) for n, row in enumerate(ROWS)]
        self.client.upsert("rows", points)

    def pick(self, condition):
        asked = models.Filter.model_validate(qdrant_filter(condition))
        found, _ = self.client.scroll("rows", scroll_filter=asked, limit=len(ROWS))
        return {(one.payload or {})["chunk"] for one in found}


class Rows:
    """The same rows in a real PostgreSQL, without vectors: they are not what the condition is about."""

    def __init__(self, server):
        self.link = native.Connection("postgres", host="127.0.0.1", port=server.port, database="postgres")
        names = ["chunk", *TEXTS, "index_name", "kind"]
        columns = [*(f"{name} text" for name in names), *(f"{name} int" for name in NUMBERS)]
        self.link.run(f"CREATE TABLE rows ({', '.join(columns)})")
        for row in ROWS:
            told = {("index_name" if name == "index" else name): value for name, value in row.items()}
            places = ", ".join(f":{name}" for name in told)
            self.link.run(f"INSERT INTO rows ({', '.join(told)}) VALUES ({places})", **told)  # noqa: S608 - our own names

    def pick(self, condition):
        where, values = postgres_where(condition)
        named = re.sub(r"\$(\d+)", r":v\1", where).replace(":::", "::")
        told = {f"v{number}": value for number, value in enumerate(values, 1)}
        return {row[0] for row in self.link.run(f"SELECT chunk FROM rows WHERE {named}", **told)}  # noqa: S608

    def close(self):
        self.link.close()


@pytest.fixture(scope="module", params=[Lance, Qdrant, Rows])
def store(request, tmp_path_factory):
    if request.param is not Rows:
        yield request.param(tmp_path_factory.mktemp("rows"))
        return
    programs = find_postgres()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed: tools/postgres.sh")
        pytest.skip("PostgreSQL is not installed")
    with TemporaryDirectory(prefix="ostiary-rows-") as folder:
        Path(folder).chmod(0o755)  # the cluster below is another account's
        with PostgresServer(Path(folder) / "cluster", programs) as server:
            rows = Rows(server)
            yield rows
            rows.close()


def wanted(condition):
    return {row["chunk"] for row in ROWS if holds(condition, {n: v for n, v in row.items() if n != "chunk"})}


@given(condition=conditions)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_store_picks_what_the_condition_says(store, condition):
    assert store.pick(condition) == wanted(condition)


@pytest.mark.parametrize("condition", [ALWAYS, NEVER])
def test_everything_and_nothing(store, condition):
    assert store.pick(condition) == wanted(condition)


def test_no_value_is_a_query(store):
    for field, value in itertools.product(TEXTS, ["' OR '1'='1", "x' OR 1=1 --", "') OR ('1'='1"]):
        assert store.pick(both(Comparison("tenant", "eq", "nobody"), Comparison(field, "eq", value))) == set()
