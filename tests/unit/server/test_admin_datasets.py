"""The administrators' routes of datasets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.keys import SigningKey
from ostiary.pipeline.datasets.making import entries_of
from ostiary.pipeline.datasets.manifests import sign_manifest
from ostiary.pipeline.datasets.statement import Manifest
from ostiary.server.datasets.parts import open_datasets


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake").resolve()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], lake: Path) -> Any:
    return start_server(datasets={"roots": [str(lake)]})


def test_a_dataset_is_registered_vouched_for_and_verified(server: Any, lake: Path) -> None:
    key, place = SigningKey.generate("ingest"), "/tenants/default/datasets/sales"
    spec = {"store": f"file://{lake}", "prefix": "sales", "producers": {"ingest": key.public.pem().decode()}}
    body = {"sensitivity": 2, "labels": ["pii"], "spec": {**spec, "purposes": ["training"]}}
    made = server.admin("PUT", place, json=body)
    assert (made.status_code, made.json()["manifest"], made.json()["attributes"]["purposes"]) == (
        200, "manifest_absent", ["training"]
    )  # fmt: skip
    (lake / "sales").mkdir()
    (lake / "sales" / "a.csv").write_text("x")
    book = open_datasets(server.house).book
    objects = book.objects(book.find("default", "sales"))
    manifest = Manifest("default", "sales", "ingest", 1, 1, tuple(entries_of(objects)))
    accepted = server.admin("PUT", f"{place}/manifest", json=json.loads(sign_manifest(manifest, key)))
    assert (accepted.status_code, accepted.json()["objects"]) == (200, 1)
    assert server.admin("GET", place).json()["digest"] == accepted.json()["digest"]
    assert [one["manifest"] for one in server.admin("GET", "/tenants/default/datasets").json()] == ["verified"]
    assert server.admin("POST", f"{place}/verify").json()["differences"] == []
    (lake / "sales" / "a.csv").write_text("y")
    assert server.admin("POST", f"{place}/verify").json()["differences"] == [{"name": "a.csv", "what": "modified"}]
    again = server.admin("PUT", f"{place}/manifest", json=json.loads(sign_manifest(manifest, key)))
    assert (again.status_code, again.json()["code"]) == (409, "manifest_replayed")
    assert server.admin("GET", f"{place}/budgets/some-token").json() == {"bytes": 0, "objects": 0}
    assert server.admin("DELETE", place).status_code == 204
    assert server.admin("GET", place).json()["code"] == "dataset_unknown"
    deeds = [json.loads(one.payload)["action"] for one in server.house.log.iterate("default", "admin")]
    assert deeds[-3:] == ["dataset.register", "dataset.manifest", "dataset.remove"]


@pytest.mark.parametrize(
    "spec",
    [{"store": "http://169.254.169.254"}, {"store": "file:///etc"}, {"store": "s3://lake", "endpoint": "http://10.0.0.1"},
     {"store": "s3://lake", "credentials": "env:PATH"}, {"store": "s3://lake", "credentials": "AKIAEXAMPLE"}, {}],
)  # fmt: skip
def test_a_registration_cannot_send_the_server_anywhere(server: Any, spec: dict[str, str]) -> None:
    no = server.admin("PUT", "/tenants/default/datasets/evil", json={"spec": spec})
    assert no.status_code == 400
    assert "AKIAEXAMPLE" not in no.text
    assert server.admin("GET", "/tenants/default/datasets/evil").status_code == 404


def test_only_administrators_register(server: Any) -> None:
    body = {"spec": {"store": "s3://lake"}}
    assert server.admin("PUT", "/tenants/default/datasets/x", json=body, key="no-key").status_code == 401
    assert server.admin("GET", "/tenants/never-was/datasets").status_code == 404
    for method, where in (("DELETE", ""), ("POST", "/verify"), ("GET", "/budgets/x")):
        no = server.admin(method, f"/tenants/default/datasets/unknown{where}")
        assert (no.status_code, no.json()["code"]) == (404, "dataset_unknown")
