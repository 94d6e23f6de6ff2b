"""A log over each kind of store, with a clock that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.audit import AuditLog, AuditSettings
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock

OpenLog = Callable[..., AuditLog]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with open_store(tmp_path / "ostiary.db", clock) as opened:
        yield opened


@pytest.fixture
def vault(tmp_path: Path, store: Store) -> SubjectVault:
    return SubjectVault(tmp_path / "keys" / "vault", store)


@pytest.fixture
def ring(tmp_path: Path, clock: FakeClock) -> KeyRing:
    return KeyRing(tmp_path / "keys" / "ring", clock)


@pytest.fixture
def log(store: Store, vault: SubjectVault, ring: KeyRing, clock: FakeClock) -> Iterator[AuditLog]:
    with AuditLog(store, vault, ring, clock, AuditSettings(origin="log.test/ostiary")) as opened:
        yield opened
