"""Models of XGBoost whose names of categories lead beside them: a scan called them safe; they ended whoever predicts.

XGBoost reads where ``cats`` says, and ends the whole process where nothing is. The categories here are those of a model
that XGBoost 3.2 wrote for a table with a column of texts, one of numbers, and two that have none.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.scanning import scan_bytes

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
CATS: dict[str, Any] = {
    "enc": [
        {"offsets": [0, 2, 3, 5, 8], "values": [97, 97, 98, 99, 99, 100, 100, 100]},
        {"type": 15, "values": [3, 5, 9]},
        {"offsets": [], "values": []},
        {"offsets": [], "values": []},
    ],
    "feature_segments": [0, 4, 7, 7, 7],
    "sorted_idx": [0, 1, 2, 3, 0, 1, 2],
}


def verdict(cats: Any) -> str:
    model = json.loads((GOLDEN / "cat.json").read_bytes())
    assert model["learner"]["learner_model_param"]["num_feature"] == "4"
    model["learner"]["gradient_booster"]["model"]["cats"] = cats
    return scan_bytes("model.json", json.dumps(model).encode()).verdict


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    cats = copy.deepcopy(CATS)
    change(cats)
    return cats


@pytest.mark.parametrize(
    "change",
    [
        lambda _cats: None,
        lambda cats: cats.update(sorted_idx=[]),
        lambda cats: cats.update(sorted_idx=[3, 1, 0, 2, 2, 1, 0]),
        lambda cats: cats.update(is_ref=False, sorted=True),
        lambda cats: cats.update(enc=[], feature_segments=[], sorted_idx=[]),
    ],
)
def test_categories_as_xgboost_writes_them_are_safe(change: Callable[[dict[str, Any]], object]) -> None:
    assert verdict(changed(change)) == "safe"


@pytest.mark.parametrize(
    "change",
    [
        lambda cats: cats["enc"][0].update(offsets=[0, 2, 3, 5, 2_000_000_000]),
        lambda cats: cats["enc"][0].update(offsets=[0, 2, 3, 5, -2_000_000_000]),
        lambda cats: cats["enc"][0].update(offsets=[0, 2, 900, 5, 8]),
        lambda cats: cats["enc"][0].update(offsets=[1, 2, 3, 5, 8]),
        lambda cats: cats["enc"][0].update(values=[]),
        lambda cats: cats["enc"][1].update(values=list(range(100_000))),
        lambda cats: cats["enc"][1].update(type=7),
        lambda cats: cats["enc"][1].update(values=["x"]),
        lambda cats: cats["enc"].pop(),
        lambda cats: cats["enc"].append({"type": 15, "values": []}),
        lambda cats: cats.update(enc={}),
        lambda cats: cats.update(enc=[7, 7, 7]),
        lambda cats: cats.update(enc=[]),
        lambda cats: cats.update(feature_segments=[0, 2_000_000_000, 7, 7, 7]),
        lambda cats: cats.update(feature_segments=[0, -2_000_000_000, 7, 7, 7]),
        lambda cats: cats.update(feature_segments=[0]),
        lambda cats: cats.update(feature_segments=[7, 11, 14, 14, 14]),
        lambda cats: cats.update(feature_segments=7),
        lambda cats: cats.update(sorted_idx=[0, 1, 2, 2_000_000_000, 0, 1, 2]),
        lambda cats: cats.update(sorted_idx=[0, 1, 2, -1, 0, 1, 2]),
        lambda cats: cats.update(sorted_idx=[0, 1, 2, 3, 4, 5, 6]),
        lambda cats: cats.update(sorted_idx=[0, 1, 2, 3, 0, 1, 2, 0]),
        lambda cats: cats.update(sorted_idx=[0]),
        lambda cats: cats.update(sorted_idx=[0.5] * 7),
        lambda cats: cats.update(sorted=1),
        lambda cats: cats.update(more=[]),
        lambda cats: cats.pop("enc"),
    ],
)
def test_categories_that_lead_beside_themselves_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert verdict(changed(change)) == "refused"


@pytest.mark.parametrize("cats", [None, [], "", 0])
def test_categories_that_are_none_are_refused(cats: Any) -> None:
    assert verdict(cats) == "refused"
