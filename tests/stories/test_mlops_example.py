"""The pipeline of ``examples/mlops`` on a real server, and each attack beside it: refused, by the reason that fits."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mlops"
sys.path.insert(0, str(EXAMPLE))
try:
    import attacks
    import pipeline
    import world as around
finally:
    sys.path.remove(str(EXAMPLE))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if not Path("/usr/bin/bwrap").exists():
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    with around.World(tmp_path_factory.mktemp("mlops") / "world") as opened:
        yield opened


@pytest.fixture(scope="module")
def made(world: Any) -> Any:
    return attacks.build(world)


def test_the_pipeline_ends_in_an_answer_that_is_on_record(world: Any, made: Any) -> None:
    told = pipeline.predict(world, made.loaded, "ada", attacks.ROW)
    assert told["predictions"][0] > 0.5
    assert told["inference_id"].startswith("inf_")
    why = world.ostiary("why", told["decision_id"], "--json")
    assert "endpoint.predict" in json.dumps(why)


def test_each_stage_was_decided_under_its_own_identity(world: Any, made: Any) -> None:
    events = world.ostiary("model", "history", around.MODEL, "--json")[:3]
    whys = [world.ostiary("why", event["decision_id"], "--json")["sentence"] for event in events]
    assert [event["action"] for event in events] == ["register", "promote", "load"]
    assert {event["digest"] for event in events} == {made.signed["root"]}
    for sentence, name in zip(whys, (f"ci_job:{around.CI}", "user:rita", f"workload:{around.DEPLOYER}"), strict=True):
        assert sentence.startswith(name)
    runs = world.ostiary("train", "list", "--json")
    assert [run["phase"] for run in runs][:1] == ["ended"]
    assert {dataset["name"] for dataset in runs[0]["datasets"]} == {around.FEATURES}
    assert runs[0].get("connections", []) == []


@pytest.mark.parametrize("attack", attacks.ATTACKS, ids=lambda attack: attack.__name__)
def test_attack(world: Any, made: Any, attack: Any) -> None:
    told = attack(world, made)
    assert attacks.ATTACKS[attack] in told, told


def test_the_log_verifies_after_all_of_it(world: Any, made: Any) -> None:
    assert world.ostiary("audit", "verify", "--json")["verified"] is True
    assert made.version == 1
