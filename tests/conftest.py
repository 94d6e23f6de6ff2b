"""Fixtures for the whole suite: where shared data lies, and the rule that tests speak to loopback only."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repo() -> Path:
    """The repository's root."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research data and conformance vectors; tests that need it skip where it is absent."""
    place = Path(os.environ.get("OSTIARY_SHARED", REPO.parent / "shared")).resolve()
    if not place.is_dir():
        pytest.skip(f"no shared data at {place}: set OSTIARY_SHARED")
    return place
