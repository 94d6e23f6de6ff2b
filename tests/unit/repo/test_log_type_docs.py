"""The page of log types is the tables themselves."""

import importlib.util
from pathlib import Path


def test_the_page_of_log_types_is_the_tables(repo: Path) -> None:
    spec = importlib.util.spec_from_file_location("write_log_type_docs", repo / "tools" / "write_log_type_docs.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = (repo / "docs" / "reference" / "log-types.md").read_text()
    assert page == tool.page(), "run tools/write_log_type_docs.py"
