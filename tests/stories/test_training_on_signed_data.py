"""From a registered, signed dataset to a model, by the commands that people use; and what an unsigned one comes to."""

import json
import os
from pathlib import Path

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import SigningKey
from ostiary.testing.sandboxes import Trial

pytest.importorskip("ostiary.server.datasets", reason="the door to datasets is not installed")

CATALOGUE = """
resources: [{type: training, id: churn, sensitivity: 2}]
subjects: [{type: user, id: mia, groups: [ml-engineers]}]
"""
TRAIN = "open('/outputs/m.txt', 'w').write(open('/data/sales/2026/rows.csv').read().upper())"


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    lake, data = tmp_path.resolve() / "lake", tmp_path / "data"
    lake.mkdir()
    (data / "catalogue").mkdir(parents=True)
    data.chmod(0o700)
    (data / "catalogue" / "default.yaml").write_text(CATALOGUE)
    monkeypatch.setenv("OSTIARY_DATASETS__ROOTS", json.dumps([str(lake)]))
    key = SigningKey.generate("ingest")
    (tmp_path / "key").write_bytes(key.private_pem())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key.pem").write_bytes(key.public.pem())
    (tmp_path / "rows.csv").write_text("a,b\n")

    def call(*words: str) -> str:
        capsys.readouterr()
        end = words.index("--") if "--" in words else len(words)
        given = [*words[:end], "--data", str(data), *words[end:]]
        try:
            build_app()(given, result_action="return_value", exit_on_error=False)
        except OstiaryError as no:
            return no.code
        out: str = capsys.readouterr().out
        return out

    call("dataset", "register", "sales", f"file://{lake}", "--purpose", "training", "--stage", "train", "--producer",
         f"ingest={tmp_path / 'key.pem'}", "--verified", "--sensitivity", "2")  # fmt: skip
    call("dataset", "upload", "sales", str(tmp_path / "rows.csv"), "--folder", "2026")
    return call


def train(run) -> str:
    words = ("train", "run", "--pipeline", "churn", "--dataset", "sales", "--subject", "user:mia")
    told: str = run(*words, "--json", "--", "python3", "-c", TRAIN)
    return told


def test_only_signed_and_unchanged_data_trains(run, tmp_path):
    assert train(run) == "manifest_absent"
    assert "sha256:" in run("dataset", "manifest", "sales", "--producer", "ingest", "--key", str(tmp_path / "key"))
    done = json.loads(train(run))
    assert done["datasets"][0]["producer"] == "ingest"
    assert (Path(done["folder"]) / "outputs" / "m.txt").read_text() == "A,B\n"
    (tmp_path / "lake" / "2026" / "rows.csv").write_text("a,poison\n")
    assert train(run) == "object_modified"
    phases = [one["phase"] for one in json.loads(run("train", "list", "--json"))]
    assert phases == ["refused", "ended", "refused"]
