"""Bounds of uploads into the registry hold over a restart, and at two processes that share a folder."""

import threading
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.registry import staging as module
from ostiary.pipeline.registry.staging import Incoming, Staging, StagingLimits

LIMITS = StagingLimits(max_bytes=1_000, max_files=3, max_uploads=2)


def doors(root: Path) -> tuple[Staging, Staging]:
    return Staging(root, LIMITS, lambda: 10**18), Staging(root, LIMITS, lambda: 10**18)


def fill(door: Staging, upload: str, path: str, size: int) -> Incoming:
    incoming = door.incoming("acme", upload, "m", "ada", path)
    try:
        incoming.feed(bytes(size))
    except FaultyInputError:
        incoming.drop()
        raise
    return incoming


def test_a_restart_gives_nobody_more(tmp_path: Path) -> None:
    before, after = doors(tmp_path)
    upload = before.begin("acme", "m", "ada").upload_id
    fill(before, upload, "a", 900).finish()
    with pytest.raises(FaultyInputError, match="at most"):
        fill(after, upload, "b", 200)
    fill(after, upload, "b", 100).finish()
    fill(after, upload, "c", 0).finish()
    with pytest.raises(FaultyInputError, match="at most"):
        fill(before, upload, "d", 0)


def test_two_doors_at_once_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN", 50)
    one, other = doors(tmp_path)
    upload = one.begin("acme", "m", "ada").upload_id
    files = [door.incoming("acme", upload, "m", "ada", name) for door, name in ((one, "a"), (other, "b"))]

    def feed_all() -> None:
        for number in range(120):
            files[number % 2].feed(bytes(40))

    with pytest.raises(FaultyInputError):
        feed_all()
    assert sum(each.size for each in files) <= LIMITS.max_bytes + 200
    for each in files:
        each.drop()


def test_of_two_who_begin_at_once_one_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller has half of two: each process counted for itself, and both let it in."""
    one, other = doors(tmp_path)
    told: list[str] = []

    def begin(door: Staging) -> None:
        try:
            told.append(door.begin("acme", "m", "ada").upload_id[:3])
        except UnavailableError as no:
            told.append(no.code)

    second = threading.Thread(target=begin, args=(other,))
    full = one._is_full

    def slowly(home: Path, subject: str) -> bool:
        found = full(home, subject)
        second.start()
        second.join(0.3)
        return found

    monkeypatch.setattr(one, "_is_full", slowly)
    begin(one)
    second.join()
    assert sorted(told) == ["upl", "uploads_too_many"]
