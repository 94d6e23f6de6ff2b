"""Review 14: a workload that exchanges again has no fresh budget, whatever it calls its purpose."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_scene import CLUSTER, GITHUB, PUBLIC, SPIFFE, sections

OBJECT = "/pipeline/default/datasets/{}/objects/a.bin"
LIMIT = 1000


class Scene:
    def __init__(self, server: Any, lake: Path) -> None:
        self.server, self.client = server, server.client
        book = open_datasets(server.house).book
        for name in ("sales", "costs"):
            (lake / name).mkdir()
            (lake / name / "a.bin").write_bytes(b"x" * (2 * LIMIT))
            spec = {"store": f"file://{lake}", "prefix": name}
            book.register("default", book.prepared(Registered(type="dataset", id=name, spec=spec)))

    def now(self) -> int:
        return time.time_ns()  # noqa: TID251 - the server's own clock judges the tokens

    def stage(self) -> ExchangeCaller:
        return ExchangeCaller(self.server.house.clock, PUBLIC)

    def token(self, caller: ExchangeCaller, source: str, /, **detail: Any) -> dict[str, Any]:
        answer = self.client.post(**caller.request(source, caller.detail(**detail)))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def read(self, stage: ExchangeCaller, token: str, count: int, dataset: str = "sales") -> tuple[int, str]:
        path = OBJECT.format(dataset)
        headers = {"Authorization": f"DPoP {token}", "DPoP": stage.proof(path, method="GET", token=token)}
        answer: httpx.Response = self.client.get(path, headers={**headers, "Range": f"bytes=0-{count - 1}"})
        return answer.status_code, answer.json()["code"] if answer.status_code == httpx.codes.FORBIDDEN else ""

    def reads(self, source: str, count: int, dataset: str = "sales", **detail: Any) -> tuple[int, str]:
        """Exchange, and read with the fresh token and a fresh key."""
        stage = self.stage()
        token = self.token(stage, source, identifier=dataset, **detail)["access_token"]
        return self.read(stage, token, count, dataset)


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    lake = tmp_path_factory.mktemp("lake").resolve()
    told = sections(tmp_path_factory.mktemp("keys"), tokens={"max_bytes": LIMIT}, datasets={"roots": [str(lake)]})
    return Scene(start_server(**told), lake)


def test_a_workload_that_exchanges_again_has_no_fresh_budget(scene: Scene) -> None:
    svid = SPIFFE.token(scene.now(), jti="r14-1")
    assert scene.reads(svid, 600) == (206, "")
    assert scene.reads(svid, 600) == (403, "dataset_bytes_spent")
    other = SPIFFE.token(scene.now(), jti="r14-2")
    assert scene.reads(other, 600, purpose="other", stage="other", max_bytes=600) == (403, "dataset_bytes_spent")
    assert scene.reads(other, 400) == (206, "")
    assert scene.reads(other, 600, "costs") == (206, "")


def test_what_was_refused_was_not_charged_and_narrowing_gives_nothing(scene: Scene) -> None:
    stage = scene.stage()
    token = scene.token(stage, CLUSTER.token(scene.now()))
    assert scene.read(stage, token["access_token"], 900) == (206, "")
    narrow = scene.token(stage, token["access_token"])
    assert scene.read(stage, narrow["access_token"], 200) == (403, "dataset_bytes_spent")
    assert scene.read(stage, narrow["access_token"], 100) == (206, "")


def test_each_pod_and_each_run_has_a_budget_of_its_own(scene: Scene) -> None:
    told = CLUSTER.claims(scene.now())["kubernetes.io"]
    other = {"kubernetes.io": told | {"pod": {"name": "trainer-1", "uid": str(UUID(int=14))}}}
    assert scene.reads(CLUSTER.token(scene.now(), **other), LIMIT) == (206, "")
    runs = [GITHUB.token(scene.now(), jti=f"r14-{number}", run_id=str(run)) for number, run in enumerate((1, 1, 2))]
    assert [scene.reads(run, LIMIT)[0] for run in runs] == [206, 403, 206]
