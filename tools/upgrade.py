"""Upgrades a data directory of an older commit, and goes back: ``python tools/upgrade.py [COMMIT]``, one JSON object.

1. The older code (``git archive`` into a temporary folder; nothing is checked out) makes a data directory and decides.
2. This code verifies that log against what the older code remembered of it, opens the directory, and decides.
3. The older code runs on what this code left: it decides where no migration came between, and else refuses by name and
   writes nothing.
4. This code verifies the whole log once more, as a continuation.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

REPO: Final = Path(__file__).resolve().parent.parent
DEFAULT: Final = "5e9969b2"  # the last commit before tables stood over more than one database (ADR-0067)
QUESTIONS: Final = "".join(
    json.dumps(
        {
            "subject": {"type": "user", "id": f"u{number}"},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "handbook"},
        }
    )
    + "\n"
    for number in range(20)
)


def unpack(commit: str, folder: Path) -> None:
    """Write the sources of a commit below ``folder``; raises ``LookupError`` where the history does not reach it."""
    found = subprocess.run(["git", "archive", commit], cwd=REPO, check=False, capture_output=True)  # noqa: S603, S607
    if found.returncode:
        raise LookupError(found.stderr.decode().strip())
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")


class Code:
    """One version of the sources, and the data directory that both work on."""

    def __init__(self, root: Path, data: Path, state: Path) -> None:
        """Run what lies in ``root``."""
        paths = os.pathsep.join([str(root / "src"), str(root / "sdk" / "src")])
        own = {"PYTHONPATH": paths, "OSTIARY_DATA": str(data), "XDG_STATE_HOME": str(state)}
        self._environment = {**os.environ, **own}
        self._root = root

    def run(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        """Run one command; return exit code, answer, complaints."""
        command = [sys.executable, "-m", "ostiary.cli", *words]
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=self._root, env=self._environment, input=stdin, capture_output=True, check=False, text=True
        )
        return done.returncode, done.stdout, done.stderr

    def decide(self) -> tuple[int, int, str]:
        """Ask twenty questions; return exit code, how many were answered, complaints."""
        code, answer, complaints = self.run("decide", "--jsonl", stdin=QUESTIONS)
        return code, sum('"decision"' in line for line in answer.splitlines()), complaints

    def verify(self) -> dict[str, Any]:
        """Verify the log against what was remembered, and remember it."""
        code, answer, complaints = self.run("audit", "verify", "--json")
        told: dict[str, Any] = json.loads(answer) if answer else {"verified": False, "notes": complaints}
        return {"code": code, **{name: told.get(name) for name in ("verified", "size", "remembered_size", "first_use")}}


def upgrade(commit: str) -> dict[str, Any]:
    """Go through the four steps; raises ``AssertionError`` where one does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        unpack(commit, home / "old")
        data, state = home / "data", home / "state"
        old, new = Code(home / "old", data, state), Code(REPO, data, state)
        first = old.decide()
        assert first[:2] == (0, 20), first
        before = old.verify()
        assert before["verified"], before
        upgraded = new.verify()
        assert upgraded["verified"], upgraded
        assert upgraded["remembered_size"] == before["size"], upgraded
        second = new.decide()
        assert second[:2] == (0, 20), second
        back = old.decide()
        refused = "schema_refused" in back[2]
        assert refused or back[:2] == (0, 20), back
        after = new.verify()
        grown = 20 if refused else 40
        assert after["verified"], after
        assert after["size"] >= before["size"] + grown, after
        return {
            "commit": commit,
            "made": before["size"],
            "after": after["size"],
            "old_code_on_new_schema": "refused by name, nothing written" if refused else "decides",
        }


if __name__ == "__main__":
    print(json.dumps(upgrade(*(sys.argv[1:2] or [DEFAULT])), indent=1))
