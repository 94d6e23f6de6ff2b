"""``ostiary model lineage|refusals|own``, ``token list``, ``features readers``: what pages tell, as people type it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.cli.places import open_data
from ostiary.errors import OstiaryError
from ostiary.pipeline.features.spec import read_spec
from ostiary.pipeline.registered import Registered
from ostiary.pipeline.registry.model import Event
from ostiary.server.places import Places
from ostiary.testing.pipeline_records import PipelineHistory

Run = Callable[..., tuple[int, str]]
SPEC: dict[str, Any] = {
    "entities": ["user_id"],
    "event_time": "at",
    "columns": [
        {"name": "user_id", "type": "int64"},
        {"name": "at", "type": "timestamp"},
        {"name": "email", "type": "string", "tags": ["pii"]},
    ],
    "offline": {"kind": "parquet"},
}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        except OstiaryError as fault:
            return fault.exit_code, f"{fault.code}: {fault.message}"
        return 0, capsys.readouterr().out

    return call


@pytest.fixture(autouse=True)
def _written(run: Run, tmp_path: Path) -> None:
    """A data directory with a token, a refused load and a feature set."""
    run("tenant", "list")
    data = tmp_path / "data"
    Places(data).catalogue("default").parent.mkdir(parents=True, exist_ok=True)
    Places(data).catalogue("default").write_text("subjects:\n  - {type: ci_job, id: build}\n")
    with open_data(data, None) as house:
        PipelineHistory(house.log, house.clock).token()
        house.models.journal.note("default", Event(1, "load.refused", "fraud", stage="canary", code="model_not_live"))
        one = Registered(
            type="feature_set", id="customers", sensitivity=1, attributes=read_spec(SPEC).attributes(), spec=SPEC
        )
        house.registry.put("default", one, house.clock.now_ns())


def test_what_was_refused_and_what_became_of_tokens(run: Run) -> None:
    (refused,) = json.loads(run("model", "refusals", "--json")[1])
    assert (refused["model"], refused["code"]) == ("fraud", "model_not_live")
    assert json.loads(run("model", "refusals", "other", "--json")[1]) == []
    assert "model_not_live" in run("model", "refusals", "fraud")[1]
    (token,) = json.loads(run("token", "list", "--resource", "sales", "--json")[1])
    assert (token["action"], token["token_id"]) == ("exchanged", "jti_default_1")
    assert json.loads(run("token", "list", "--subject", "user:x", "--json")[1]) == []
    assert "exchanged" in run("token", "list")[1]


def test_where_a_model_comes_from_and_our_own(run: Run) -> None:
    assert json.loads(run("model", "lineage", "--json")[1]) == {"nodes": [], "links": [], "cut": []}
    assert run("model", "lineage", "unheard-of") == (3, "model_unknown: there is no such model")
    own = {one["name"]: one["state"] for one in json.loads(run("model", "own", "--json")[1])}
    assert own["access-risk"] == "absent"
    assert own["biometrics-pointer"] == "verified"
    assert "Pointer dynamics" in run("model", "own", "biometrics-pointer")[1]
    assert "ostiary risk train" in run("model", "own", "session-risk")[1]
    assert run("model", "own", "../x")[0] == 3


def test_who_reads_a_column(run: Run) -> None:
    told = json.loads(run("features", "readers", "customers", "--column", "email", "--stage", "train", "--json")[1])
    assert [(one["subject"], one["when"]) for one in told["readers"]] == [("ci_job:build", ["token"])]
    assert told["not_covered"]
    assert "masked" in run("features", "readers", "customers", "--stage", "train")[1]
    assert "not covered" in run("features", "readers", "customers", "--column", "email")[1]
    assert run("features", "readers", "none")[0] == 3
    assert run("features", "readers", "customers", "--column", "none")[0] == 3
