"""The SDK's client and the command line against a server that listens."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ostiary.keys import SigningKey
from ostiary_sdk.features import FeatureError, Features, one_set

pd: Any = import_module("pandas")


class Tokens:
    """What ``ostiary_sdk.pipeline.ExchangedToken`` is to a client: one caller with a token."""

    def __init__(self, scene: Any, detail: Any) -> None:
        self.scene, self.detail = scene, detail

    def headers(self, method: str, url: str) -> dict[str, str]:
        # The server's public address is not the one that it listens on here.
        public = url.replace(self.scene.server.url, "http://pdp.example")
        made: dict[str, str] = self.scene.caller.headers(method, public, self.scene.caller.token(self.detail))
        return made


@pytest.fixture
def features(scene: Any) -> Any:
    with Features(scene.server.url, "default", Tokens(scene, scene.detail())) as client:
        yield client


def test_a_query_is_a_table(scene: Any, features: Any) -> None:
    table = features.query("people", "SELECT * FROM people ORDER BY user_id LIMIT 2")
    assert table.column_names == list(scene.seen)
    assert table.to_pandas()["amount"].tolist() == [1.5, 3.0]


def test_a_refusal_says_why(features: Any) -> None:
    with pytest.raises(FeatureError) as fault:
        features.query("people", "SELECT salary FROM people")
    assert (fault.value.code, fault.value.status, fault.value.needs) == ("access_denied", 403, ("salary",))
    assert fault.value.decision_id.startswith("dec_")
    assert features.explain("people", "SELECT salary FROM people")["lacking"] == ["salary"]


def test_the_two_calls_of_feast(scene: Any, features: Any) -> None:
    times = pd.to_datetime(["2026-01-01T02:59:00Z", "2026-01-01T03:00:00Z"])
    frame = pd.DataFrame({"user_id": [3, 3], "event_timestamp": times, "label": ["a", "b"]})
    found = features.get_historical_features(frame, ["people:amount", "people:doubled"]).to_df()
    assert found["label"].tolist() == ["a", "b"]
    assert found["doubled"].isna().tolist() == [True, False]
    ingest = Tokens(scene, scene.detail(name="sdk", action="features.write", stage="ingest"))
    scene.register("sdk")
    rows = pd.DataFrame({"user_id": [1, 2], "at": times, "amount": [1.0, 2.0], "country": pd.Categorical(["de", "fr"])})
    with Features(scene.server.url, "default", ingest) as writer:
        assert writer.write("sdk", rows) == 2
    with Features(scene.server.url, "default", Tokens(scene, scene.detail(name="sdk"))) as reader:
        online = reader.get_online_features(["sdk:amount", "sdk:doubled"], [{"user_id": 2}, {"user_id": 9}])
        assert online.to_dict() == {"user_id": [2, 9], "amount": [2.0, None], "doubled": [4.0, None]}
        assert set(reader.columns("sdk")) == set(reader.whole_columns("sdk")) == set(scene.seen)
    with Features(scene.server.url, "default", Tokens(scene, scene.detail(name="sdk", stage="train"))) as reader:
        assert set(reader.columns("sdk")) - set(reader.whole_columns("sdk")) == {"email"}


def test_an_answer_that_is_none_is_no_answer() -> None:
    class Nobody:
        def headers(self, method: str, url: str) -> dict[str, str]:
            return {}

    with Features("http://127.0.0.1:9", "default", Nobody(), timeout_s=0.5) as client, pytest.raises(FeatureError):
        client.query("people", "SELECT 1")
    with pytest.raises(ValueError, match="https"):
        Features("http://pdp.example", "default", Nobody())
    for odd in ([], ["a"], ["a:b", "c:d"], ["a:"]):
        with pytest.raises(ValueError, match="one set"):
            one_set(odd)


def run(*arguments: str, code: int = 0) -> str:
    program = "import sys; from ostiary.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "features", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.slow
def test_administrators_register_on_the_data_directory(scene: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"id": "cli", "sensitivity": 1, "spec": scene.spec}))
    at = ("--data", str(data))
    assert json.loads(run("register", str(file), *at, "--json"))["tags"]["salary"] == ["secret"]
    assert json.loads(run("list", *at, "--json"))[0]["id"] == "cli"
    shown = json.loads(run("show", "cli", *at, "--json"))
    assert shown["attributes"]["columns"]["wealth_again"]["reads"] == ["salary", "wealth"]
    assert "feature_set_unknown" in run("show", "nosuch", *at, code=3)
    file.write_text("{id: [}")
    assert "feature_set_invalid" in run("register", str(file), *at, code=1)
    run("remove", "cli", *at)
    assert json.loads(run("list", *at, "--json")) == []


@pytest.mark.slow
def test_callers_ask_a_running_server(scene: Any, tmp_path: Path) -> None:
    """The server's public address must be the one that is asked: a proof is for one address."""
    key = SigningKey.generate("holder", "ES256")
    (tmp_path / "holder.pem").write_bytes(key.private_pem())
    (tmp_path / "holder.pem").chmod(0o600)
    (tmp_path / "access.jwt").write_text("e30.e30.x")
    proof = ("--token-file", str(tmp_path / "access.jwt"), "--key", str(tmp_path / "holder.pem"))
    arguments = ("--url", scene.server.url, *proof)
    assert "token_" in run("query", "people", "select 1", *arguments, code=3)
    assert "usage" in run("online", "people", "user_id", "--columns", "amount", *arguments, code=1)
    away = ("--url", "http://127.0.0.1:9", *proof)
    assert "door_unreachable" in run("explain", "people", "select 1", *away, code=1)
