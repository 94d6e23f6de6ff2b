"""What the log says could be loaded at a moment is what could be loaded then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.pipeline.registry.history import live_at
from ostiary.pipeline.registry.journal import event_of
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore
from ostiary.testing.model_book import MemoryModelBook
from ostiary.testing.model_scene import DAY_NS, NAME, PROMOTER, STAGE, TENANT, FakeInspector, ModelScene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ModelScene]:
    clock, store = FakeClock(), MemoryStore()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        yield ModelScene(log, MemoryModelBook(store), clock, tmp_path)


def loadable(scene: ModelScene) -> bool:
    return live_at(scene.log, TENANT, NAME, STAGE, scene.clock.now_ns()).loadable


def test_after_the_signers_own_end_nothing_was_loadable(scene: ModelScene) -> None:
    assert isinstance(scene.inspector, FakeInspector)
    assert isinstance(scene.clock, FakeClock)
    scene.inspector.not_after_ns = scene.clock.now_ns() + DAY_NS
    scene.promote(scene.register())
    assert loadable(scene)
    scene.clock.advance(86_400)
    with pytest.raises(RefusedError, match="past the end"):
        scene.load()
    assert not loadable(scene)


def test_an_approval_that_was_taken_back_under_another_models_name_is_taken_back(scene: ModelScene) -> None:
    scene.promote(scene.register())
    found = [event_of(one) for one in scene.log.iterate(TENANT, "model")]
    approval = next(one.approval for one in found if one is not None and one.action == "promote")
    scene.warden.revoke(TENANT, "another", approval, PROMOTER, "")
    with pytest.raises(RefusedError, match="revoked"):
        scene.load()
    assert not loadable(scene)
