"""A running server tells its decisions as a stream; the verb says how far, and proves what was received."""

import json
import time
from pathlib import Path

import httpx
import pytest

from ostiary.cli.verbs.stream import check, list_
from ostiary.errors import VerificationError
from ostiary.server.checkup import examine
from ostiary.server.places import Places
from ostiary.server.settings import Settings
from ostiary.server.wiring import open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.served import Served


@pytest.mark.slow
def test_decisions_are_told_and_proved_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = tmp_path / "data", tmp_path / "out"
    data.mkdir(mode=0o700)
    (data / "ostiary.toml").write_text(
        f'[[export.streams]]\nname = "siem"\nkind = "jsonl"\nfolder = "{folder}"\nfrom_start = true\n'
    )
    file = folder / "events.jsonl"
    with Served(data) as server:
        body = {
            "subject": {"type": "user", "id": "ann"},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "handbook"},
        }
        headers = {"Authorization": f"Bearer {server.pep_key}"}
        answers = [
            httpx.post(f"{server.url}/access/v1/evaluation", json=body, headers=headers, timeout=30) for _ in range(3)
        ]
        named = {answer.json()["context"]["id"] for answer in answers}
        end = time.monotonic() + 30
        while not (file.exists() and named <= {json.loads(line)["id"] for line in file.read_text().splitlines()}):
            assert time.monotonic() < end
            time.sleep(0.1)
        admin = {"Authorization": f"Bearer {server.admin_key}"}
        told = httpx.get(f"{server.url}/api/v1/tenants/default/streams", headers=admin, timeout=30).json()
        assert [(one["name"], one["fault"]) for one in told] == [("siem", "")]
        metrics = httpx.get(f"{server.url}/metrics", timeout=30).text
        assert "ostiary_streams_behind" in metrics
    check(file)
    assert "missing none" in capsys.readouterr().out
    list_(data=data, json=True)
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["dead"], shown["fault"]) == ("siem", 0, "")
    assert shown["sequence"] == len(file.read_text().splitlines())
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(VerificationError) as broken:
        check(file)
    assert (broken.value.code, broken.value.exit_code) == ("stream_not_whole", 5)


def test_the_doctor_finds_a_stream_that_stands_still(tmp_path: Path) -> None:
    data = tmp_path / "data"
    places, settings = (
        Places(data),
        Settings.model_validate(
            {"export": {"streams": [{"name": "siem", "kind": "jsonl", "folder": "/proc/none", "from_start": True}]}}
        ),
    )
    clock = FakeClock()
    with open_house(places, settings, clock, lambda _reason, _fault: None) as house:
        (stream,) = house.streams
        assert stream.turn() == 0
    found = {one.check: one for one in examine(places, lambda: settings, clock)}
    assert "streams" not in found
    clock.advance(3 * 3600)
    found = {one.check: one for one in examine(places, lambda: settings, clock)}
    assert "`default/siem` has told nothing for 3 h: file_unwritable" in found["streams"].text
