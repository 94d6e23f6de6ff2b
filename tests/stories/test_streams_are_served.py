"""A running server tells its decisions as a stream; the verb says how far, and proves what was received."""

import json
import time
from pathlib import Path

import httpx
import pytest

from ostiary.cli.verbs.stream import check, list_
from ostiary.errors import VerificationError
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
