"""A folder that every account may enter: pytest's own are root's alone, and a way that is closed closes its files."""

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="ostiary-rag-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)
