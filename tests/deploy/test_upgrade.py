"""A data directory of an older version is taken over, and the older code meets what the newer one left. Nightly."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

NIGHTLY = os.environ.get("OSTIARY_NIGHTLY") == "true"


@pytest.fixture
def tool(repo: Path) -> Any:
    spec = importlib.util.spec_from_file_location("upgrade", repo / "tools" / "upgrade.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.skipif(not NIGHTLY, reason="ten seconds of processor time: OSTIARY_NIGHTLY=true, or `just upgrade`")
@pytest.mark.slow
def test_an_older_data_directory_is_taken_over(tool: Any) -> None:
    try:
        told = tool.upgrade(tool.DEFAULT)
    except LookupError as fault:
        pytest.skip(f"the history does not reach back that far: {fault}")
    assert told["after"] >= told["made"] + 20


def test_a_commit_that_is_not_there_is_said_to_be_missing(tool: Any, tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        tool.unpack("0" * 40, tmp_path)
