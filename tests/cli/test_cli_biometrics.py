"""Behavioural biometrics as a user types it: train, score, and what is told of what cannot be used."""

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.biometrics import kinds, training
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Modality
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.testing import behaviour

Run = Callable[..., tuple[int, str, str]]
TYPED = behaviour.people(Modality.KEYSTROKE, count=14)
UNSEEN = behaviour.people(Modality.KEYSTROKE, count=8, sessions=4, first=100)


@pytest.fixture(autouse=True)
def _reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train and load the reference model, whatever the modality: these tests are about what surrounds a model."""
    monkeypatch.setattr(training, "_TRAINERS", dict.fromkeys(Modality, "ostiary.testing.behaviour"))
    monkeypatch.setitem(kinds.LOADERS, behaviour.KIND, behaviour.load)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("OSTIARY_DATA", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words: str | Path | int) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()(["biometrics", *(str(word) for word in words)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            print(fault.code, fault.message, file=sys.stderr)  # noqa: T201 - as main() does
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def lines(path: Path, rows: list[dict[str, Any]], *, packed: bool = False) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def window(row: Row) -> dict[str, Any]:
    content = behaviour.raw(row.window)
    name = "features" if row.window.modality is Modality.FEATURES else "events"
    return {"modality": row.window.modality.value, name: content}


def folder(place: Path, rows: list[Row]) -> Path:
    place.mkdir(exist_ok=True)
    lines(
        place / "people.jsonl.gz",
        [{"subject": r.subject, "session": r.session, **window(r)} for r in rows],
        packed=True,
    )
    return place


@pytest.fixture
def model(tmp_path: Path, run: Run) -> Path:
    place = tmp_path / "model"
    code, out, err = run(
        "train", "--modality", "keystroke", "--data", folder(tmp_path / "set", TYPED), "--out", place, "--json"
    )
    assert code == 0, err
    assert json.loads(out)["modality"] == "keystroke"
    return place


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three sessions of each person enrol, the windows of the fourth are asked about, each claimed by everybody."""
    enrolled = [row for row in UNSEEN if row.session != "s03"]
    asked = [row for row in UNSEEN if row.session == "s03"]
    names = {(row.subject, row.order): f"w{number}" for number, row in enumerate(asked)}
    people = sorted({row.subject for row in UNSEEN})
    own = {name: [names[row.subject, row.order] for row in asked if row.subject == name] for name in people}
    probes = [
        {"id": f"{claimed}-{name}", "claimed": claimed, "windows": own[name]} for claimed in people for name in people
    ]
    return {
        "enrol": lines(
            tmp_path / "enrol.jsonl.gz",
            [{"subject": r.subject, "order": r.order, **window(r)} for r in enrolled],
            packed=True,
        ),
        "windows": lines(
            tmp_path / "windows.jsonl", [{"window": names[r.subject, r.order], **window(r)} for r in asked]
        ),
        "probes": lines(tmp_path / "probes.jsonl", probes),
    }


def asking(files: dict[str, Path]) -> list[str | Path]:
    return [word for name, path in files.items() for word in (f"--{name}", path)]


def test_one_line_a_probe_in_order_and_the_claimed_person_scores_highest(files, model, run) -> None:
    code, out, _ = run("score", "--modality", "keystroke", "--model", model, *asking(files), "--jsonl")
    told = [json.loads(line) for line in out.splitlines()]
    asked = [json.loads(line) for line in files["probes"].read_text().splitlines()]
    assert code == 0
    assert [one["id"] for one in told] == [one["id"] for one in asked]
    assert list(told[0]) == ["id", "claimed", "score", "llr", "liveness", "windows"]
    assert all(one["windows"] == 4 and one["liveness"] > 0 for one in told)
    same = [one for one in told if one["id"] == f"{one['claimed']}-{one['claimed']}"]
    best = {
        one["claimed"]: max((o for o in told if o["claimed"] == one["claimed"]), key=lambda o: o["score"])
        for one in told
    }
    assert sum(best[one["claimed"]]["id"] == one["id"] for one in same) >= 7
    assert sum(one["llr"] for one in same) > 0 > sum(one["llr"] for one in told if one not in same)


