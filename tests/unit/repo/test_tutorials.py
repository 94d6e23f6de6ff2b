"""The tutorials are typed as they stand, block by block, against a real server; what cannot be typed here says why."""

import gzip
import json
import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostiary.testing.organisation import Organisation
from ostiary.testing.served import Served
from ostiary.vocabulary.events import AccessEvent

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
DECISION = re.compile(r"dec_[0-9A-Z]{26}")
ADDRESS = "http://127.0.0.1:8181"
STARTS = ("make up", "ostiary up")
NOT_HERE = {
    "ostiary login": "it takes an identity provider: tests/stories/test_signing_in_from_a_terminal.py",
    "ostiary connect": "it takes a sign-in: tests/stories/test_signing_in_from_a_terminal.py",
    ".venv/bin/ostiary demo": "a minute of training: tests/cli/test_cli_decisions.py plays it short",
}
SHORTER = {
    ".venv/bin/ostiary risk train": "--rounds 1"
}  # the same training in seconds: a worse model of a small history
TAMPERED = "remembered: 6 entries"  # the second look at a log that the reader was told to put back


class Reader:
    """Types what a tutorial shows, in a folder of its own."""

    def __init__(self, folder: Path, repo: Path, server: Served) -> None:
        self.folder, self.server, self.last = folder, server, ""
        (folder / ".venv").symlink_to(repo / ".venv")
        told = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
        self.environ = {
            **told,
            "PATH": f"{repo / '.venv' / 'bin'}:{told['PATH']}",
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
        }

    def type(self, command: str) -> str:
        """Run one line; return what it printed."""
        text = DECISION.sub(self.last, command.replace(ADDRESS, self.server.url)) if self.last else command
        text = text.replace(ADDRESS, self.server.url)
        done = subprocess.run(
            ["/bin/bash", "-c", text],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode in {0, 3, 4}, f"{command}\n{done.stdout[-800:]}\n{done.stderr[-800:]}"
        found = DECISION.findall(done.stdout)
        self.last = found[-1] if found else self.last
        return done.stdout + done.stderr


def typed(page: Path) -> list[tuple[str, str]]:
    """Return each command of a page with what the page says comes of it."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command.strip(), shown.strip()))
    return found


def read(reader: Reader, page: Path) -> dict[str, str]:
    """Type a page from its beginning to its end; return what came of each command."""
    said = {}
    for command, shown in typed(page):
        if command.startswith(STARTS) or TAMPERED in shown:
            continue
        if not any(command.startswith(one) for one in NOT_HERE):
            more = next((more for start, more in SHORTER.items() if command.startswith(start)), "")
            said[command] = reader.type(f"{command} {more}".strip())
    return said


def record_of(event: AccessEvent) -> dict[str, object]:
    """Return an event as CloudTrail would have written it."""
    at = datetime.fromtimestamp(event.time_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "eventTime": at,
        "eventSource": f"{event.resource_type}.amazonaws.com",
        "eventName": event.action,
        "eventID": event.event_id,
        "userIdentity": {"type": "IAMUser", "userName": event.subject_id},
        "sourceIPAddress": event.ip,
        "userAgent": event.user_agent,
        "requestParameters": {"name": event.resource_id},
    }


def write(place: Path, events: list[AccessEvent]) -> None:
    """Write a log file as it lies in a bucket."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(place, "wt") as file:
        json.dump({"Records": [record_of(event) for event in events]}, file)


@pytest.mark.slow
def test_the_first_ten_minutes(repo: Path, tmp_path: Path) -> None:
    with Served(tmp_path / ".ostiary") as server:
        reader = Reader(tmp_path, repo, server)
        said = read(reader, repo / "docs" / "tutorial" / "first-ten-minutes.md")
        why = next(text for command, text in said.items() if " why " in command)
        verified = next(text for command, text in said.items() if "audit verify" in command)
        assert "role-grant" in why
        assert "proof     verified" in why
        assert "\nverified" in verified


@pytest.mark.slow
def test_your_own_history(repo: Path, tmp_path: Path) -> None:
    history = Organisation(people=8, days=10).history()
    write(tmp_path / "logs" / "one.json.gz", history[:-60])
    write(tmp_path / "today.json.gz", history[-60:])
    asked = {"subject": {"type": "user", "id": history[-1].subject_id}, "action": {"name": "read"}}
    (tmp_path / "request.json").write_text(json.dumps({**asked, "resource": {"type": "document", "id": "handbook"}}))
    with Served(tmp_path / ".ostiary") as server:
        reader = Reader(tmp_path, repo, server)
        said = read(reader, repo / "docs" / "tutorial" / "your-own-history.md")
        scored = next(text for command, text in said.items() if "risk score" in command)
        assert len([line for line in scored.splitlines() if line.startswith("{")]) == 60
        assert "0 rejected" in next(text for command, text in said.items() if "events import" in command)


def test_the_gateway_before_an_application(repo: Path, tmp_path: Path) -> None:
    page = repo / "docs" / "tutorial" / "put-the-gateway-before-your-app.md"
    left = [command for command, _ in typed(page) if not command.startswith((*STARTS, *NOT_HERE))]
    assert left == [], "what is typed there is typed here or says why not"
    for command in typed(page):
        assert shlex.split(command[0])
