"""``ostiary biometrics update`` as a user types it: one line a window in order, replays and strangers refused."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostiary.biometrics import kinds, training
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Modality, Window
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.testing import behaviour
from ostiary.testing.replayers import shaken

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]
TYPED = behaviour.people(Modality.KEYSTROKE, count=14)
UNSEEN = behaviour.people(Modality.KEYSTROKE, count=3, sessions=4, first=100)
MODEL = "model"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(training, "_TRAINERS", dict.fromkeys(Modality, "ostiary.testing.behaviour"))
    monkeypatch.setitem(kinds.LOADERS, behaviour.KIND, behaviour.load)
    monkeypatch.delenv("OSTIARY_DATA", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words: str | Path | int) -> tuple[int, list[dict[str, Any]], str]:
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
        return code, [json.loads(line) for line in told.out.splitlines() if line.startswith("{")], told.err

    rows = [
        {"subject": row.subject, "session": row.session, "modality": "keystroke", "events": behaviour.raw(row.window)}
        for row in TYPED
    ]
    lines(tmp_path / "people.jsonl", rows)
    code, _, told = call("train", "--modality", "keystroke", "--data", "people.jsonl", "--out", MODEL)
    assert code == 0, told
    return call


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def enrolment(path: Path) -> Path:
    return lines(
        path,
        [
            {"subject": row.subject, "order": row.order, "modality": "keystroke", "events": behaviour.raw(row.window)}
            for row in UNSEEN
            if row.order < 8
        ],
    )


def of(who: str) -> list[Row]:
    return [row for row in UNSEEN if row.subject == who]


def step(name: str, number: int, window: Window, claimed: str = "p100") -> dict[str, Any]:
    return {"sequence": name, "claimed": claimed, "step": number, "events": behaviour.raw(window)}


def test_own_windows_are_accepted_and_replays_and_strangers_are_not(run: Run, tmp_path: Path) -> None:
    own, luck = of("p100"), np.random.default_rng(1)
    rows = [step("own", number, row.window) for number, row in enumerate(own[8:])]
    rows += [step("again", 1, own[3].window), step("again", 2, shaken(own[5].window, luck))]
    rows += [step("twice", 1, own[9].window), step("twice", 2, shaken(own[9].window, luck))]
    rows += [step("stranger", number, row.window) for number, row in enumerate(of("p101"))]
    windows = lines(tmp_path / "windows.jsonl", rows)
    code, told, _ = run("update", "--enrol", enrolment(tmp_path / "e.jsonl"), "--windows", windows, "--model", MODEL)
    assert code == 0
    assert [(one["sequence"], one["step"]) for one in told] == [(row["sequence"], row["step"]) for row in rows]
    assert all(set(one) == {"sequence", "step", "accepted", "alarm", "reason"} for one in told)
    by = {name: [one for one in told if one["sequence"] == name] for name in ("own", "again", "twice", "stranger")}
    assert any(one["accepted"] for one in by["own"])
    assert not any(one["alarm"] for one in by["own"])
    for one in (*by["again"], by["twice"][1]):
        assert (one["accepted"], one["alarm"]) == (False, False)
        assert one["reason"].startswith("replay: ")
    assert sum(one["accepted"] for one in by["stranger"]) <= 1


def test_what_cannot_be_used_is_told_by_line(run: Run, tmp_path: Path) -> None:
    fine = step("a", 1, of("p100")[9].window)
    rows = [
        {**fine, "claimed": "nobody"},
        {**fine, "events": []},
        {"sequence": "a"},
        {**fine, "modality": "pointer"},
        {**fine, "sequence": ""},
        fine,
    ]
    windows, enrol = lines(tmp_path / "windows.jsonl", rows), enrolment(tmp_path / "e.jsonl")
    code, told, errors = run("update", "--enrol", enrol, "--windows", windows, "--model", MODEL)
    assert (code, len(told)) == (0, 1)
    faults = ("subject_unknown", "window_empty", "row_malformed", "modality_other", "name_malformed")
    for line, fault in enumerate(faults, start=1):
        assert f"windows.jsonl:{line}: {fault}" in errors.replace("\n", "")
    lines(windows, rows[:1])
    assert run("update", "--enrol", enrol, "--windows", windows, "--model", MODEL)[0] == 1
    lines(enrol, [{"subject": "x"}])
    code, _, errors = run("update", "--enrol", enrol, "--windows", windows, "--model", MODEL)
    assert code == 1
    assert "modality_missing" in errors
