"""A server with a feature set of customers, and callers with tokens for it; shared by the stories of features."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.faces.features import FeatureFace
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
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
        faces = [face for _, face in self.server.assembly.app._faces if isinstance(face, FeatureFace)]
        self.access = faces[0]._access
        self.door = self.access._door
        catalogue = self.house.places.root / "catalogue/default.yaml"
        catalogue.write_text(
            "resources: []\nactions: []\nsubjects:\n"
            "  - {type: ci_job, id: 'github:owner:9919:repository:42', properties: {region: de}}\n"
            "  - {type: service, id: scorer}\n"
        )
        self.caller = self.stage()
        self.seen, self.hidden, self.rows = SEEN, HIDDEN, table()
        self.secrets = secrets_of(self.rows)

    @staticmethod
    def arrow(raw: bytes) -> pa.Table:
        with pa.ipc.open_stream(pa.py_buffer(raw)) as reader:
            return reader.read_all()

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
