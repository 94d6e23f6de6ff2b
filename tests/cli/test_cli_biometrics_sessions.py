"""``ostiary biometrics evaluate --labels``: sessions that others take over, as a user measures them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.biometrics.sequence.interactions import windows_of
from ostiary.cli.app import build_app
from ostiary.errors import FaultyInputError
from ostiary.testing.application_people import ApplicationPeople

PEOPLE = ApplicationPeople(7)


def told(name: str, subject: str, windows: int, draw: int) -> list[dict[str, Any]]:
    found = windows_of(PEOPLE.events(name, 100 * windows, draw=draw))
    return [
        {"subject": subject, "session": f"{name}-{draw}-{n}", "modality": "sequence", "events": list(window.content)}
        for n, (_, window) in enumerate(found)
    ]


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines(tmp_path / "train.jsonl", [row for name in PEOPLE.names[:5] for row in told(name, name, 6, 0)])
    sessions = [row for name in PEOPLE.names[:3] for row in [*told(name, name, 4, 1), *told("person-6", name, 2, 1)]]
    lines(tmp_path / "test.jsonl", sessions)
    labels = [
        {"subject": row["subject"], "session": row["session"], "masquerade": int("person-6" in row["session"])}
        for row in sessions
    ]
    lines(tmp_path / "test_labels.jsonl", labels)
    return tmp_path


def test_sessions_are_measured_with_and_without_following(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["biometrics", "evaluate", "--modality", "sequence", "--data", str(data)]
    with pytest.raises(SystemExit) as ended:
        build_app()([*words, "--labels", str(data / "test_labels.jsonl"), "--json"])
    assert not ended.value.code
    report = json.loads(capsys.readouterr().out)
    assert [one["way"] for one in report["sessions"]][:2] == ["alone", "following"]
    assert {(one["own"], one["others"]) for one in report["sessions"]} == {(12, 6)}


def test_labels_are_for_sequences_and_need_sessions(data: Path) -> None:
    labels = ["--labels", str(data / "test_labels.jsonl")]
    with pytest.raises(FaultyInputError):
        build_app()(["biometrics", "evaluate", "--modality", "pointer", "--data", str(data), *labels])
    (data / "test.jsonl").unlink()
    with pytest.raises(FaultyInputError):
        build_app()(["biometrics", "evaluate", "--modality", "sequence", "--data", str(data), *labels])
