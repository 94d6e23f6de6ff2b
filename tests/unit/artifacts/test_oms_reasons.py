"""Every reason to refuse a model is on its page, and every one can really happen."""

import re
from pathlib import Path

from ostiary.artifacts.oms.refusing import REASONS


def test_the_page_lists_every_reason(repo: Path) -> None:
    page = (repo / "docs" / "reference" / "model-bundles.md").read_text()
    listed = dict(re.findall(r"^\| `(artifact_\w+)` \| (.+) \|$", page, re.MULTILINE))
    assert listed == REASONS


def test_every_reason_is_used_and_tried(repo: Path) -> None:
    rooms = "".join(path.read_text() for path in (repo / "src/ostiary/artifacts/oms").rglob("*.py"))
    tests = "".join(path.read_text() for path in (repo / "tests").rglob("test_*.py"))
    for code in REASONS:
        assert rooms.count(f'"{code}"') > 1, f"{code} is never raised"
        assert f'"{code}"' in tests, f"{code} is in no test"
