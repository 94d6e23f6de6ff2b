"""What every store does alike."""

import hashlib
import threading
from collections.abc import Callable

import pytest

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.pipeline.datasets.listing import page_of
from ostiary.pipeline.datasets.making import compare, entries_of
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.statement import Manifest
from ostiary.pipeline.datasets.uploads import Upload, read_digest
from ostiary.pipeline.datasets.verified import BLOCK, VerifiedReads, listed

Put = Callable[[str, bytes], None]


def read(objects: Objects, name: str, start: int = 0, length: int | None = None) -> bytes:
    with objects.open(name) as one:
        wanted = one.stat.size - start if length is None else length
        return b"".join(bytes(piece) for piece in one.pieces(start, wanted))


def names(objects: Objects, folder: str = "", after: str = "", *, deep: bool = True) -> list[str]:
    return [one.name + "/" * one.is_folder for one in objects.list(folder, after, deep=deep)]


def code(act: Callable[[], object]) -> str:
    with pytest.raises(OstiaryError) as no:
        act()
    return no.value.code


def test_what_is_put_is_read_whole_and_in_ranges(objects: Objects, put: Put) -> None:
    data = bytes(range(256)) * 5000
    put("a/b=1/c d.bin", data)
    put("empty", b"")
    assert read(objects, "a/b=1/c d.bin") == data
    assert read(objects, "a/b=1/c d.bin", 1000, 10) == data[1000:1010]
    assert read(objects, "empty") == b""
    assert code(lambda: objects.open("a")) == "object_unknown"
    assert code(lambda: objects.open("none")) == "object_unknown"


def test_an_object_is_made_once_and_replaced_by_version(objects: Objects, put: Put) -> None:
    put("a", b"one")
    assert code(lambda: put("a", b"two")) == "object_exists"
    etag = objects.open("a").stat.etag
    staged = objects.stage()
    staged.write(b"two")
    assert code(lambda: staged.publish("a", replaces="0-0")) == "object_changed"
    assert read(objects, "a") == b"one"
    assert staged.publish("a", replaces=etag).etag != etag
    staged.discard()
    assert read(objects, "a") == b"two"
    assert names(objects) == ["a"]


def test_of_many_at_once_one_makes_the_object(objects: Objects, put: Put) -> None:
    told: list[str] = []
    start = threading.Barrier(6)

    def make(number: int) -> None:
        start.wait()
        try:
            put("a", b"%d" % number)
            told.append("made")
        except RefusedError as no:
            told.append(no.code)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["made"] + ["object_exists"] * 5


def test_a_listing_is_in_the_order_of_names_and_stays_in_its_folder(objects: Objects, put: Put) -> None:
    everything = ["a!", "a-b", "a.b/x", "a/b", "a/c/d", "ab/x", "z"]
    for name in reversed(everything):
        put(name, b"x")
    assert names(objects) == sorted(everything)
    assert names(objects, "a") == ["a/b", "a/c/d"]
    assert names(objects, deep=False) == ["a!", "a-b", "a.b/", "a/", "ab/", "z"]
    assert names(objects, "a", deep=False) == ["a/b", "a/c/"]
    assert names(objects, "none") == []


@pytest.mark.parametrize("deep", [True, False])
def test_pages_join_to_the_whole(objects: Objects, put: Put, *, deep: bool) -> None:
    for name in ("a", "b/1", "b/2", "b/c/3", "b-", "d", "e/f/g", "e/h"):
        put(name, b"x")
    for folder in ("", "b"):
        found, token = list[str](), ""
        for _ in range(20):
            page = page_of(objects, folder, token, 1, deep=deep)
            found += [one.name + "/" * one.is_folder for one in page.entries]
            token = page.next
            if not token:
                break
        assert found == names(objects, folder, deep=deep)


