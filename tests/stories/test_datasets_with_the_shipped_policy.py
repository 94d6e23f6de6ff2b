"""A real server with the shipped policy: who reads a dataset for what, who writes it, how much, and vouched for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import open_keys
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.storage.sqlite import open_store
from ostiary.testing.pipeline import JOB, PipelineCaller
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock
from ostiary_sdk.datasets import NotPermittedError, OstiaryFileSystem

ACTIONS = ("dataset.read", "dataset.list", "dataset.write", "dataset.delete")
SPEC: dict[str, Any] = {
    "purposes": ["training"],
    "stages": ["train", "ingest"],
    "produced_by": ["ingest"],
    "max_read_bytes": 1000,
}


class Comes:
    def __init__(self, caller: PipelineCaller, dataset: str, purpose: str, stage: str) -> None:
        detail = AccessDetail("ostiary_dataset", dataset, ACTIONS, purpose=purpose, stage=stage)
        self._caller, self._token = caller, caller.token(detail)

    def headers(self, method: str, url: str) -> dict[str, str]:
        return self._caller.headers(method, url, self._token)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped").resolve()
    data, lake = folder / "data", folder / "lake"
    for place in (data, data / "catalogue", lake):
        place.mkdir(mode=0o700)
    (data / "catalogue" / "default.yaml").write_text(f"subjects:\n  - {{type: ci_job, id: {JOB!r}}}\n")
    (lake / "a.bin").write_bytes(b"x" * 2000)
    settings = load(None, environ={}, options={"datasets": {"roots": [str(lake)]}}).settings
    with open_house(Places(data), settings, SystemClock(), lambda *_: None) as house:
        book = open_datasets(house).book
        for name, labels in (("sales", ()), ("vouched", ("verified-only",))):
            spec = {"store": f"file://{lake}", **SPEC}
            wanted = Registered(type="dataset", id=name, sensitivity=2, labels=labels, spec=spec)
            book.register("default", book.prepared(wanted))
    return folder


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Served]:
    environ = {"OSTIARY_DATASETS__ROOTS": json.dumps([str(root / "lake")]), "OSTIARY_SERVER__DEADLINE_MS": "30000"}
    with Served(root / "data", environ=environ) as served:
        yield served


@pytest.mark.slow
def test_the_shipped_policy_at_the_door_to_datasets(root: Path, server: Served) -> None:
    clock, places = SystemClock(), Places(root / "data")
    with open_store(places.database, clock) as store:
        ring, _ = open_keys(places.keys, store, clock)
        caller = PipelineCaller(ring, clock, server.url)

        def come(dataset: str = "sales", purpose: str = "training", stage: str = "train") -> OstiaryFileSystem:
            tokens = Comes(caller, dataset, purpose, stage)
            return OstiaryFileSystem(endpoint=server.url, tokens=tokens, skip_instance_cache=True)

        def why(fs: OstiaryFileSystem, act: str, path: str, *more: Any) -> tuple[str, ...]:
            with pytest.raises(NotPermittedError) as no:
                getattr(fs, act)(path, *more)
            assert no.value.decision_id.startswith("dec_")
            return no.value.reasons

        assert come().cat_file("sales/a.bin", 0, 1000) == b"x" * 1000
        assert come().find("sales") == ["sales/a.bin"]
        assert "rule:dataset-read-size" in why(come(), "cat_file", "sales/a.bin")
        assert "rule:dataset-purpose" in why(come(purpose="marketing"), "cat_file", "sales/a.bin", 0, 1)
        assert "rule:dataset-purpose" in why(come(purpose=""), "find", "sales")
        assert "rule:dataset-stage" in why(come(stage="serve"), "cat_file", "sales/a.bin", 0, 1)
        assert "rule:dataset-unsigned" in why(come("vouched"), "cat_file", "vouched/a.bin", 0, 1)
        assert "rule:dataset-producer-stage" in why(come(), "pipe_file", "sales/new", b"y")
        come(stage="ingest").pipe_file("sales/new", b"y")
        assert (root / "lake" / "new").read_bytes() == b"y"
        # Writing was granted to the stage that produces it, removing to nobody.
        assert why(come(stage="ingest"), "rm_file", "sales/new")
        assert (root / "lake" / "new").exists()
