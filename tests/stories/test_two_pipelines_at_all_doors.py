"""Two pipelines of two tenants, with neighbouring scopes, hammer all doors at once with each other's tokens.

Policy here lets everybody do everything, so that only tokens, keys and tenants keep them apart. Nothing crosses;
whoever is known and refused has a record of it, and whoever proved nothing is counted exactly.
"""

import http.client
import itertools
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostiary.audit import SYSTEM_TENANT
from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.faces.features import FeatureFace
from ostiary.testing.model_server import FakeModel
from ostiary.testing.pipeline import JOB, PipelineCaller
from ostiary.vocabulary.verdicts import DecisionRecord

PUBLIC = "http://pdp.example"
TENANTS, SIDES = ("default", "rival"), ("fraud_eu", "fraud_us")
THREADS = 4
CATALOGUE = f"""
subjects: [{{type: ci_job, id: '{JOB}'}}]
resources: [{", ".join(f"{{type: training, id: {name}, sensitivity: 1}}" for name in SIDES)}]
"""
ACCESS = """
groups: {}
types: {ci_job: [anything]}
roles:
  anything:
    "*":
      - {id: anything, actions: ["*"], max_sensitivity: 4}
"""
DOORS = {
    "datasets": ("GET", "{name}/objects/own.txt", "ostiary_dataset", "dataset.read", None),
    "features": ("GET", "{name}", "ostiary_feature_set", "features.read", None),
    "models": ("GET", "{name}", "ostiary_model", "model.read", None),
    "inference": ("POST", "{name}/predict", "ostiary_endpoint", "endpoint.predict", {"instances": [{"amount": 7}]}),
    "training": (
        "POST",
        "{name}/runs",
        "ostiary_training",
        "train.run",
        {"sandbox": "kubernetes", "environment": {"name": "image", "digest": "sha256:" + "e" * 64}},
    ),
}


class Place(NamedTuple):
    """What a token is for, or where somebody stands."""

    tenant: str
    door: str
    name: str


PLACES = [Place(*one) for one in itertools.product(TENANTS, DOORS, SIDES)]