@pytest.mark.parametrize("token", ["!", "a" * 5000, "Li4vLi4vZXRj", "L2V0Yw", "w6", "é"])
def test_a_made_up_page_is_refused(objects: Objects, token: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        page_of(objects, "", token, 10, deep=True)
    assert no.value.code in {"page_invalid", "object_name_invalid"}


def test_a_version_is_removed_by_its_name(objects: Objects, put: Put) -> None:
    put("a/b", b"x")
    assert code(lambda: objects.delete("a/b", "0-0")) == "object_changed"
    objects.delete("a/b", objects.open("a/b").stat.etag)
    assert code(lambda: objects.open("a/b")) == "object_unknown"
    assert code(lambda: objects.delete("a/b", "0-0")) == "object_unknown"


def test_an_object_that_changes_during_a_read_is_not_mixed(objects: Objects, put: Put) -> None:
    old, new = b"a" * (3 << 20), b"b" * (3 << 20)
    put("a", old)
    one = objects.open("a")
    staged = objects.stage()
    staged.write(new)
    staged.publish("a", replaces=one.stat.etag)
    staged.discard()
    with one:
        try:
            found = b"".join(bytes(piece) for piece in one.pieces(0, one.stat.size))
        except RefusedError as no:
            found = no.code.encode()
    assert found in {old, b"object_changed"}


def declared(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_a_poisoned_upload_is_never_seen(objects: Objects) -> None:
    upload = Upload(objects, declared(b"good"), 100)
    upload.write([b"go", b"od", b"!"])
    assert code(lambda: upload.publish("a", replaces=None)) == "digest_wrong"
    assert names(objects) == []
    upload.discard()
    assert names(objects) == []
    small = Upload(objects, declared(b"good"), 3)
    assert code(lambda: small.write([b"go", b"od"])) == "object_too_large"
    small.discard()
    right = Upload(objects, declared(b"good"), 4)
    right.write([b"good"])
    assert names(objects) == []
    assert right.publish("a", replaces=None).sha256 == declared(b"good").hex()
    right.discard()
    assert read(objects, "a") == b"good"


@pytest.mark.parametrize("header", [None, "", "sha-256=abc", "md5=:AAAA:", "sha-256=:" + "A" * 42 + "=:", "sha-256=::"])
def test_an_upload_without_a_digest_is_refused(header: str | None) -> None:
    with pytest.raises(FaultyInputError):
        read_digest(header)


def manifest(objects: Objects, algorithm: str = "sha256") -> Manifest:
    entries = entries_of(objects, algorithm)  # type: ignore[arg-type]
    return Manifest("acme", "sales", "ci", 1, 1, tuple(entries))


@pytest.mark.parametrize("algorithm", ["sha256", "blake3"])
def test_verified_reads_hand_out_what_the_manifest_lists(objects: Objects, put: Put, algorithm: str) -> None:
    data = bytes(range(251)) * 10_000
    put("a", data)
    entry, reads = manifest(objects, algorithm).objects[0], VerifiedReads()
    with objects.open("a") as one:
        blocks = reads.blocks(("acme", "sales"), one, entry)
        for start, length in ((0, len(data)), (BLOCK - 1, 2), (BLOCK, 1), (len(data) - 1, 1), (5, 0), (0, BLOCK)):
            found = b"".join(bytes(piece) for piece in reads.pieces(one, blocks, start, length))
            assert found == data[start : start + length]
        assert reads.blocks(("acme", "sales"), one, entry) is blocks
    assert code(lambda: listed(None)) == "object_unlisted"


def test_what_was_changed_behind_the_door_is_not_handed_out(objects: Objects, put: Put) -> None:
    put("a", b"good")
    signed = manifest(objects)
    objects.delete("a", objects.open("a").stat.etag)
    put("a", b"evil")
    put("b", b"more")
    assert [(one.name, one.what) for one in compare(objects, signed)] == [("b", "unlisted"), ("a", "modified")]
    with objects.open("a") as one:
        assert code(lambda: VerifiedReads().blocks(("acme", "sales"), one, signed.objects[0])) == "object_modified"
    objects.delete("a", objects.open("a").stat.etag)
    assert [one.what for one in compare(objects, signed)] == ["unlisted", "missing"]