def test_a_trial_sees_its_own_person_and_windows_only(files, model, run, tmp_path) -> None:
    _, whole, _ = run("score", "--modality", "keystroke", "--model", model, *asking(files))
    probes = files["probes"].read_text().splitlines()
    wanted = whole.splitlines()[9]
    claimed = json.loads(probes[9])["claimed"]
    enrolled = [json.loads(line) for line in gzip.decompress(files["enrol"].read_bytes()).splitlines()]
    alone = {
        "enrol": lines(tmp_path / "one.jsonl", [row for row in enrolled if row["subject"] == claimed]),
        "windows": files["windows"],
        "probes": lines(tmp_path / "asked.jsonl", [json.loads(probes[9])]),
    }
    _, out, _ = run("score", "--modality", "keystroke", "--model", model, *asking(alone))
    assert out.splitlines() == [wanted]


def test_a_window_that_was_enrolled_is_a_replay(files, model, run, tmp_path) -> None:
    row = json.loads(gzip.decompress(files["enrol"].read_bytes()).splitlines()[0])
    again = {**files, "windows": lines(tmp_path / "again.jsonl", [{"window": 1, **row}])}
    again["probes"] = lines(tmp_path / "asked.jsonl", [{"id": 5, "claimed": row["subject"], "windows": [1]}])
    _, out, _ = run("score", "--modality", "keystroke", "--model", model, *asking(again))
    assert json.loads(out)["liveness"] == 0
    assert json.loads(out)["id"] == 5
    again["probes"] = lines(tmp_path / "asked.jsonl", [{"id": 5, "claimed": UNSEEN[-1].subject, "windows": [1]}])
    _, out, _ = run("score", "--modality", "keystroke", "--model", model, *asking(again))
    assert json.loads(out)["liveness"] > 0


def test_the_enrolment_can_be_cut(files, model, run) -> None:
    _, whole, _ = run("score", "--modality", "keystroke", "--model", model, *asking(files))
    code, few, _ = run("score", "--modality", "keystroke", "--model", model, *asking(files), "--enrol-first", 2)
    assert code == 0
    assert len(few.splitlines()) == len(whole.splitlines())
    assert few != whole
    code, _, err = run("score", "--modality", "keystroke", "--model", model, *asking(files), "--enrol-first", 0)
    assert code == 1
    assert "nothing_scored" in err


def test_what_cannot_be_used_is_told_with_its_line_and_the_rest_is_answered(files, model, run, tmp_path) -> None:
    probes = [json.loads(line) for line in files["probes"].read_text().splitlines()[:1]]
    short = {"window": "short", "modality": "keystroke", "events": [[0, 90, 1]]}
    files["windows"].write_text(files["windows"].read_text() + json.dumps(short) + "\n{\n")
    asked = [
        {"id": "a", "claimed": "nobody", "windows": probes[0]["windows"]},
        {"id": "b", "claimed": probes[0]["claimed"], "windows": ["gone"]},
        {"id": "c", "claimed": probes[0]["claimed"], "windows": ["short"]},
        probes[0],
        {"id": "d", "claimed": probes[0]["claimed"], "windows": [*probes[0]["windows"], "gone", "short"]},
        {"id": "e"},
    ]
    files["probes"] = lines(tmp_path / "odd.jsonl", asked)
    code, out, err = run("score", "--modality", "keystroke", "--model", model, *asking(files))
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [one["id"] for one in told] == [probes[0]["id"], "d"]
    assert told[0]["score"] == told[1]["score"]
    for words in ("odd.jsonl:1: subject_unknown", "odd.jsonl:2: window_unknown", "odd.jsonl:3: probe_unjudged"):
        assert words in err
    for words in ("odd.jsonl:6: row_malformed", "windows.jsonl:34: row_malformed"):
        assert words in err


