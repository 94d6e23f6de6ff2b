"""Attacks on histories that many machines work on: whose events a worker remembers, journals of other runs, links."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("distributed")

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import KeyRing
from ostiary.risk.source import Source
from ostiary.server.history import parts, replaying, rounds
from ostiary.server.history.parts import LIST, Listed, digest_of, export, list_of, seal
from ostiary.server.history.passes import Written
from ostiary.server.history.replaying import JOURNAL, Journal, replay_history, run_of
from ostiary.server.history.shelf import Shelf
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent

EVENT = AccessEvent("e", "default", 1, "ann", "read", "file", "f")


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys", SystemClock())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(str(tmp_path / "lake"))


@pytest.fixture
def listed(shelf: Shelf, ring: KeyRing) -> Listed:
    return export(shelf, ring, "default", [EVENT], lambda: Source("test", "0" * 64, 1))


def whose(events: str) -> Any:
    return lambda number: f"{events} {number}"


def test_a_worker_trains_on_nobody_elses_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of a scheduler live on: the next training of another tenant had the events of the one before."""
    client: Any = SimpleNamespace(scatter=lambda told, **_how: told)
    monkeypatch.setattr(rounds, "in_turn", lambda _, work, asks: enumerate(work(*ask) for ask in asks))
    assert list(rounds.spread_over(client)(whose, ["of acme"], 2)) == ["of acme 0", "of acme 1"]
    assert list(rounds.spread_over(client)(whose, ["of rival"], 2)) == ["of rival 0", "of rival 1"]


def test_a_journal_of_another_run_is_none_of_this_one(
    shelf: Shelf, ring: KeyRing, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by the same key for the same history, but with another catalogue of signals, of an older version."""
    monkeypatch.setattr(replaying, "finished", lambda _client, futures: iter(futures))
    old, run = "runs/of-an-older-version", run_of(listed)
    kept = [Written(f"{old}/books/before-{number:05}.bin", "sha256:" + "0" * 64) for number in (0, 1)]
    told = Written(f"{old}/features/part-00000.parquet", "sha256:" + "0" * 64, 1)
    journal = Journal(digest_of(listed), old, dict(enumerate(kept)), {0: told})
    shelf.write(f"{run}/{JOURNAL}", seal(ring, "default", journal))
    with pytest.raises(VerificationError) as no:
        replay_history(shelf, ring, "default", SimpleNamespace())  # type: ignore[arg-type]
    assert no.value.code == "history_untrusted"


def test_a_link_in_a_folder_of_all_leads_nowhere(shelf: Shelf, ring: KeyRing, tmp_path: Path) -> None:
    """Drafts had names that everybody knows: whoever could write there made us write over a file of ours."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "lake"
    (folder / "events").mkdir(parents=True)
    for name in ("events/part-00000.parquet", "history.json"):
        (folder / f"{name}.draft").symlink_to(precious)
        (folder / name).symlink_to(precious)
    export(shelf, ring, "default", [EVENT], lambda: Source("test", "0" * 64, 1))
    assert precious.read_text() == "mine"
    assert list_of(shelf, ring, "default").events == 1
    assert not [each for each in folder.rglob("*.draft") if not each.is_symlink()]


def test_a_list_that_nobody_signed_is_not_read_to_its_end(
    shelf: Shelf, ring: KeyRing, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MOST_LIST", 4_096)
    assert list_of(shelf, ring, "default") == listed
    shelf.write(LIST, b" " * 5_000)
    with pytest.raises(FaultyInputError) as no:
        list_of(shelf, ring, "default")
    assert no.value.code == "history_too_large"
