"""Two workers that all tests of this folder share: they take seconds to start."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """A client of two worker processes."""
    pytest.importorskip("distributed")
    from ostiary.server.history.cluster import cluster  # noqa: PLC0415 - an extra of its own

    with cluster(2) as found:
        yield found
