"""A real LightGBM model behind the door, and a thief who maps its boundary: stopped early, while honest use goes on.

The thief does what published attacks do (Lowd and Meek 2005, Tramèr 2016, HopSkipJump 2019): take two rows that were
answered differently, halve the way between them again and again, and so find points of the boundary. Another one
walks around single rows, a third asks synthetic rows drawn over the whole ranges.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.stories.inference_scene import Person, Scene, open_scene

from ostiary.pipeline.inference.describing import describe
from ostiary.pipeline.inference.endpoint import EndpointSpec, spec_document

if TYPE_CHECKING:
    import httpx

lightgbm = pytest.importorskip("lightgbm")
NAMES = ("amount", "hour", "age", "z", "u", "n", "gap", "score")
WHOLE = {"hour", "n"}
STEPS = 10


def people_of(count: int, seed: int) -> "np.ndarray[Any, Any]":
    """Return rows as customers make them: skewed amounts, whole hours, a few numbers that lean on each other."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.lognormal(3, 1.2, count).clip(0, 5000),
        rng.integers(0, 24, count),
        rng.lognormal(1, 1, count).clip(0, 400),
        rng.normal(0, 1, count).clip(-5, 5),
        rng.random(count),
        rng.integers(0, 40, count),
        rng.exponential(2, count).clip(0, 40),
        rng.normal(50, 15, count).clip(0, 120),
    ]
    return np.column_stack(columns)


def is_fraud(rows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    late, tangled = 0.5 * (rows[:, 1] < 6), rows[:, 3] * rows[:, 4]
    found: np.ndarray[Any, Any] = 0.012 * rows[:, 0] + late - 0.05 * rows[:, 2] + tangled + 0.05 * rows[:, 5]
    return found - 0.1 * rows[:, 6] > 1


def named(row: Any) -> dict[str, Any]:
    return {name: int(value) if name in WHOLE else float(value) for name, value in zip(NAMES, row, strict=True)}


class Trained:
    """The model, its schema, and where its rows lie."""

    def __init__(self) -> None:
        rows = people_of(4000, 7)
        settings = {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True}
        self.booster = lightgbm.train(settings, lightgbm.Dataset(rows, is_fraud(rows).astype(int)), 60)
        self.schema = describe([named(row) for row in rows])
        self.low = np.array([column.min for column in self.schema.columns])
        self.high = np.array([column.max for column in self.schema.columns])

    def predict(self, rows: list[dict[str, Any]]) -> list[float]:
        told = self.booster.predict(np.array([[row[name] for name in NAMES] for row in rows]), num_threads=1)
        return [float(value) for value in told]

    def inside(self, rows: Any) -> Any:
        return np.clip(rows, self.low, self.high)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return Trained()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("extraction") / "data"):
        spec = spec_document(EndpointSpec(trained.schema))
        scene.model.predict = trained.predict
        scene.register("fraud", spec={"schema": spec["schema"], "rate": {"limit": 1000, "window_s": 1}})
        yield scene


class Asker:
    """Asks row by row, and remembers when it was stopped."""

    def __init__(self, scene: Scene, trained: Trained, name: str) -> None:
        self.person, self.trained = Person(scene, name), trained
        self.answered, self.stopped = 0, False
        self.last: httpx.Response | None = None

    def label(self, row: Any) -> bool | None:
        self.last = self.person.ask(named(self.trained.inside(row)), endpoint="fraud")
        if self.last.status_code != 200:
            self.stopped = True
            return None
        self.answered += 1
        told = self.last.json()["predictions"][0]
        return told == "bad" if isinstance(told, str) else told > 0.5


def boundary_points(label: Any, rows: Any) -> list[Any]:
    """Return points of the boundary, found by halving between rows of different answers; stop when nobody answers."""
    seen = [(row, label(row)) for row in rows]
    if any(one is None for _, one in seen):
        return []
    points: list[Any] = []
    for yes, no in zip([r for r, bad in seen if bad], [r for r, bad in seen if not bad], strict=False):
        one, other = np.array(yes), np.array(no)
        for _ in range(STEPS):
            middle = (one + other) / 2
            middle[[1, 5]] = np.round(middle[[1, 5]])
            bad = label(middle)
            if bad is None:
                return points
            one, other = (middle, other) if bad else (one, middle)
        points.append((one + other) / 2)
    return points


def test_without_a_door_the_boundary_is_found(trained: Trained) -> None:
    found = boundary_points(lambda row: trained.predict([named(row)])[0] > 0.5, people_of(40, 11))
    assert len(found) >= 10


def test_whoever_searches_the_boundary_is_stopped(scene: Scene, trained: Trained) -> None:
    eve = Asker(scene, trained, "eve")
    found = boundary_points(eve.label, people_of(40, 11))
    assert eve.stopped
    assert eve.answered <= 40 + 35
    assert len(found) <= 3
    assert eve.last is not None
    assert "rule:model-probing" in eve.last.json()["reasons"]
    assert eve.label(people_of(1, 12)[0]) is None  # another key, another session: she is the same subject
    other_key = Asker(scene, trained, "eve")
    assert other_key.label(people_of(1, 13)[0]) is None


def test_honest_use_goes_on_meanwhile_in_full_detail(scene: Scene, trained: Trained) -> None:
    ada = Asker(scene, trained, "ada")
    for row in people_of(120, 21):
        assert ada.label(row) is not None, ada.last.text if ada.last else ""
        assert ada.last is not None
        assert ada.last.json()["coarse"] == "full"


def test_whoever_walks_around_single_rows_is_stopped(scene: Scene, trained: Trained) -> None:
    walker = Asker(scene, trained, "walker")
    for row in people_of(20, 31):
        for column in (None, 0, 2, 3, 4, 6, 7):
            moved = np.array(row)
            if column is not None:
                moved[column] *= 1.01
            if walker.label(moved) is None:
                break
    assert walker.stopped
    assert walker.answered <= 60


def test_whoever_asks_synthetic_rows_is_stopped(scene: Scene, trained: Trained) -> None:
    thief = Asker(scene, trained, "synthetic")
    rng = np.random.default_rng(5)
    for _ in range(150):
        row = trained.low + (trained.high - trained.low) * rng.random(len(NAMES))
        row[[1, 5]] = np.floor(row[[1, 5]])
        if thief.label(row) is None:
            break
    assert thief.stopped
    assert thief.answered <= 90
