"""The files of a git commit, each proven by the commit's own name.

A repository is not believed: it may be the work of whoever wants to run something else under an approved commit. So

1. replacements (``refs/replace``) are not followed, and nothing is fetched that is missing, whatever its settings say:
   a "promisor" is a command of the repository's choice;
2. every object is hashed here, from the commit down to each file: git reads what lies under a name without doing so.
"""

import hashlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError

COMMIT_UNKNOWN: Final = "training_commit_unknown"
CODE_TOO_LARGE: Final = "training_code_too_large"
FILE_REFUSED: Final = "training_file_refused"
_GIT_S: Final = 60
_MAX_DEPTH: Final = 64
_MAX_TREES: Final = 16 << 20  # of one level: a tree may be listed a thousand times in a thousand trees
_HEAD: Final = 3
_CALM: Final = ("--no-pager", "--no-replace-objects", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
# GIT_ALLOW_PROTOCOL wins over every `protocol.*.allow` of the repository; a name that is no protocol allows none.
_ALONE: Final = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
_FOLDER, _EXECUTABLE = b"40000", b"100755"
_FILES: Final = (b"100644", b"100664", _EXECUTABLE)
_HASHES: Final = {40: "sha1", 64: "sha256"}
Named = tuple[bytes, str, str]


def resolve_commit(folder: Path, revision: str) -> str:
    """Return the name of a commit.

    Raises:
        FaultyInputError: ``training_commit_unknown``.
    """
    return _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode("ascii").strip()


def files_of_commit(folder: Path, commit: str, *, max_bytes: int, max_files: int) -> Iterator[tuple[str, bool, bytes]]:
    """Yield name, whether it is executable, and content of each plain file; links and submodules are left out.

    Raises:
        FaultyInputError: ``training_commit_unknown``, ``training_code_too_large``.
        RefusedError: ``training_file_refused``: an object is not the one that its name says.
    """
    head = _read(folder, "commit", [commit], _MAX_TREES)[0].partition(b"\n")[0].split()
    if len(head) != 2 or head[0] != b"tree":  # noqa: PLR2004 - the word and the name
        raise _wrong()
    found: list[Named] = []
    level = [("", head[1].decode("ascii", "replace"))]
    for _ in range(_MAX_DEPTH):
        trees = _read(folder, "tree", [sha for _, sha in level], _MAX_TREES)
        entries = [one for (below, sha), tree in zip(level, trees, strict=True) for one in _entries(tree, below, sha)]
        found += [one for one in entries if one[0] in _FILES]
        level = [(name, sha) for mode, name, sha in entries if mode == _FOLDER]
        if len(found) + len(level) > max_files:
            raise FaultyInputError(CODE_TOO_LARGE, f"the code has more than {max_files} files")
    if level:
        raise FaultyInputError(CODE_TOO_LARGE, f"the code's folders are more than {_MAX_DEPTH} deep")
    contents = _read(folder, "blob", [sha for _, _, sha in found], max_bytes)
    for (mode, name, _), data in zip(found, contents, strict=True):
        yield name, mode == _EXECUTABLE, data


def _entries(tree: bytes, below: str, sha: str) -> Iterator[Named]:
    """Yield mode, whole name and object of each entry (gitformat: ``mode SP name NUL object``)."""
    left, width = tree, len(sha) // 2
    while left:
        head, _, rest = left.partition(b"\0")
        mode, _, name = head.partition(b" ")
        if not name or b"/" in name or len(rest) < width:
            raise _wrong()
        text = name.decode("utf-8", "surrogateescape")
        yield mode, f"{below}/{text}" if below else text, rest[:width].hex()
        left = rest[width:]


def _read(folder: Path, kind: str, names: list[str], max_bytes: int) -> list[bytes]:
    """Return objects, each hashed; their sizes are asked for first."""
    if not names:
        return []
    told = "\n".join(names).encode() + b"\n"
    sizes = _git(folder, "cat-file", "--batch-check=%(objecttype) %(objectsize)", told=told).splitlines()
    if len(sizes) != len(names) or any(not line.startswith(f"{kind} ".encode()) for line in sizes):
        raise FaultyInputError(COMMIT_UNKNOWN, f"`{folder}` lacks an object of the commit")
    if sum(int(line.split()[1]) for line in sizes) > max_bytes:
        raise FaultyInputError(CODE_TOO_LARGE, f"the code is more than {max_bytes >> 20} MiB")
    data = io.BytesIO(_git(folder, "cat-file", "--batch", told=told))
    return [_object(data, kind, name) for name in names]


def _object(data: io.BytesIO, kind: str, name: str) -> bytes:
    head = data.readline().split()
    if len(head) != _HEAD or head[:2] != [name.encode(), kind.encode()] or len(name) not in _HASHES:
        raise _wrong()
    content = data.read(int(head[2]))
    data.read(1)
    told = hashlib.new(_HASHES[len(name)], b"%s %d\0" % (kind.encode(), len(content)), usedforsecurity=False)
    told.update(content)
    if told.hexdigest() != name:
        raise _wrong()
    return content


def _git(folder: Path, *arguments: str, told: bytes = b"") -> bytes:
    command = ["git", *_CALM, "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, input=told, capture_output=True, timeout=_GIT_S, check=False, env={**os.environ, **_ALONE}
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise UnavailableError("training_git_failed", "git cannot be run") from fault
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        raise FaultyInputError(COMMIT_UNKNOWN, f"git finds no such commit in `{folder}`: {why}")
    return done.stdout


def _wrong() -> RefusedError:
    return RefusedError(FILE_REFUSED, "an object of the repository is not the one that the commit names")
