"""The pages of data: datasets, feature sets column by column, who may read a column, what was read."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.pipeline.features.spec import read_spec
from ostiary.pipeline.registered import Registered
from ostiary.testing.console import FakeBrowser
from ostiary.testing.pipeline_records import PipelineHistory

People = Callable[..., FakeBrowser]
SPEC: dict[str, Any] = {
    "entities": ["user_id"],
    "event_time": "at",
    "columns": [
        {"name": "user_id", "type": "int64"},
        {"name": "at", "type": "timestamp"},
        {"name": "amount", "type": "float64", "tags": ["feature"]},
        {"name": "email", "type": "string", "tags": ["pii"]},
        {"name": "salary", "type": "int64", "tags": ["secret"]},
    ],
    "derived": [
        {"name": "wealth", "expression": {"op": "add", "args": [{"column": "salary"}, 1]}, "tags": ["feature"]}
    ],
    "offline": {"kind": "parquet"},
}
CATALOGUE = """
subjects:
  - {type: ci_job, id: "github:owner:9919:repository:42"}
  - {type: user, id: "<script>alert(1)</script>", groups: [data-engineers]}
  - {type: user, id: eve}
"""


def _read_again(house: Any) -> None:
    """Wait until the server has looked at its catalogue again: it does so once a second."""
    until = time.monotonic() + 10
    while ("user", "eve") not in house.knowledge.enricher("default").catalogue.names()[0] and time.monotonic() < until:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def history(server: Any) -> PipelineHistory:
    house, now = server.house, server.house.clock.now_ns()
    place = house.places.catalogue("default")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(CATALOGUE)
    _read_again(house)
    attributes = read_spec(SPEC).attributes()
    filters = [{"stages": ["train"], "all": [{"column": "amount", "op": "ge", "attribute": "floor"}]}]
    one = Registered(
        type="feature_set", id="customers", sensitivity=1, attributes={**attributes, "row_filters": filters}, spec=SPEC
    )
    house.registry.put("default", one, now)
    spec = {"store": "memory:///lake"}
    house.registry.put("default", Registered(type="dataset", id="sales", sensitivity=3, spec=spec), now)
    made = PipelineHistory(house.log, house.clock)
    detail = {"type": "ostiary_dataset", "identifier": "sales", "actions": ["dataset.read"], "max_bytes": 10_000}
    made.token(detail=detail)
    made.read("sales")
    made.read("sales", outcome="refused", code="dataset_bytes_spent", object="<img src=x onerror=alert(1)>")
    made.feature("customers", columns=["amount"])
    return made


def test_what_is_registered(people: People, history: PipelineHistory) -> None:
    page = people("analyst").get("/data").text
    assert 'href="/data/features/customers"' in page
    assert 'href="/data/datasets/sales"' in page
    assert people("owner", "acme").get("/data").text.count("is registered") == 2


def test_a_dataset_with_its_budget_and_its_reads(people: People, history: PipelineHistory) -> None:
    page = people("auditor").get("/data/datasets/sales")
    assert page.status_code == 200
    for text in ("0 of 10,000", "dataset_bytes_spent", 'data-chart="heat"', "2 accesses, UTC", "manifest_absent"):
        assert text in page.text, text
    assert "<img src=x" not in page.text
    for path in ("/data/datasets/none", "/data/datasets/%3Cb%3E", "/data/features/none"):
        assert people("auditor").get(path).status_code == 404
    assert people("owner", "acme").get("/data/datasets/sales").status_code == 404
    assert people("owner", "acme").get("/data/features/customers").status_code == 404


def test_who_can_read_a_column(people: People, history: PipelineHistory) -> None:
    owner = people("owner")
    page = owner.get("/data/features/customers?column=email&stage=train").text
    assert "masked: hash" in page
    assert "ci_job:github:owner:9919:repository:42" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "/explain?subject=ci_job%3Agithub" in page
    asked = owner.get("/explain?subject=user%3Aeve&action=features.read&resource=feature_set%3Acustomers")
    assert 'value="feature_set:customers"' in asked.text
    assert "user:eve" not in page
    assert "groups that only a token tells" in page
    closed = owner.get("/data/features/customers?column=email&stage=serve").text
    assert "Nobody: it is closed by pii" in closed
    assert "reads salary" in owner.get("/data/features/customers?column=wealth&stage=train").text
    assert "Nobody: it is closed by secret" in owner.get("/data/features/customers?column=salary&stage=train").text
    assert owner.get("/data/features/customers?column=nope").status_code == 404
    assert owner.get("/data/features/customers?stage=nope").status_code == 400


def test_rows_and_reads(people: People, history: PipelineHistory) -> None:
    page = people("owner").get("/data/features/customers").text
    assert "amount ge the subject&#39;s floor" in page
    assert "10,000 rows an answer in explore" in page
    assert "1 access, UTC" in page


def test_the_api_says_the_same(server: Any, history: PipelineHistory) -> None:
    base = "/tenants/default/feature-sets"
    assert [one["id"] for one in server.admin("GET", base).json()] == ["customers"]
    told = server.admin("GET", f"{base}/customers/readers", params={"column": "email", "stage": "train"}).json()
    assert told["cell"] == {"state": "masked", "mask": {"method": "hash"}, "because": ["pii"]}
    assert {one["subject"] for one in told["readers"]} >= {"ci_job:github:owner:9919:repository:42"}
    assert server.admin("GET", f"{base}/none").status_code == 404
    assert server.admin("GET", f"{base}/customers/readers", params={"column": "nope"}).status_code == 404
    assert server.admin("GET", "/tenants/acme/feature-sets/customers").status_code == 404
    assert server.admin("GET", "/tenants/default/datasets/none/reads").status_code == 404
    assert server.admin("GET", "/tenants/default/training/runs/none").status_code == 404
