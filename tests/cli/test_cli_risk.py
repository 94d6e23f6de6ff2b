"""The risk and model verbs as a user types them, on a devaccess-shaped file."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.risk.measure.reference import reference_of
from ostiary.signals.features import NAMES

Run = Callable[..., tuple[int, str, str]]
HOUR = 3_600
pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, four repositories, fifty days; the last days hold one takeover of each of two people."""
    place = tmp_path_factory.mktemp("risk")
    luck = random.Random(5)  # noqa: S311 - a made-up table
    rows: list[tuple[int, str, int, str, int, str, int]] = []
    for day in range(50):
        for person in range(12):
            start = 1_500_000_000 + day * 24 * HOUR + (8 + person % 4) * HOUR + luck.randrange(2 * HOUR)
            attacked = day >= 45 and person in {2, 7}
            repo = (person + 2) % 4 if attacked else person % 4
            for step in range(luck.randint(1, 3)):
                at = start + 60 * step + (11 * HOUR if attacked else 0)
                area = f"area{luck.randrange(3) + (9 if attacked else person % 3)}"
                rows.append((at, f"s{day}-{person}", 300 if attacked else 60, f"u{person}", repo, area, int(attacked)))
    rows.sort()
    events = ["event_id,session_id,ts,tz_offset_min,user,repo,area,n_files"]
    labels = ["event_id,label,attack_id,eligible"]
    for number, (at, session, offset, who, repo, area, label) in enumerate(rows):
        events.append(f"e{number},{session},{at},{offset},{who},repo{repo},{area},1")
        labels.append(f"e{number},{label},{who[1:] if label else -1},1")
    (place / "events.csv").write_text("\n".join(events) + "\n")
    (place / "labels.csv").write_text("\n".join(labels) + "\n")
    (place / "attacks.csv").write_text("attack_id,kind\n2,foreign\n7,foreign\n")
    return place


