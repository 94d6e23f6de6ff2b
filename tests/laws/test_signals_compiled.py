"""Compiled signals are never stale, never needed, and the same to the last bit. Nothing is built here."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.signals import compiled

REPO = Path(__file__).parent.parent.parent
TELL = "from ostiary.signals import compiled, features; print(compiled.PLAIN); print(features.__file__)"
REPLAY = """
import hashlib
from ostiary.signals import compiled, features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.testing.organisation import Organisation
organisation = Organisation(people=10, days=3)
enricher, book = Enricher(organisation.catalogue()), ProfileBook("default", max_open=5)
planned, whole = features.plan(features.NAMES[::7]), hashlib.sha256()
for event in organisation.history():
    event = enricher.enrich(event)
    history = book.view(event)
    whole.update(repr(features.extract(event, history)).encode())
    whole.update(repr(planned(event, history)).encode())
    whole.update(repr([features.describe(event, name, history) for name in features.NAMES[::11]]).encode())
    book.learn(event)
print(bool(compiled.PLAIN), hashlib.sha256(book.snapshot()).hexdigest(), whole.hexdigest())
"""
needs_compiled = pytest.mark.skipif(
    not compiled.PLACE.is_dir(), reason="no compiled modules of these sources: python tools/compile.py"
)


def run(*command: str, chosen: str, root: Path = REPO / "src") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, compiled.VARIABLE: chosen, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, *command], env=environment, cwd=REPO, capture_output=True, text=True, check=False
    )


def lines(*command: str, chosen: str = "1", root: Path = REPO / "src") -> list[str]:
    done = run(*command, chosen=chosen, root=root)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of what signals are made of."""
    whole = tmp_path / "ostiary"
    for name in ("signals", "vocabulary"):
        shutil.copytree(compiled.PACKAGE / name, whole / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "errors.py"):
        shutil.copy(compiled.PACKAGE / name, whole / name)
    return tmp_path


def place_of(root: Path) -> Path:
    return Path(*lines("-c", "from ostiary.signals import compiled; print(compiled.PLACE)", root=root))


def test_what_is_compiled_is_there_and_defines_no_struct() -> None:
    """mypyc erases the annotations that msgspec decodes by: a compiled ``Struct`` would take anything."""
    found = compiled.sources()
    assert len(found) > 90
    for path in found:
        tree = ast.parse((compiled.PACKAGE / path).read_text())
        bases = [ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
        assert not [base for base in bases if base.endswith("Struct")], path


@pytest.mark.parametrize("file", ["signals/tables.py", "signals/profiles.py", "vocabulary/events.py", "errors.py"])
def test_one_changed_byte_and_nothing_compiled_is_used(copy: Path, file: str) -> None:
    before = place_of(copy)
    with (copy / "ostiary" / file).open("a") as text:
        text.write("\n")
    assert place_of(copy).parent == before.parent
    assert place_of(copy) != before


def test_another_file_beside_them_counts_as_a_change(copy: Path) -> None:
    before = place_of(copy)
    (copy / "ostiary/signals/catalogue/zz_new.py").write_text("")
    assert run("-c", "from ostiary.signals import features", chosen="1", root=copy).returncode, "it has no SIGNAL"
    (copy / "ostiary/signals/catalogue/zz_new.py").rename(copy / "ostiary/signals/zz_new.py")
    assert place_of(copy) != before


def test_what_does_not_load_is_left_alone_with_its_reason(copy: Path) -> None:
    place = place_of(copy)
    place.mkdir(parents=True)
    reason, file = lines("-c", TELL, root=copy)
    assert reason.startswith("the compiled modules do not load")
    assert file.endswith("signals/features.py")


def test_the_variable_switches_them_off() -> None:
    reason, file = lines("-c", TELL, chosen="0")
    assert (reason, file.endswith("signals/features.py")) == ("OSTIARY_COMPILED=0", True)


@needs_compiled
def test_they_are_used_where_they_fit() -> None:
    reason, file = lines("-c", TELL)
    assert not reason
    assert file.startswith(str(compiled.PLACE))


@needs_compiled
def test_compiled_and_plain_say_the_same_to_the_last_bit() -> None:
    """Every feature, a plan of some, words, and the whole book that was learned, packed profiles among them."""
    (plain,), (fast,) = lines("-c", REPLAY, chosen="0"), lines("-c", REPLAY)
    assert plain.split()[0] == "True"
    assert fast.split()[0] == "False"
    assert fast.split()[1:] == plain.split()[1:]


@needs_compiled
def test_the_golden_features_and_the_laws_hold_compiled() -> None:
    """Odd events above all: compiled code checks types where plain Python does not look."""
    tests = ["tests/unit/signals/test_features_golden.py", "tests/laws/test_signals_catalogue.py"]
    chosen = ["-k", "said or pure_and_total or plan", "-q", "-p", "no:cacheprovider"]
    done = run("-m", "pytest", *tests, *chosen, chosen="1")
    assert done.returncode == 0, done.stdout[-2_000:]
    assert " passed" in done.stdout
