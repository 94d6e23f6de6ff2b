"""A repository that answers with other code than the commit that was approved, or with a command of its own."""

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from ostiary.errors import OstiaryError
from ostiary.pipeline.training.staging import code_of, stage_code

APPROVED, EVIL = "print('approved')\n", "print('something else')\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text(APPROVED)
    (folder / "lib" / "deep.py").write_text(APPROVED)
    (folder / "run.sh").write_text("true\n")
    (folder / "run.sh").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "approved")
    return folder


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def staged(folder: Path, commit: str) -> dict[str, str]:
    into = folder.parent / "staged"
    stage_code(code_of(folder, commit), into)
    return {str(path.relative_to(into)): path.read_text() for path in sorted(into.rglob("*")) if path.is_file()}


def forged(folder: Path, name: str, kind: str, content: bytes) -> None:
    """Put other content under an object's name."""
    place = folder / ".git" / "objects" / name[:2] / name[2:]
    place.unlink()
    place.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(content)) + content))


def test_an_honest_commit_is_staged_whole(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert staged(repository, commit) == {"lib/deep.py": APPROVED, "run.sh": "true\n", "train.py": APPROVED}
    assert (repository.parent / "staged" / "run.sh").stat().st_mode & 0o100
    git(repository, "gc", "-q")
    shutil.rmtree(repository.parent / "staged")
    assert staged(repository, commit)["lib/deep.py"] == APPROVED


@pytest.mark.parametrize("what", ["", ":train.py"])
def test_a_replacement_does_not_stand_in_for_what_was_approved(repository: Path, what: str) -> None:
    good = git(repository, "rev-parse", "HEAD")
    (repository / "train.py").write_text(EVIL)
    git(repository, "commit", "-qam", "evil")
    evil = git(repository, "rev-parse", "HEAD")
    git(repository, "replace", git(repository, "rev-parse", good + what), git(repository, "rev-parse", evil + what))
    assert staged(repository, good)["train.py"] == APPROVED


@pytest.mark.parametrize("what", ["", "^{tree}", ":lib", ":train.py", ":lib/deep.py"])
def test_an_object_under_anothers_name_is_refused(repository: Path, what: str) -> None:
    good = git(repository, "rev-parse", "HEAD")
    for path in ("train.py", "lib/deep.py"):
        (repository / path).write_text(EVIL)
    git(repository, "commit", "-qam", "evil")
    name, other = (git(repository, "rev-parse", one + what) for one in (good, "HEAD"))
    kind = git(repository, "cat-file", "-t", other)
    shown = ["git", "-C", str(repository), "cat-file", kind, other]
    forged(repository, name, kind, subprocess.run(shown, capture_output=True, check=True).stdout)
    with pytest.raises(OstiaryError) as no:
        staged(repository, good)
    # git looks at the hash of a commit itself, and of nothing else
    assert no.value.code in {"training_file_refused", "training_commit_unknown"}


def test_a_missing_object_is_not_had_by_a_command_of_the_repository(repository: Path) -> None:
    name = git(repository, "rev-parse", "HEAD:train.py")
    (repository / ".git" / "objects" / name[:2] / name[2:]).unlink()
    ran = repository.parent / "ran"
    for setting, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialclone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::touch {ran}",
        "protocol.ext.allow": "always",
    }.items():
        git(repository, "config", setting, value)
    with pytest.raises(OstiaryError) as no:
        staged(repository, git(repository, "rev-parse", "HEAD"))
    assert no.value.code == "training_commit_unknown"
    assert not ran.exists()
