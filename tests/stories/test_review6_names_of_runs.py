"""A run that is called like another one's proxy: its network policy would take the place of the proxy's own."""

from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.pipeline.kubernetes.plan import read_plan
from ostiary.pipeline.kubernetes.render import render

PLAN: dict[str, Any] = {
    "namespace": "ml",
    "image": "r.example/t@sha256:" + "0" * 64,
    "proxy_image": "r.example/o@sha256:" + "1" * 64,
    "command": ["train"],
}


def test_a_run_is_not_called_like_the_proxy_of_another() -> None:
    with pytest.raises(FaultyInputError) as no:
        read_plan({**PLAN, "name": "churn-egress"})
    assert no.value.code == "training_plan_invalid"


@pytest.mark.parametrize("name", ["churn-e", "churn2", "egress", "churn-egress2"])
def test_no_object_of_one_run_is_called_like_one_of_another(name: str) -> None:
    many = [render(read_plan({**PLAN, "name": one}), "10.96.0.10") for one in ("churn", name)]
    first, second = ({(one["kind"], one["metadata"]["name"]) for one in run} for run in many)
    assert {kind for kind, _ in first & second} == {"ServiceAccount"}