@pytest.fixture
def run(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(files / "data"))

    def call(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()([str(word) for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            print(fault.message, file=sys.stderr)  # noqa: T201 - as main() does
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def model(files: Path, run: Run) -> Path:
    place = files / "model"
    if not place.exists():
        words = ("--mapping", "devaccess", "--until", "1503800000", "--rounds", "3", "--out", place)
        code, _, err = run("risk", "train", "--events", files / "events.csv", *words)
        assert code == 0, err
    return place


def test_train_says_what_it_made(files: Path, run: Run) -> None:
    words = ("--mapping", "devaccess", "--rounds", "2", "--labels", files / "labels.csv", "--json")
    code, out, err = run("risk", "train", "--events", files / "events.csv", "--out", files / "labelled", *words)
    told = json.loads(out)
    assert code == 0
    assert told["digest"].startswith("sha256:")
    assert told["card"]["sources"][0]["origin"] == "operator-supplied file"
    assert told["card"]["labels"]["impostor"] > 10
    assert "replay" in err


def test_score_writes_one_line_an_event_in_order(files: Path, run: Run, model: Path) -> None:
    code, out, _ = run(
        "risk", "score", "--model", model, "--events", files / "events.csv", "--mapping", "devaccess", "--jsonl"
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["event_id"] for line in lines] == [f"e{number}" for number in range(len(lines))]
    assert all(list(line) == ["event_id", "score", "level", "reasons"] for line in lines)
    assert all(0 <= line["score"] <= 1 for line in lines)
    truth = [row.split(",")[1] == "1" for row in (files / "labels.csv").read_text().splitlines()[1:]]
    attacks = [line["score"] for line, bad in zip(lines, truth, strict=True) if bad]
    own = sorted(line["score"] for line, bad in zip(lines, truth, strict=True) if not bad)
    assert sum(score > own[int(0.98 * len(own))] for score in attacks) > 0.5 * len(attacks)
    assert any(line["reasons"] for line in lines)


def test_score_writes_one_line_a_session(files: Path, run: Run, model: Path) -> None:
    words = ("--mapping", "devaccess", "--level", "session", "--jsonl")
    code, out, _ = run("risk", "score", "--model", model, "--events", files / "events.csv", *words)
    names = [json.loads(line)["session_id"] for line in out.splitlines()]
    seen = dict.fromkeys(row.split(",")[1] for row in (files / "events.csv").read_text().splitlines()[1:])
    assert code == 0
    assert names == list(seen)


@pytest.mark.parametrize("level", ["event", "session"])
def test_a_second_core_changes_no_line(files: Path, run: Run, model: Path, level: str) -> None:
    words = ["risk", "score", "--model", str(model), "--mapping", "devaccess", "--level", level]
    events = ["--events", str(files / "events.csv")]
    _, alone, _ = run(*words, *events, "--cores", "1")
    command = [sys.executable, "-c", "from ostiary.cli import main; main()", *words, "--events", "-", "--cores", "2"]
    with (files / "events.csv").open("rb") as rows:
        done = subprocess.run(command, stdin=rows, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == alone
    assert alone


def test_evaluate_prints_every_figure(files: Path, run: Run, model: Path) -> None:
    words = ("--mapping", "devaccess", "--labels", files / "labels.csv", "--attacks", files / "attacks.csv")
    more = ("--from", "1503800000")
    code, out, _ = run("risk", "evaluate", "--model", model, "--events", files / "events.csv", *words, *more, "--json")
    told = json.loads(out)["session"]
    assert code == 0
    assert told["roc_auc"]["value"] > 0.9
    assert told["roc_auc"]["low"] <= told["roc_auc"]["value"] <= told["roc_auc"]["high"]
    assert set(told["recall"]) == {"0.1%", "1%"}
    assert told["takeovers"] == 2
    assert told["by_kind"]["foreign"]["roc_auc"]["value"] > 0.9
    assert told["takeovers_caught"]["1%"]["value"] is not None
    assert set(told["time_to_detect"]["1%"]) >= {"caught", "at_once", "sessions_median", "hours_median"}
    assert [one["group"] for one in told["groups"]] == ["people"]
    assert {one["name"] for one in told["operating_points"]} >= {"1% of all", "1% of each account", "level high"}
    assert sum(one["rows"] for one in told["reliability"]) == told["count"]
    assert told["calibration_error"] is not None
    events = ("--model", model, "--events", files / "events.csv")
    code, out, err = run("risk", "evaluate", *events, *words, *more, "--keep")
    assert code == 0, err
    assert "kept: sha256:" in err
    for words_told in (
        "takeovers caught at 1% FPR",
        "time to detect",
        "by kind",
        "by group",
        "operating",
        "whole and apart",
    ):
        assert words_told in out


def test_evaluate_draws_where_it_is_asked(
    files: Path, run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--mapping", "devaccess", "--labels", files / "labels.csv", "--attacks", files / "attacks.csv")
    asked = (
        "risk",
        "evaluate",
        "--model",
        model,
        "--events",
        files / "events.csv",
        *words,
        "--out",
        tmp_path / "drawn",
    )
    code, _, err = run(*asked, "--json")
    assert code == 0, err
    for name in ("reliability.png", "ranking.png", "detection.png"):
        assert (tmp_path / "drawn" / name).read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("ostiary.cli.risk.evaluate.find_spec", lambda _: None)
    code, out, err = run(*asked)
    assert (code, out) == (1, "")
    assert "ostiary[report]" in err


def test_report_tells_the_card_without_any_events(run: Run, model: Path) -> None:
    code, out, _ = run("risk", "report", "--model", model, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["card"]["sources"][0]["events"] > 100
    assert told["notes"] == ["alarms and drift need --events"]
    assert "shadow" not in told
    code, out, _ = run("risk", "report", "--model", model)
    assert code == 0
    assert "gain by family" in out


def test_report_counts_alarms_and_drift_on_events(files: Path, run: Run, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "referenced"
    shutil.copytree(model, folder)
    (folder / "manifest.dsse.json").unlink()
    luck = np.random.default_rng(1)
    rows = luck.normal(size=(600, len(NAMES)))
    (folder / "reference.json").write_bytes(reference_of(rows, luck.random(600), NAMES, ["people"] * 600))
    assert run("model", "sign", folder, "--kind", "access-risk-model")[0] == 0
    words = ("--events", files / "events.csv", "--mapping", "devaccess", "--from", "1503800000", "--budget", "1")
    verdicts = ("--labels", files / "labels.csv", "--attacks", files / "attacks.csv")
    asked = ("risk", "report", "--model", folder, *words, *verdicts, "--html", tmp_path / "page" / "report.html")
    code, out, err = run(*asked, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["shadow"]["subjects"] == {"people": 12}
    assert {"level medium", "level high", "at most 1 a day"} <= {one["name"] for one in told["shadow"]["candidates"]}
    assert told["measured"]["takeovers"] == 2
    assert told["precision_at_budget"] is not None
    assert sum(told["drift"]["verdicts"].values()) == len(NAMES)
    html = (tmp_path / "page" / "report.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "http" not in html.replace("http-equiv", "")
    code, out, _ = run(*asked)
    assert code == 0
    for words_told in ("alarms", "noisiest", "drift since training", "precision within the budget"):
        assert words_told in out


def test_report_refuses_what_it_cannot_count(files: Path, run: Run, model: Path, tmp_path: Path) -> None:
    assert run("risk", "report", "--model", model, "--labels", files / "labels.csv")[0] == 1
    assert run("risk", "report", "--model", model, "--budget", "-1")[0] == 1
    assert run("risk", "report", "--model", tmp_path / "nowhere")[0] == 1
    asked = ("risk", "report", "--model", model, "--events", files / "events.csv", "--mapping", "devaccess")
    assert run(*asked, "--bundle", tmp_path)[0] == 1


def test_a_tampered_model_does_not_score(files: Path, run: Run, model: Path, tmp_path: Path) -> None:

    evil = tmp_path / "evil"
    shutil.copytree(model, evil)
    text = (evil / "calibration.json").read_text().replace('"prior": 0.001', '"prior": 0.002')
    (evil / "calibration.json").write_text(text)
    code, out, _ = run("risk", "score", "--model", evil, "--events", files / "events.csv", "--mapping", "devaccess")
    assert (code, out) == (5, "")
    assert run("model", "verify", evil)[0] == 5
    assert run("model", "verify", model)[0] == 0


def test_a_model_is_signed_and_verified_by_hand(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "card.md").write_text("# a card")
    code, out, _ = run("model", "sign", folder, "--kind", "notes", "--json")
    digest = json.loads(out)["digest"]
    assert code == 0
    code, out, _ = run("model", "verify", folder, "--kind", "notes", "--pinned", digest, "--json")
    assert (code, json.loads(out)["digest"]) == (0, digest)
    assert run("model", "verify", folder, "--kind", "access-risk-model")[0] == 5
    assert run("model", "verify", folder, "--tenant", "another")[0] == 0  # the deployment's own key counts for all
    assert run("model", "verify", tmp_path / "nowhere")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--mapping", "nonsense"),
        ("--mapping", "devaccess", "--prior", "2"),
        ("--mapping", "devaccess", "--rounds", "0"),
        ("--mapping", "devaccess", "--until", "0"),
        ("--mapping", "devaccess", "--tenant", "Not A Tenant"),
    ],
)
def test_faulty_options_end_in_an_error(files: Path, run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    code, _, _ = run("risk", "train", "--events", files / "events.csv", "--out", tmp_path / "m", *words)
    assert code == 1
    assert not (tmp_path / "m").exists()


def test_imported_history_trains_the_installed_model(files: Path, run: Run, tmp_path: Path) -> None:
    key, batch = tmp_path / "door.key", tmp_path / "1.batch"
    code, out, _ = run("producer", "key", "door", "--out", key)
    (tmp_path / "door.pub").write_text(out)
    assert run("producer", "add", "door", "--key", tmp_path / "door.pub")[0] == code == 0
    words = ("--format", "devaccess", "--producer", "door", "--key", key, "--out", batch)
    assert run("events", "sign", files / "events.csv", *words)[0] == 0
    assert run("events", "import", "--batch", batch)[0] == 0
    code, out, _ = run("risk", "train", "--rounds", "1", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["folder"] == str(files / "data" / "models" / "default")
    source = told["card"]["sources"][0]
    assert source["origin"] == "imported history"
    assert [(one["producer"], one["batches"]) for one in source["producers"]] == [("door", 1)]
    assert source["batches"].startswith("sha256:")
    code, out, _ = run("risk", "score", "--events", files / "events.csv", "--mapping", "devaccess")
    assert code == 0
    assert len(out.splitlines()) == told["card"]["events"]


def test_unsigned_history_trains_nothing(files: Path, run: Run, tmp_path: Path) -> None:
    code, _, _ = run("events", "import", files / "events.csv", "--format", "devaccess", "--data", tmp_path / "other")
    assert code == 0
    code, _, err = run("risk", "train", "--rounds", "1", "--data", tmp_path / "other")
    assert code == 3
    assert "came in no signed batch" in err
    assert not (tmp_path / "other" / "models" / "default").exists()


def test_a_model_that_misses_golden_attacks_is_not_written(files: Path, run: Run, tmp_path: Path, model: Path) -> None:
    words = ("--events", files / "events.csv", "--mapping", "devaccess", "--labels", files / "labels.csv")
    code, out, _ = run(
        "risk", "golden", "freeze", *words, "--attacks", files / "attacks.csv", "--model", model, "--json"
    )
    frozen = json.loads(out)
    assert code == 0
    assert (frozen["attacks"], frozen["kinds"]) == (2, ["foreign"])
    code, out, _ = run("risk", "golden", "check", "--model", model, "--json")
    assert code == 0
    assert json.loads(out)["passed"]
    golden = files / "data" / "golden" / "default"
    golden.rename(tmp_path / "gone")
    out_words = ("--mapping", "devaccess", "--rounds", "1", "--out", tmp_path / "m")
    code, _, err = run("risk", "train", "--events", files / "events.csv", *out_words)
    assert code == 3
    assert "freeze attacks anew" in err
    assert not (tmp_path / "m").exists()
    (tmp_path / "gone").rename(golden)
