"""The page of the session so far is what the code says."""

import runpy
from pathlib import Path


def test_the_page_of_the_session_so_far_is_the_codes_own(repo: Path) -> None:
    tool = runpy.run_path(str(repo / "tools" / "write_session_docs.py"))
    written = (repo / "docs" / "reference" / "session-columns.md").read_text()
    assert written == tool["page"](), "run `python tools/write_session_docs.py`"
