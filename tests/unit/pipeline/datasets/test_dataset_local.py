"""A folder of this machine: no link leads out, and nothing that is swapped in time is read."""

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ostiary.errors import OstiaryError
from ostiary.pipeline.datasets.local import LocalObjects
from ostiary.pipeline.datasets.making import entry_of
from ostiary.pipeline.datasets.verified import VerifiedReads


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"secret")
    (tmp_path / "lake" / "in").mkdir(parents=True)
    (tmp_path / "lake" / "in" / "a").write_bytes(b"open")
    return tmp_path / "lake"


@pytest.fixture
def objects(lake: Path) -> LocalObjects:
    return LocalObjects(lake, "in")


def code(act: Callable[[], object]) -> str:
    with pytest.raises(OstiaryError) as no:
        act()
    return no.value.code


def test_links_are_as_if_nothing_were_there(lake: Path, objects: LocalObjects) -> None:
    inside = lake / "in"
    (inside / "file").symlink_to(lake.parent / "secret" / "key")
    (inside / "folder").symlink_to(lake.parent / "secret")
    (inside / "self").symlink_to(inside / "a")
    for name in ("file", "folder/key", "self"):
        assert code(partial(objects.open, name)) == "object_unknown"
    assert [one.name for one in objects.list("", "", deep=True)] == ["a"]
    assert [one.name for one in objects.list("", "", deep=False)] == ["a"]
    assert list(objects.list("folder", "", deep=True)) == []
    staged = objects.stage()
    staged.write(b"x")
    assert code(lambda: staged.publish("folder/new", replaces=None)) == "object_unknown"
    assert code(lambda: staged.publish("file", replaces=None)) == "object_exists"
    assert code(lambda: staged.publish("file", replaces="x")) == "object_unknown"
    staged.discard()
    assert [one.name for one in (lake.parent / "secret").iterdir()] == ["key"]


def test_a_prefix_that_became_a_link_is_not_entered(lake: Path, objects: LocalObjects) -> None:
    (lake / "in").rename(lake / "old")
    (lake / "in").symlink_to(lake.parent / "secret")
    assert code(lambda: objects.open("key")) == "object_unknown"
    assert list(objects.list("", "", deep=True)) == []


def test_what_is_no_file_is_no_object(lake: Path, objects: LocalObjects) -> None:
    os.mkfifo(lake / "in" / "pipe")
    assert code(lambda: objects.open("pipe")) == "object_unknown"
    assert [one.name for one in objects.list("", "", deep=True)] == ["a"]


def test_a_folder_that_is_swapped_for_a_link_all_the_time_never_leads_out(lake: Path, objects: LocalObjects) -> None:
    inside, stop, told = lake / "in", threading.Event(), set[str]()
    (inside / "real").mkdir()
    (inside / "real" / "key").write_bytes(b"open")
    (inside / "link").symlink_to(lake.parent / "secret")
    (inside / "turn").mkdir()

    def swap() -> None:
        while not stop.is_set():
            (inside / "real").rename(inside / "turn" / "spot")
            (inside / "turn" / "spot").rename(inside / "real")
            (inside / "real").rename(inside / "kept")
            (inside / "link").rename(inside / "real")
            (inside / "real").rename(inside / "link")
            (inside / "kept").rename(inside / "real")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(2000):
            try:
                with objects.open("real/key") as one:
                    assert b"".join(bytes(piece) for piece in one.pieces(0, one.stat.size)) == b"open"
            except OstiaryError as no:
                told.add(no.code)
    finally:
        stop.set()
        thread.join()
    assert told <= {"object_unknown"}


def test_a_file_that_is_written_during_a_read_breaks_it_off(lake: Path, objects: LocalObjects) -> None:
    (lake / "in" / "big").write_bytes(b"a" * (1 << 20))
    os.utime(lake / "in" / "big", ns=(1, 1))
    with objects.open("big") as one:
        pieces = one.pieces(0, one.stat.size)
        assert bytes(next(pieces))[:1] == b"a"
        (lake / "in" / "big").write_bytes(b"b" * (1 << 20))
        assert code(lambda: list(pieces)) == "object_changed"


def test_a_verified_read_holds_against_whoever_sets_the_clock_back(lake: Path, objects: LocalObjects) -> None:
    """The file is changed in place behind the check, and its times are forged: the block itself is compared."""
    place = lake / "in" / "big"
    place.write_bytes(b"a" * (2 << 20))
    entry, reads = entry_of(objects, "big", "sha256"), VerifiedReads()
    with objects.open("big") as one:
        blocks = reads.blocks(("acme", "sales"), one, entry)
        times = place.stat()
        with place.open("r+b") as file:
            file.seek(1 << 20)
            file.write(b"evil")
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
        pieces = reads.pieces(one, blocks, 0, 2 << 20)
        assert bytes(next(pieces)) == b"a" * (1 << 20)
        assert code(lambda: list(pieces)) == "object_modified"


def test_odd_names_that_lie_there_are_not_reached(lake: Path, objects: LocalObjects) -> None:
    (lake / "in" / "a\nb").write_bytes(b"x")
    (lake / "in" / "c%2Fd").write_bytes(b"x")
    assert [one.name for one in objects.list("", "", deep=True)] == ["a"]


def test_the_staging_folder_is_the_doors_own(lake: Path, objects: LocalObjects) -> None:
    staged = objects.stage()
    staged.write(b"x")
    assert [one.name for one in objects.list("", "", deep=True)] == ["a"]
    assert len(list((lake / "in" / ".ostiary-staging").iterdir())) == 1
    staged.discard()
    assert list((lake / "in" / ".ostiary-staging").iterdir()) == []


def test_a_staging_folder_that_is_a_link_takes_nothing(lake: Path, objects: LocalObjects) -> None:
    (lake / "in" / ".ostiary-staging").symlink_to(lake.parent / "secret")
    assert code(objects.stage) == "object_unknown"
    assert [one.name for one in (lake.parent / "secret").iterdir()] == ["key"]


def test_a_folder_that_is_away_is_not_an_empty_dataset(tmp_path: Path) -> None:
    assert code(lambda: LocalObjects(tmp_path / "none").open("a")) == "dataset_store_unavailable"
    assert code(lambda: list(LocalObjects(tmp_path / "none").list("", "", deep=True))) == "dataset_store_unavailable"