def test_a_model_that_nobody_signed_or_of_another_modality_is_refused(files, model, run, tmp_path) -> None:
    words = ["score", "--modality", "pointer", "--model", model, *asking(files)]
    code, _, err = run(*words)
    assert code == 1
    assert "modality_other" in err
    code, _, err = run(
        "score", "--modality", "keystroke", "--model", model, *asking(files), "--home", tmp_path / "other"
    )
    assert code == 5
    (model / "card.md").write_text("better")
    code, _, err = run("score", "--modality", "keystroke", "--model", model, *asking(files))
    assert code == 5
    assert "card.md" in err


def test_without_a_model_the_error_says_how_to_train_one(files, run) -> None:
    code, _, err = run("score", "--modality", "keystroke-features", *asking(files))
    assert code == 1
    assert "ostiary biometrics train --modality keystroke-features" in err


def test_training_never_sweeps_a_folder_away_and_needs_people(run, tmp_path) -> None:
    data = folder(tmp_path / "set", TYPED)
    code, _, err = run("train", "--modality", "keystroke", "--data", data, "--out", data)
    assert code == 3
    assert "folder_in_use" in err
    alone = folder(tmp_path / "one", [row for row in TYPED if row.subject == TYPED[0].subject])
    code, _, err = run("train", "--modality", "keystroke", "--data", alone, "--out", tmp_path / "m")
    assert code == 1
    assert "training_people" in err


def test_the_same_rows_and_seed_give_the_same_model(model, run, tmp_path) -> None:
    again = tmp_path / "again"
    run("train", "--modality", "keystroke", "--data", tmp_path / "set", "--out", again)
    for name in ("model.json", "tables.safetensors", "card.md"):
        assert (model / name).read_bytes() == (again / name).read_bytes()


def test_people_whom_the_model_never_saw_are_measured(run, model, tmp_path) -> None:
    code, out, err = run("evaluate", "--modality", "keystroke", "--data", tmp_path / "set", "--json", "--out", tmp_path)
    told = json.loads(out)
    assert code == 0, err
    assert told["people"] == "p010 to p013, 4 of 14 people"
    assert told["measured"][0]["protocol"] == "1 enrolled, 1 probe"
    assert told["measured"][0]["figures"]["genuine"] == 20
    assert (tmp_path / "det.png").exists()
    words = ["--model", model, "--held-out", 5]
    code, out, err = run("evaluate", "--modality", "keystroke", "--data", tmp_path / "set", *words)
    assert code == 0, err
    assert "p009 to p013" in out
    code, _, err = run("evaluate", "--modality", "keystroke", "--data", tmp_path / "set", *words, "--keep")
    assert code == 0, err
    assert "kept: sha256:" in err
    code, _, err = run("evaluate", "--modality", "keystroke", "--data", tmp_path / "set", "--keep")
    assert code == 1
    assert "--keep needs --model" in err
    code, _, err = run("evaluate", "--modality", "keystroke", "--data", tmp_path / "set", "--held-out", 13)
    assert code == 1
    assert "too few people" in err


def test_enrolling_says_how_well_each_person_is_known(files, run, model, tmp_path) -> None:
    rows = [json.loads(line) for line in gzip.decompress(files["enrol"].read_bytes()).splitlines()]
    named = [{**row, "session": f"s{row['order'] // 6}"} for row in rows]
    few = {"subject": "short", "order": 0, "modality": "keystroke", "events": [[0, 90, 1]]}
    file, kept = lines(tmp_path / "named.jsonl", [*named, few]), tmp_path / "templates.jsonl"
    words = ["--modality", "keystroke", "--model", model, "--enrol", file]
    code, out, err = run("enrol", *words, "--out", kept, "--jsonl")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 0, err
    assert [(one["windows"], one["sessions"], one["stage"]) for one in told] == [(12, 2, "enrolled")] * 8
    assert 50 < told[0]["usual"]["hold"] < 200
    assert "short: enrolment_empty" in err
    assert kept.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text().splitlines()[0])["subject"] == told[0]["subject"]
    code, out, _ = run("enrol", *words, "--enrol-first", 3)
    assert "provisional" in out
    code, _, err = run("enrol", *words, "--enrol-first", 0)
    assert code == 1
    assert "nothing_enrolled" in err
