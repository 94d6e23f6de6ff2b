"""Runs the ``test_*`` rules of a bundle, as ``opa test`` does, and counts which lines they touch.

- A test passes when it is ``true``, or an object or array (cases of one test) whose values are all ``true``.
- Undefined or anything else fails; an evaluation error is an error of that test alone.
- Runs in the sandbox: policy that nobody has tried yet must not run in the deciding process.

>>> report = run_tests(Bundle.of({"a_test.rego": '''package a_test
... test_sum if 1 + 1 == 2
... test_wrong if 1 + 1 == 3'''}))
>>> [(each.name, each.outcome) for each in report.tests]
[('test_sum', 'pass'), ('test_wrong', 'fail')]
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ostiary.policy.bundle import Bundle
from ostiary.policy.opa_library import OpaInstance, load_library
from ostiary.policy.rego_tree import Module, Parser

_PREFIX = "test_"


class TestResult(msgspec.Struct, frozen=True):
    """How one test ended: ``pass``, ``fail`` or ``error`` (then ``text`` says which)."""

    __test__ = False  # not one of pytest's own

    package: str
    name: str
    outcome: str
    file: str
    line: int
    text: str = ""


class TestReport(msgspec.Struct, frozen=True):
    """All tests of a bundle; ``coverage`` is the share of live lines that they touch, in percent, by file."""

    __test__ = False

    tests: list[TestResult] = []
    coverage: dict[str, float] = {}

    @property
    def failed(self) -> list[TestResult]:
        """Return the tests that did not pass."""
        return [each for each in self.tests if each.outcome != "pass"]


class _Place(msgspec.Struct):
    row: int


class _Range(msgspec.Struct):
    start: _Place
    end: _Place


class _FileCoverage(msgspec.Struct):
    covered: list[_Range] | None = None
    not_covered: list[_Range] | None = None


class _Coverage(msgspec.Struct):
    files: dict[str, _FileCoverage] = {}


class _Envelope(msgspec.Struct):
    result: list[dict[str, Any]] | None = None
    error: dict[str, str] | None = None
    coverage: _Coverage | None = None

    def value(self) -> Any:
        return self.result[0]["expressions"][0]["value"] if self.result else None


class _Lines:
    """Lines that any evaluation touched, and lines that could be."""

    def __init__(self) -> None:
        self.covered: dict[str, set[int]] = {}
        self.known: dict[str, set[int]] = {}

    def add(self, coverage: _Coverage | None) -> None:
        for path, each in (coverage.files if coverage else {}).items():
            covered = set(_rows(each.covered))
            self.covered.setdefault(path, set()).update(covered)
            self.known.setdefault(path, set()).update(covered, _rows(each.not_covered))

    def percent(self, paths: Iterator[str]) -> dict[str, float]:
        return {
            path: round(100 * len(self.covered[path]) / len(self.known[path]), 1)
            for path in paths
            if self.known.get(path)
        }


def run_tests(bundle: Bundle) -> TestReport:
    """Run every test of ``bundle``. It must have passed `lint`; run it in the sandbox.

    Raises:
        FaultyInputError: the bundle does not parse or compile.
    """
    parser = Parser()
    try:
        modules = [parser.parse(path, text) for path, text in bundle.all_sources.items()]
    finally:
        parser.close()
    packages: dict[tuple[str, ...], dict[str, str]] = {}
    for module in modules:
        for name in _tests_of(module):
            packages.setdefault(module.package, {}).setdefault(name, module.path)
    lines = _Lines()
    tests: list[TestResult] = []
    with load_library().new_engine() as opa:
        for path, text in bundle.all_sources.items():
            opa.add_policy(path, text)
        opa.add_data(bundle.all_data)
        for package, names in sorted(packages.items()):
            tests += _run_package(opa, package, names, bundle, lines)
    return TestReport(tests, lines.percent(iter(bundle.live_sources)))


def document_path(steps: tuple[str, ...]) -> bytes:
    """Return the path of a document below ``data``, each step quoted where it must be."""
    head, *rest = steps
    return (head + "".join(f"[{msgspec.json.encode(step).decode()}]" for step in rest)).encode()


def _tests_of(module: Module) -> list[str]:
    return list(dict.fromkeys(rule.name for rule in module.rules if rule.name.startswith(_PREFIX)))


def _run_package(
    opa: OpaInstance, package: tuple[str, ...], names: dict[str, str], bundle: Bundle, lines: _Lines
) -> Iterator[TestResult]:
    # The whole package in one evaluation; only when that errs is each test asked alone.
    answer = _evaluate(opa, package, lines)
    value = answer.value()
    values = value if isinstance(value, dict) else {}
    for name, file in names.items():
        fault = ""
        if answer.error is not None:
            alone = _evaluate(opa, (*package, name), lines)
            values[name] = alone.value()
            fault = (alone.error or {}).get("message", "")
        outcome = "error" if fault else "pass" if _passed(values.get(name)) else "fail"
        line = _line_of(bundle.all_sources[file], name)
        yield TestResult(".".join(package), name, outcome, file, line, fault[:500])


def _evaluate(opa: OpaInstance, steps: tuple[str, ...], lines: _Lines) -> _Envelope:
    answer = msgspec.json.decode(opa.evaluate(document_path(steps), b"{}", coverage=True), type=_Envelope)
    lines.add(answer.coverage)
    return answer


def _passed(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(_passed(each) for each in value.values())
    if isinstance(value, list):
        return bool(value) and all(_passed(each) for each in value)
    return value is True


def _rows(ranges: list[_Range] | None) -> Iterator[int]:
    for each in ranges or ():
        yield from range(each.start.row, each.end.row + 1)


def _line_of(source: str, name: str) -> int:
    return next((number for number, text in enumerate(source.split("\n"), 1) if text.startswith(name)), 1)
