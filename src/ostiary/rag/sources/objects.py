"""Files at a commit, out of a repository's objects; nothing is checked out, no hook, filter or configuration runs.

``git`` gets an environment of our own words, a folder that is named to it, and literal paths.
"""

import subprocess
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import UnavailableError

TIMEOUT_S: Final = 30
MAX_FILES: Final = 100_000
MAX_BYTES: Final = 1 << 20
_AWAY: Final = "source_unavailable"
_ENVIRON: Final = {
    "PATH": "/usr/bin:/bin:/usr/local/bin",
    "LC_ALL": "C",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # an older git would fetch what a partial clone lacks, by a command of its config
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}
_BLOB: Final = frozenset({"100644", "100755"})  # neither links nor other repositories


class Blob(msgspec.Struct, frozen=True):
    """A file's name and the id of what it holds."""

    path: str
    id: str


class Objects:
    """One repository's objects."""

    def __init__(self, git_dir: Path) -> None:
        """Take where they are."""
        self._git_dir = git_dir

    def commit(self, at: str) -> str:
        """Return the commit that a ref means now.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        return (
            self._git("rev-parse", "--verify", "--quiet", "--end-of-options", at + "^{commit}").decode("ascii").strip()
        )

    def files(self, commit: str) -> list[Blob]:
        """Return the files of a commit, those whose names are UTF-8."""
        found = []
        for entry in self._git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
            head, _, path = entry.partition(b"\t")
            mode, _, rest = head.decode("ascii").partition(" ")
            if mode in _BLOB and _is_text(path):
                found.append(Blob(path.decode("utf-8"), rest.partition(" ")[2]))
        if len(found) > MAX_FILES:
            raise UnavailableError(_AWAY, f"the commit has more than {MAX_FILES} files")
        return found

    def text(self, blob: str) -> str | None:
        """Return what a file holds, or ``None`` when it is too long or no UTF-8."""
        if int(self._git("cat-file", "-s", blob)) > MAX_BYTES:
            return None
        try:
            return self._git("cat-file", "blob", blob).decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "--literal-pathspecs", "-c", f"safe.directory={self._git_dir}"]
        command += [f"--git-dir={self._git_dir}", *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - a program of ours, arguments that were checked
                command, env=_ENVIRON, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise UnavailableError(_AWAY, "git cannot be run") from fault
        if done.returncode:
            raise UnavailableError(_AWAY, "the repository cannot be read")
        return done.stdout


def _is_text(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
