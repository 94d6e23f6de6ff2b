"""``ostiary history`` as a person would use it: export, replay, and what it refuses."""

import json
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.signals import eventfile
from ostiary.testing.organisation import Organisation


@pytest.fixture
def events(tmp_path: Path) -> Path:
    place = tmp_path / "events.jsonl"
    eventfile.write(place, Organisation(people=10, days=6).history()[:120])
    return place


def test_export_and_replay(tmp_path: Path, events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, shared = str(tmp_path / "lake"), ["--data", str(tmp_path / "data"), "--json"]
    file = ["--events", str(events), "--mapping", "ostiary"]
    with pytest.raises(SystemExit, match="0"):
        build_app()(["history", "export", place, *file, "--part-events", "60", *shared])
    told = json.loads(capsys.readouterr().out)
    assert (told["events"], len(told["parts"])) == (120, 2)
    with pytest.raises(SystemExit, match="0"):
        build_app()(["history", "replay", place, "--workers", "1", *shared])
    said = capsys.readouterr()
    assert json.loads(said.out)["events"] == 120
    assert "replay 100 %" in said.err
    assert (Path(place) / json.loads(said.out)["features"][1]["name"]).exists()


@pytest.mark.parametrize(
    ("arguments", "ends", "says"),
    [
        (["replay", "LAKE"], 1, "cannot be read"),
        (["replay", "LAKE", "--scheduler", "tcp://192.0.2.7:8786"], 3, "without TLS"),
        (["export", "ftp://a:b@c/d", "--events", "EVENTS"], 1, "credentials"),
        (["impact"], 1, "--bundle or --model"),
    ],
)
def test_what_is_refused(arguments: list[str], ends: int, says: str, tmp_path: Path, events: Path) -> None:
    places = {"LAKE": str(tmp_path / "lake"), "EVENTS": str(events)}
    told = [places.get(one, one) for one in arguments]
    with pytest.raises(OstiaryError, match=says) as no:
        build_app()(["history", *told, "--data", str(tmp_path / "data")])
    assert no.value.exit_code == ends
