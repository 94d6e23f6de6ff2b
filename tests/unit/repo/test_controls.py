"""The page of controls names tests that are there, and is as its source says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def controls(tool: Callable[[str], Any]) -> Any:
    return tool("write_control_docs")


def test_every_test_that_is_named_is_there(repo: Path, controls: Any) -> None:
    named = controls.shown()
    assert len(named) >= 50
    assert [one for one in named if not (repo / one).is_file()] == []


def test_every_control_says_what_is_done_and_shown(controls: Any) -> None:
    items = [item for framework in controls.frameworks() for item in framework["items"]]
    assert len({item["id"] for item in items}) == len(items) >= 35
    for item in items:
        assert item["does"].strip(), item["id"]
        assert item["shown"], item["id"]


def test_the_page_is_fresh(controls: Any) -> None:
    assert controls.PAGE.read_text() == controls.page(), "run tools/write_control_docs.py"
