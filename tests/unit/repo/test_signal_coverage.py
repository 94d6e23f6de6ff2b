"""The coverage table names features that exist, is honest about the rest, and leaves no detection out."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def coverage(repo: Path) -> Any:
    spec = spec_from_file_location("write_coverage_docs", repo / "tools" / "write_coverage_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_rows_say(coverage: Any) -> None:
    assert coverage.PAGE.read_text() == coverage.page(), "run tools/write_coverage_docs.py"


def test_every_row_names_features_or_says_why_not(coverage: Any) -> None:
    rows = [row for product in coverage.products() for row in product["rows"]]
    assert [fault for row in rows for fault in coverage.faults(row)] == []
    assert len(rows) > 100


def test_every_rule_of_tirreno_and_every_detection_of_entra_has_its_row(coverage: Any) -> None:
    rows = {product["name"]: product["rows"] for product in coverage.products()}
    codes = [code for row in rows["tirreno: core rules"] for code in re.findall(r"[A-Z]\d\d", row["id"])]
    assert len(codes) == len(set(codes)) == 112
    assert len(rows["Entra ID Protection: sign-in detections"]) == 18
    assert len(rows["Entra ID Protection: user detections"]) == 10


@pytest.mark.parametrize(
    "row",
    [
        {"id": "x", "features": ["no_such_feature"]},
        {"id": "x"},
        {"id": "x", "features": ["network_new"], "because": "of both"},
        {"id": "x", "because": "none", "lacks": "some"},
        {"id": "x", "because": "none", "more": 1},
    ],
)
def test_a_faulty_row_is_seen(coverage: Any, row: dict[str, Any]) -> None:
    assert coverage.faults(row)
