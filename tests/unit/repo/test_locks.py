import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;\\]+)([^\\\n]*)\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.MULTILINE
)
LOCKS = {"run.txt": ("server", "risk"), "dev.txt": ("server", "risk", "dev")}


def pins(lock: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version, _marker, _hashes in PIN.findall(lock.read_text()):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.fixture(scope="module")
def project(repo: Path) -> dict[str, Any]:
    declared: dict[str, Any] = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    return declared


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_satisfies_what_is_declared(repo: Path, project: dict[str, Any], name: str) -> None:
    locked = pins(repo / "requirements" / name)
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *(line for extra in LOCKS[name] for line in extras[extra])]:
        wanted = Requirement(text)
        versions = locked.get(canonicalize_name(wanted.name), set())
        assert versions, f"`{text}` is not in requirements/{name}: run `make lock`"
        assert all(wanted.specifier.contains(version) for version in versions), f"{text}: {versions}"


@pytest.mark.parametrize("name", [*LOCKS, "opa.txt"])
def test_every_line_of_a_lock_is_pinned_by_hash(repo: Path, name: str) -> None:
    text = (repo / "requirements" / name).read_text()
    names = {line.split("==")[0] for line in text.splitlines() if line and line[0] not in "# "}
    assert {pin[0] for pin in PIN.findall(text)} == names
    assert "://" not in text, "a lock names no index: each house has its own"


def test_people_run_what_was_tested(repo: Path) -> None:
    run, dev = (pins(repo / "requirements" / name) for name in ("run.txt", "dev.txt"))
    assert {name: versions for name, versions in run.items() if dev.get(name) != versions} == {}


def test_the_engine_beside_the_lock_is_the_declared_one(repo: Path, project: dict[str, Any]) -> None:
    declared = next(Requirement(text) for text in project["dependencies"] if text.startswith("opa-golib"))
    (version,) = pins(repo / "requirements" / "opa.txt")["opa-golib-python-bindings"]
    assert str(declared.specifier) == f"=={version}"
