"""The room of approvals over memory, with its people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.audit import AuditLog
from ostiary.keys import KeyRing, SubjectVault
from ostiary.testing.approval_book import MemoryApprovalBook
from ostiary.testing.approval_scene import ApprovalScene
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scene(tmp_path: Path, clock: FakeClock) -> Iterator[ApprovalScene]:
    store = MemoryStore()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        yield ApprovalScene(log, MemoryApprovalBook(store), clock)