class Scene:
    """A server with both tenants, and one pipeline for each side of each."""

    def __init__(self, server: Any) -> None:
        self.server = server
        parts = urlsplit(server.url)
        self.address = (parts.hostname or "", parts.port or 0)
        ring, clock = server.house.ring, server.house.clock
        who = itertools.product(TENANTS, SIDES)
        self.callers = {(t, side): PipelineCaller(ring, clock, PUBLIC, tenant=t) for t, side in who}
        self.tokens = {place: self.callers[place.tenant, place.name].token(self.detail(place)) for place in PLACES}

    @staticmethod
    def detail(place: Place) -> AccessDetail:
        _, _, kind, action, _ = DOORS[place.door]
        columns = ("*",) if place.door == "features" else ()
        return AccessDetail(
            kind,  # type: ignore[arg-type] # one of the five
            place.name,
            (action,),
            datatypes=columns,
            purpose="fraud",
            stage="serve",
        )

    def knock(self, holder: tuple[str, str], token: Place, where: Place) -> tuple[int, str]:
        """Ask once, with a connection of its own; return status and code."""
        method, path, _, _, body = DOORS[where.door]
        target = f"/pipeline/{where.tenant}/{where.door}/{path.format(name=where.name)}"
        headers = self.callers[holder].headers(method, PUBLIC + target, self.tokens[token])
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request(method, target, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return response.status, "" if response.status < 400 else str(json.loads(content)["code"])

    def decisions(self) -> list[DecisionRecord]:
        found = itertools.chain.from_iterable(self.server.house.log.iterate(one, "decision") for one in TENANTS)
        return [msgspec.json.decode(one.payload or b"", type=DecisionRecord) for one in found]

    def strangers(self) -> int:
        """Return how many refusals of strangers the log tells of, one by one or counted."""
        self.server.assembly.refusals.flush()
        self.server.house.log.append(SYSTEM_TENANT, "admin", "adm_flush", 1, b"{}", "").result(10)
        single = sum(1 for _ in self.server.house.log.iterate(SYSTEM_TENANT, "decision"))
        counted = [json.loads(one.payload) for one in self.server.house.log.iterate(SYSTEM_TENANT, "refusals")]
        return single + sum(sum(one["reasons"].values()) for one in counted)


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    lake = tmp_path_factory.mktemp("lake").resolve()
    server = start_server(
        server={"public_url": PUBLIC, "deadline_ms": 30_000},
        datasets={"roots": [str(lake)]},
        inference={"loopback_http": True},
    )
    server.admin("POST", "/tenants", json={"tenant": "rival"}).raise_for_status()
    with FakeModel(lambda rows: [0.5 for _ in rows]) as model:
        for tenant in TENANTS:
            furnish(server, tenant, repo, lake, model.url)
        yield Scene(server)


def furnish(server: Any, tenant: str, repo: Path, lake: Path, model: str) -> None:
    """Give a tenant the shipped policy with one grant for everything, and each side its things at every door."""
    root = server.house.places.root
    shutil.rmtree(root / "bundles" / tenant, ignore_errors=True)
    # Without its own tests: they say, rightly, that not everybody may do everything.
    shutil.copytree(repo / "policies", root / "bundles" / tenant, ignore=shutil.ignore_patterns("*_test.rego"))
    (root / "bundles" / tenant / "access" / "data.yaml").write_text(ACCESS)
    (root / "catalogue" / f"{tenant}.yaml").write_text(CATALOGUE)
    server.house.policies.reload(tenant)
    features = next(face for _, face in server.assembly.app.faces if isinstance(face, FeatureFace))._access._door
    book = open_datasets(server.house).book
    for name in SIDES:
        (lake / tenant / name).mkdir(parents=True)
        (lake / tenant / name / "own.txt").write_text(f"{tenant} {name}")
        spec: dict[str, Any] = {"store": f"file://{lake}", "prefix": f"{tenant}/{name}"}
        book.register(tenant, book.prepared(Registered(type="dataset", id=name, sensitivity=1, spec=spec)))
        types = {"user_id": "int64", "at": "timestamp", "amount": "float64"}
        columns = [{"name": column, "type": kind, "tags": ["feature"]} for column, kind in types.items()]
        spec = {"entities": ["user_id"], "event_time": "at", "columns": columns, "offline": {"kind": "parquet"}}
        features.register(tenant, Registered(type="feature_set", id=name, sensitivity=1, spec=spec), 1)
        rows = root / "features" / tenant / name
        rows.mkdir(parents=True)
        at = pa.array([1_767_225_600_000_000], pa.timestamp("us"))
        pq.write_table(pa.table({"user_id": [1], "at": at, "amount": [2.5]}), rows / "part.parquet")
        schema = {"columns": [{"name": "amount", "type": "number", "min": 0, "max": 9}], "max_rows": 8}
        spec = {"schema": schema, "url": model, "model": "sha256:" + "a" * 64}
        spec |= {"output": {"classes": ["no", "yes"], "threshold": 0.5}}
        server.house.registry.put(tenant, Registered(type="endpoint", id=name, sensitivity=1, spec=spec), 1)
        server.admin("POST", f"/tenants/{tenant}/models", json={"name": name}).raise_for_status()


def lawful(holder: tuple[str, str], token: Place, where: Place) -> bool:
    return holder == (token.tenant, token.name) and token == where


@pytest.mark.slow
def test_nothing_crosses_and_every_refusal_is_known(scene: Scene) -> None:
    everything = list(itertools.product(scene.callers, PLACES, PLACES))
    mine = [one for one in everything if lawful(*one)]
    others = [one for one in everything if not lawful(*one)]
    chosen = random.Random(6)  # noqa: S311 - which of the attacks are tried, the same each time
    # Its own token at every other place, somebody else's at its own place, and a sample of all that is left.
    near = [one for one in others if one[0] == (one[1].tenant, one[1].name) and one[1].tenant == one[2].tenant]
    asked = [*mine * 3, *near, *chosen.sample([one for one in others if one not in near], 400)]
    chosen.shuffle(asked)
    before, strangers = len(scene.decisions()), scene.strangers()
    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(lambda one: scene.knock(*one), asked))
    crossings = [
        (one, answer)
        for one, answer in zip(asked, told, strict=True)
        if (answer[0] not in {401, 403}) != lawful(*one) or (answer[0] in {401, 403} and not answer[1])
    ]
    assert crossings == []
    statuses = Counter(status for status, _ in told)
    records = scene.decisions()[before:]
    assert len(records) == len(asked) - statuses[401]
    assert sum(bool(one.refusal) or not one.outcome.effect.permits for one in records) == statuses[403]
    assert scene.strangers() - strangers == statuses[401]
    assert statuses[403] == len(near)
