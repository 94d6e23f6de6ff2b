"""The files of a run on the host: a private folder with its code and its data, gone when the run is over.

- Code is a commit, its files written out as git stores them: nothing that lies beside it, no history, no filter or hook
  of the repository, no links. Every object is hashed here (``commits``), for a repository can answer with others than
  are asked for. A folder that is no repository is copied, hidden files and links left out, and has no commit to show.
- Data is what the dataset's signed manifest lists, compared while it is written. What the source becomes afterwards
  does not matter: the run reads this copy. (So there is no token in a sandbox that could be carried out of it, and no
  door that it must be let through to.)
- Only plain files and folders; the run's user may read them and nobody may write them.
"""

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.training.bubblewrap import WORKSPACE
from ostiary.pipeline.training.commits import CODE_TOO_LARGE, files_of_commit, resolve_commit
from ostiary.pipeline.training.environment import Mount, check_folder
from ostiary.pipeline.training.limits import MIB

DATA: Final = "/data"
_MAX_CODE: Final = 256 * MIB
_MAX_FILES: Final = 20_000


class Code(msgspec.Struct, frozen=True):
    """Where code comes from, and which commit it is; empty when it is none."""

    folder: Path
    commit: str


def code_of(folder: Path, revision: str = "") -> Code:
    """Return the code in a folder: the commit ``revision`` (by default ``HEAD``) when it is in a repository.

    Raises:
        FaultyInputError: ``training_commit_unknown``, ``training_mount_invalid``.
    """
    place = check_folder(folder)
    if not (place / ".git").exists():
        if revision:
            raise FaultyInputError("training_commit_unknown", f"`{folder}` is no repository, so it has no commit")
        return Code(place, "")
    if revision.startswith("-"):
        raise FaultyInputError("training_commit_unknown", f"`{revision[:80]}` is no commit")
    return Code(place, resolve_commit(place, revision or "HEAD"))


@contextmanager
def staging(base: Path | None = None) -> Iterator[Path]:
    """Yield a private folder; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"ostiary-run-{secrets.token_hex(4)}-", dir=base))
    try:
        yield folder
    finally:
        for place in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
            place.chmod(0o700)
        shutil.rmtree(folder)


def stage_code(code: Code, into: Path) -> Mount:
    """Write the code into ``into``, and return how it is shown."""
    into.mkdir()
    if code.commit:
        _write_commit(code, into)
    else:
        _copy(code.folder, into)
    return Mount(str(into), WORKSPACE)


def data_mount(name: str, folder: Path) -> Mount:
    """Return how a dataset is shown."""
    return Mount(str(folder), f"{DATA}/{name}")


def hand_over(folder: Path, user: int) -> None:
    """Let the run's user read everything below a folder, and let nobody write it."""
    own = user == os.getuid()
    for place in (folder, *folder.rglob("*")):
        told = place.lstat()
        if stat.S_ISDIR(told.st_mode):
            mode = 0o500
        elif stat.S_ISREG(told.st_mode):
            mode = 0o500 if told.st_mode & stat.S_IXUSR else 0o400
        else:
            raise RefusedError("training_file_refused", f"`{place.name[:80]}` is no plain file")
        place.chmod(mode)
        if not own:
            os.chown(place, user, user, follow_symlinks=False)


def place_of(folder: Path, name: str) -> Path:
    """Return where a file of this name is written below a folder.

    Raises:
        RefusedError: ``training_file_refused``: the name leads elsewhere.
    """
    path = PurePosixPath(name)
    wrong = not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name
    if wrong or str(path) != name:
        raise RefusedError("training_file_refused", f"`{name[:80]}` is no name of a file")
    return folder.joinpath(*path.parts)


def _write_commit(code: Code, into: Path) -> None:
    """Write a commit's files as they are stored: no filter, hook or attribute of the repository has a say."""
    for name, executable, data in files_of_commit(code.folder, code.commit, max_bytes=_MAX_CODE, max_files=_MAX_FILES):
        place = place_of(into, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(data)
        place.chmod(0o700 if executable else 0o600)


def _copy(folder: Path, into: Path) -> None:
    total = 0
    for number, (root, folders, names) in enumerate(os.walk(folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        place = into / Path(root).relative_to(folder)
        place.mkdir(exist_ok=True)
        for name in names:
            source = Path(root, name)
            if name.startswith(".") or not stat.S_ISREG(source.lstat().st_mode):
                continue
            total += source.lstat().st_size
            if total > _MAX_CODE or number > _MAX_FILES:
                raise _too_much()
            shutil.copyfile(source, place / name, follow_symlinks=False)


def _too_much() -> FaultyInputError:
    return FaultyInputError(CODE_TOO_LARGE, f"the code is more than {_MAX_CODE // MIB} MiB or too many files")
