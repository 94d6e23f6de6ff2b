"""OPA's own suite for Rego v1, through our binding of OPA: nothing may change without being explained."""

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tool(repo: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("rego_conformance", repo / "tools" / "rego_conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_every_miss_is_documented_and_no_process_dies(tool: ModuleType, shared: Path, repo: Path) -> None:
    outcomes = tool.run(shared)
    ended = Counter(each.ended for each in outcomes)
    assert len(outcomes) == 2067
    assert ended["died"] == ended["late"] == 0
    assert ended["pass"] >= 2040
    missed = sorted(each.note for each in outcomes if each.ended != "pass")
    page = (repo / "docs" / "reference" / "rego-conformance.md").read_text()
    assert missed == tool.documented(page)
    assert "not explained" not in page


def test_a_case_that_kills_its_worker_is_counted_and_the_rest_goes_on(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = tmp_path / "vectors" / "rego"
    vectors.mkdir(parents=True)
    good = {"note": "good", "query": "x = 1", "want_result": [{"x": 1}]}
    join = "x = count([1 | i = numbers.range(1, 20000)[_]; j = numbers.range(1, 20000)[_]; i == j + 40000])"
    late = {"note": "late", "query": join, "want_result": [{"x": 1}]}
    (vectors / "opa-compliance-v1.json.gz").write_bytes(gzip.compress(json.dumps([good, late, good]).encode()))
    monkeypatch.setattr(tool, "LIMIT_S", 2.0)
    assert [each.ended for each in tool.run(tmp_path, workers=1)] == ["pass", "late", "pass"]
