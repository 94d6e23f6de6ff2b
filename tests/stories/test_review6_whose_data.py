"""An administrator of one tenant points a dataset of his own at another tenant's data, or at its credentials."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake").resolve()
    (lake / "default").mkdir()
    (lake / "default" / "payroll.csv").write_text("the other tenant's")
    return lake


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], lake: Path) -> Any:
    server = start_server(datasets={"roots": [str(lake)]})
    assert server.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    return server


@pytest.fixture(scope="module")
def key(server: Any) -> str:
    made: str = server.house.admins.create("beta")
    return made


@pytest.mark.parametrize(
    "spec",
    [
        {"store": "file://LAKE", "prefix": "default"},
        {"store": "file://LAKE/default"},
        {"store": "s3://lake", "credentials": "env:OSTIARY_DATASET_LAKE"},
        {"store": "s3://lake", "credentials": "file:lake"},
        {"store": "s3://lake"},
    ],
)
def test_roots_and_secrets_are_not_for_every_tenant_to_name(
    server: Any, lake: Path, key: str, spec: dict[str, str]
) -> None:
    body = {"spec": {**spec, "store": spec["store"].replace("LAKE", str(lake))}}
    no = server.admin("PUT", "/tenants/beta/datasets/mine", json=body, key=key)
    assert (no.status_code, no.json()["code"]) == (403, "admin_not_allowed")
    assert server.admin("GET", "/tenants/beta/datasets/mine").status_code == 404


def test_what_the_deployment_placed_the_tenant_may_describe_and_not_move(server: Any, lake: Path, key: str) -> None:
    place = {"store": f"file://{lake}", "prefix": "beta/"}
    where = "/tenants/beta/datasets/own"
    assert server.admin("PUT", where, json={"spec": place}).status_code == 200
    told = server.admin("PUT", where, json={"labels": ["pii"], "spec": {**place, "purposes": ["training"]}}, key=key)
    assert (told.status_code, told.json()["labels"]) == (200, ["pii"])
    moved = {**place, "prefix": "default"}
    assert server.admin("PUT", where, json={"spec": moved}, key=key).json()["code"] == "admin_not_allowed"
    assert server.admin("GET", where).json()["spec"]["prefix"] == "beta"
