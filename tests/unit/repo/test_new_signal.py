import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def tool(repo: Path, name: str) -> ModuleType:
    spec = spec_from_file_location(name, repo / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_new_signal_passes_its_own_test_and_the_laws_of_all_signals(repo: Path, tmp_path: Path) -> None:
    shutil.copytree(repo / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(repo / "tests" / "laws", tmp_path / "tests" / "laws", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repo / "tests" / "conftest.py", tmp_path / "tests")
    shutil.copy(repo / "pyproject.toml", tmp_path)
    written = tool(repo, "new_signal").write("scaffold_check", tmp_path)
    laws = [str(path) for path in (tmp_path / "tests" / "laws").glob("test_signals_catalogue*.py")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/signals", *laws]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    lint = [sys.executable, "-m", "ruff", "check", "--no-cache", *(path for path in written if path.endswith(".py"))]
    checked = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["", "Loud", "two words", "../escape", "a" * 41, "trailing_", "1st"])
def test_a_faulty_name_is_refused(repo: Path, tmp_path: Path, name: str) -> None:
    assert "is no name for a signal" in tool(repo, "new_signal").fault_of(name, tmp_path)


def test_nothing_is_overwritten(repo: Path, tmp_path: Path) -> None:
    scaffold = tool(repo, "new_signal")
    scaffold.write("quiet_hours", tmp_path)
    assert "is already there" in scaffold.fault_of("quiet_hours", tmp_path)


def test_the_page_of_signals_is_the_catalogue(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "signals.md").read_text()
    assert page == tool(repo, "write_signal_docs").page(), "run tools/write_signal_docs.py"
