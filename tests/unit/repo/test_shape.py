import ast
import re
from pathlib import Path

MARKER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|Not" r"ImplementedError")
LONGEST_FUNCTION = 60
LONGEST_MODULE = 350


def test_nothing_is_marked_as_unfinished(repo: Path, sources: list[Path]) -> None:
    found = [
        f"{path.relative_to(repo)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MARKER.search(line)
    ]
    assert found == []


def test_every_module_says_what_it_is(repo: Path, trees: dict[Path, ast.Module]) -> None:
    silent = [
        str(path.relative_to(repo)) for path, tree in trees.items() if len((ast.get_docstring(tree) or "").split()) < 4
    ]
    assert silent == []


def test_no_exception_is_swallowed(repo: Path, trees: dict[Path, ast.Module]) -> None:
    found = [
        f"{path.relative_to(repo)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and all(_does_nothing(line) for line in node.body)
    ]
    assert found == []


def test_functions_and_modules_stay_readable(repo: Path, trees: dict[Path, ast.Module]) -> None:
    long_functions = [
        f"{path.relative_to(repo)}:{node.lineno} {node.name}: {_length(node)} lines"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > LONGEST_FUNCTION
    ]
    long_modules = [
        str(path.relative_to(repo)) for path in trees if len(path.read_text().splitlines()) > LONGEST_MODULE
    ]
    assert (long_functions, long_modules) == ([], [])


def _does_nothing(line: ast.stmt) -> bool:
    return isinstance(line, ast.Pass) or (
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...
    )


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
