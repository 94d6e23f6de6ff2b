"""The page of log types is the tables themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_the_page_of_log_types_is_the_tables(repo: Path, tool: Callable[[str], Any]) -> None:
    page = (repo / "docs" / "reference" / "log-types.md").read_text()
    assert page == tool("write_log_type_docs").page(), "run tools/write_log_type_docs.py"
