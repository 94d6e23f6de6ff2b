"""A candidate model: verified like a live one, asked under the live bundle, bound to one tenant and its very bytes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import VerificationError
from ostiary.risk.source import Source
from ostiary.risk.training.contrast import ContrastSettings
from ostiary.risk.training.fit import FitSettings
from ostiary.risk.training.prepare import PrepareSettings
from ostiary.risk.training.train import TrainSettings, train
from ostiary.risk.training.write import write_model
from ostiary.server.shadow.report.gathering import Asked
from ostiary.server.shadow.report.making import make
from ostiary.testing.organisation import Organisation

TINY = TrainSettings(
    session_rounds=2,
    prepare=PrepareSettings(rounds=2, most_rounds=2, ghost_share=0.02, contrast=ContrastSettings(share=0.08)),
    fit=FitSettings(most_trees=15, leaves=6, column_share=0.3, bins=15),
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(shadow={"deadline_ms": 5_000, "cpu_share": 4, "cpu_burst_s": 600})


@pytest.fixture(scope="module")
def folders(server: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same tiny model, signed by the deployment's tenant and by another one."""
    root = tmp_path_factory.mktemp("models")
    trained = train(Organisation(people=8, days=9).history(), {}, [Source("simulated", "00", 1)], TINY)
    server.house.tenants.create("other")
    found = {}
    for tenant in ("default", "other"):
        found[tenant] = root / tenant
        key = server.house.ring.active(tenant, "models")
        write_model(trained, found[tenant], key, created_ns=server.house.clock.now_ns(), tenant=tenant)
    return found


def settled(house: Any) -> None:
    late = time.monotonic() + 60
    while not house.shadow.idle():
        assert time.monotonic() < late
        time.sleep(0.02)
    house.shadow.settle()


def test_a_candidate_model_is_compared_and_the_live_answers_have_no_score(
    server: Any, folders: dict[str, Path]
) -> None:
    house = server.house
    started = house.shadow.candidates.start("default", "model", "ann", lambda _digest: "", folders["default"])
    house.shadow.tend()
    answers = [server.ask(action).json()["decision"] for action in ("read", "read", "delete")]
    settled(house)
    assert answers == [True, True, False]
    assert all(record.risk is not None and not record.risk.available for record in server.records())
    counts = {what: n for (_, what), n in house.shadow.counts.hourly("default", started.digest, 0, 1 << 40).items()}
    assert (counts["compared"], counts.get("stale", 0), counts.get("faulty", 0)) == (3, 0, 0)
    assert sum(n for what, n in counts.items() if what.startswith("score_")) == 2  # policy alone refuses the third
    sheet, _ = make(house, Asked("default", candidate="model"))
    assert (sheet.decisions, sheet.flips) == (3, {"match": 3})
    assert sheet.steps[0].a_day == pytest.approx(2 / 14)


def test_bytes_that_change_end_it_and_a_forged_one_does_not_start(server: Any, folders: dict[str, Path]) -> None:
    house = server.house
    place = house.shadow.candidates.place("default", "model")
    model = next(path for path in sorted(place.iterdir()) if path.suffix == ".txt")
    model.write_bytes(model.read_bytes().replace(b"leaf_value=", b"leaf_value=9", 1))
    house.shadow.tend()
    assert house.shadow.candidates.state("default", "model").state == "refused"
    with pytest.raises(VerificationError) as told:
        house.shadow.candidates.start("default", "model", "ann", lambda _digest: "")
    assert told.value.code == "artifact_modified"
    house.shadow.candidates.stop("default", "model", lambda _digest: "")
    shutil.rmtree(place)
    assert folders["default"].is_dir()


def test_another_tenants_model_is_no_candidate_here(server: Any, folders: dict[str, Path]) -> None:
    house = server.house
    with pytest.raises(VerificationError) as told:
        house.shadow.candidates.start("default", "model", "ann", lambda _digest: "", folders["other"])
    assert told.value.code == "artifact_untrusted_key"
    assert not house.shadow.candidates.place("default", "model").exists()
    assert house.shadow.candidates.all("default") == []


def test_the_live_models_own_drift_is_told_against_its_training(server: Any, folders: dict[str, Path]) -> None:
    house = server.house
    shutil.copytree(folders["default"], house.places.model("default"))
    house.scorers.reload("default")
    since = house.clock.now_ns()
    for _ in range(3):
        server.ask()
    settled(house)
    sheet, _ = make(house, Asked("default", "step_up", days=1))
    assert sheet.scored == 3
    assert sheet.drift[0].name == "score"
    assert {one.rows for one in sheet.drift} == {3}
    assert {one.verdict for one in sheet.drift} == {"too few rows"}
    told = house.figures.figures("default", "step_up", since - 10**9, house.clock.now_ns() + 10**9)
    assert told.drift is None  # three rows say nothing, and no gate takes that for good
    model = house.scorers.scorer("default").digest
    assert {one.rows for one in house.shadow.live.moved("default", model, since, since + 10**12)} == {3}
