# mypy: disable-error-code="possibly-undefined"
"""Stores of vectors, each with what it needs; and the PostgreSQL with pgvector of a wheel."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.testing.postgres import PostgresServer, find_postgres


def _served(programs: Path | None, words: str) -> Iterator[PostgresServer]:
    if programs is None or not (programs / "initdb").exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    # Below /tmp itself: the cluster runs as another user, who may not enter pytest's own folders.
    root = Path(tempfile.mkdtemp(prefix="ostiary-rag-"))
    root.chmod(0o755)
    with PostgresServer(root / "cluster", programs) as server:
        yield server
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def pgvector(postgres_18: PostgresServer) -> PostgresServer:
    """PostgreSQL 18 of the wheel, which brings pgvector."""
    return postgres_18


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    yield from _served(find_postgres(), "there is no PostgreSQL server: run tools/postgres.sh")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter: pytest's own are root's alone, and a closed way closes its files."""
    made = Path(tempfile.mkdtemp(prefix="ostiary-rag-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


class FakeQdrant:
    """Qdrant's REST interface over the local mode of its own client: filters are read by Qdrant's own models."""

    def __init__(self) -> None:
        from qdrant_client import QdrantClient  # noqa: PLC0415

        self.client = QdrantClient(":memory:")
        self.filters: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        import json  # noqa: PLC0415

        from qdrant_client import models  # noqa: PLC0415

        _, _, name, *rest = request.url.path.split("/")
        body = json.loads(request.content)
        what = "/".join(rest)
        if "filter" in body:
            self.filters.append(body["filter"])
            chosen = models.Filter.model_validate(body["filter"])
        result: Any = True
        if what == "":
            if self.client.collection_exists(name):
                return httpx.Response(409, json={"status": "exists"})
            self.client.create_collection(name, vectors_config=models.VectorParams.model_validate(body["vectors"]))
        elif what == "points":
            self.client.upsert(name, [models.PointStruct.model_validate(one) for one in body["points"]])
        elif what == "points/delete":
            self.client.delete(name, models.FilterSelector(filter=chosen))
        elif what == "points/payload":
            self.client.set_payload(name, body["payload"], chosen)
        elif what == "points/query":
            found = self.client.query_points(name, body["query"], query_filter=chosen, limit=body["limit"])
            result = {"points": [{"payload": one.payload, "score": one.score} for one in found.points]}
        return httpx.Response(200, json={"result": result})
