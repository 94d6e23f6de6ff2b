"""What the repository's own tests look at: its files, without the folders that tools make."""

import ast
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MADE_BY_TOOLS = {"build", "dist", "site", "node_modules", "__pycache__"}


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Yield the files below ``root`` that end in one of ``suffixes``, without hidden and generated folders."""
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(".") or entry.name in MADE_BY_TOOLS:
            continue
        if entry.is_dir():
            yield from files(entry, *suffixes)
        elif entry.suffix in suffixes:
            yield entry


@pytest.fixture(scope="session")
def sources(repo: Path) -> list[Path]:
    """All files that people write as code."""
    return list(files(repo, ".py", ".rego", ".sql", ".sh", ".toml", ".yaml", ".yml"))


@pytest.fixture(scope="session")
def modules(repo: Path) -> list[Path]:
    """All modules of the product."""
    return [*files(repo / "src", ".py"), *files(repo / "sdk" / "src", ".py")]


@pytest.fixture(scope="session")
def trees(modules: list[Path]) -> dict[Path, ast.Module]:
    """All modules of the product, parsed once for whoever looks at their syntax."""
    return {path: ast.parse(path.read_text()) for path in modules}


@pytest.fixture(scope="session")
def pages(repo: Path) -> list[Path]:
    """All pages that people read."""
    return list(files(repo, ".md"))


@pytest.fixture(scope="session")
def tool(repo: Path) -> Callable[[str], Any]:
    """Loads a program of the folder `tools` by its name."""

    def loaded(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(name, repo / "tools" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded
