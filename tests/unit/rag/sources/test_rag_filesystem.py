# mypy: disable-error-code="attr-defined"
"""The folder's connector against what people do to folders; the kernel itself is the judge of who may read."""

import os
import struct
import subprocess

import pytest

from ostiary.errors import UnavailableError
from ostiary.rag.ports import Asker, Known
from ostiary.rag.rights import digest, permits
from ostiary.rag.sources import filesystem
from ostiary.rag.sources.accounts import Account, ListedAccounts
from ostiary.rag.sources.filesystem import FilesystemSource
from ostiary.rag.sources.posix import XATTR, names

ADA, BOB, EVE = Account(7001, (8001, 8002)), Account(7002, (8002,)), Account(7003, (8003,))
PEOPLE = {"user:ada": ADA, "user:bob": BOB, "user:eve": EVE}
ASKERS = {name: Asker("default", name) for name in PEOPLE}
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY_ID = 0xFFFFFFFF
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others and become them")


def source(folder, **more):
    return FilesystemSource("docs", folder, ListedAccounts(PEOPLE), **more)


def write(path, text="some words", mode=0o644, uid=0, gid=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def acl(path, *entries):
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
    try:
        os.setxattr(path, XATTR, raw)
    except OSError:
        pytest.skip("this file system keeps no access-control lists")


def scanned(one, known=()):
    """Return texts by path and the scan, as a reader would take it over."""
    scan = one.scan(dict(known))
    found = {each.id: each for each in scan.changed}
    return found, scan


def after(found, scan):
    return {name: Known(one.revision, digest(scan.rights[name])) for name, one in found.items()}


def standing(one, who, found):
    return one.check(ASKERS[who], {name: each.revision for name, each in found.items()})


KERNEL = 'while IFS= read -r path; do if true <"$path"; then echo "$path"; fi; done 2>/dev/null'


def kernel(account, paths):
    """Ask the kernel: become the account, open each file, return those that opened."""
    done = subprocess.run(
        ["/bin/sh", "-c", KERNEL],
        input="".join(f"{path}\n" for path in paths),
        user=account.uid,
        group=account.gids[0],
        extra_groups=list(account.gids),
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.splitlines())


@root_only
def test_the_kernel_would_say_the_same_of_every_mode_owner_and_list(folder):
    owners = [(0, 0), (7001, 8002), (7002, 8001), (9, 8003), (9, 8002)]
    modes = [0o000, 0o004, 0o040, 0o400, 0o440, 0o404, 0o044, 0o604, 0o070]
    ways = [(0o755, 0, 0), (0o750, 0, 8002), (0o711, 0, 0), (0o701, 7001, 8002), (0o070, 7002, 8002), (0o706, 9, 8001)]
    for number, (mode, uid, gid) in enumerate(ways):
        for at, (owner, group) in enumerate(owners):
            for bits in modes:
                write(folder / f"w{number}" / f"f{at}-{bits:03o}.txt", mode=bits, uid=owner, gid=group)
        os.chown(folder / f"w{number}", uid, gid)
        (folder / f"w{number}").chmod(mode)
    plain = [(USER_OBJ, 6, NOBODY_ID), (GROUP_OBJ, 4, NOBODY_ID), (OTHER, 0, NOBODY_ID)]
    lists = [
        [plain[0], (USER, 4, 7003), plain[1], (MASK, 4, NOBODY_ID), plain[2]],
        [plain[0], (USER, 0, 7001), plain[1], (MASK, 7, NOBODY_ID), (OTHER, 4, NOBODY_ID)],
        [plain[0], plain[1], (GROUP, 0, 8002), (MASK, 7, NOBODY_ID), (OTHER, 4, NOBODY_ID)],
        [plain[0], plain[1], (GROUP, 0, 8001), (GROUP, 4, 8002), (MASK, 4, NOBODY_ID), plain[2]],
        [plain[0], (USER, 7, 7002), plain[1], (GROUP, 7, 8003), (MASK, 1, NOBODY_ID), plain[2]],
    ]
    for number, entries in enumerate(lists):
        acl(write(folder / f"acl{number}.txt", gid=8001), *entries)
    one = source(folder)
    found, scan = scanned(one)
    assert len(found) == len(ways) * len(owners) * len(modes) + len(lists)
    for who, account in PEOPLE.items():
        told = kernel(account, [str(folder / name) for name in found])
        may = {name for name in found if str(folder / name) in told}
        assert 0 < len(may) < len(found)
        assert {name for name in found if permits(scan.rights[name], names(account.uid, account.gids))} == may
        assert standing(one, who, found) == may


@root_only
def test_a_closed_folder_above_the_folder_closes_it(folder):
    inside = folder / "private" / "handbook"
    write(inside / "a.txt")
    one = source(inside)
    found, scan = scanned(one)
    assert permits(scan.rights["a.txt"], names(7001, ()))
    assert standing(one, "user:ada", found) == {"a.txt"}
    (folder / "private").chmod(0o700)
    assert standing(one, "user:ada", found) == frozenset()
    _, scan = scanned(one, after(found, scan))
    assert not permits(scan.rights["a.txt"], names(7001, ()))


def test_whoever_has_no_account_or_is_root_reads_nothing(folder):
    write(folder / "a.txt")
    one = source(folder)
    found, _ = scanned(one)
    assert one.check(Asker("default", "user:stranger"), {"a.txt": found["a.txt"].revision}) == frozenset()
    assert one.principals(Asker("default", "user:root")) == frozenset()


def test_links_pipes_and_odd_names_are_not_there(folder):
    secret = write(folder / "outside" / "secret.txt", "secret", 0o600)
    docs = folder / "docs"
    write(docs / "a.txt")
    (docs / "link.txt").symlink_to(secret)
    (docs / "way").symlink_to(folder / "outside")
    os.mkfifo(docs / "pipe.txt")
    (docs / "folder.txt").mkdir()
    with open(os.fsencode(docs) + b"/\xff.txt", "wb") as odd:  # noqa: PTH123 - no name for a path
        odd.write(b"odd")
    (docs / "latin.txt").write_bytes("é".encode("latin-1"))
    (docs / "long.txt").write_bytes(b"x" * (filesystem.MAX_BYTES + 1))
    one = source(docs)
    found, _ = scanned(one)
    assert set(found) == {"a.txt"}
    _, scan = scanned(one)
    assert scan.skipped == 2  # the two that are no text, and only those


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/passwd", "a/../../x.txt", "", ".", "..", "a\x00.txt", "\udcff.txt"]
)
def test_a_name_that_is_no_way_stands_nowhere(folder, name):
    write(folder / "docs" / "a.txt")
    one = source(folder / "docs")
    assert one.check(ASKERS["user:ada"], {name: "1:1:1:1:1"}) == frozenset()


@root_only
def test_a_link_in_the_place_of_a_file_or_folder_shows_nothing(folder):
    docs = folder / "docs"
    write(docs / "in" / "a.txt", "harmless")
    write(folder / "other" / "a.txt", "harmless")
    one = source(docs)
    found, _ = scanned(one)
    (docs / "in").rename(docs / "was")
    (docs / "in").symlink_to(folder / "other")
    assert standing(one, "user:ada", found) == frozenset()
    (docs / "in").unlink()
    (docs / "was").rename(docs / "in")
    assert standing(one, "user:ada", found) == {"in/a.txt"}
    (docs / "in" / "a.txt").unlink()
    (docs / "in" / "a.txt").symlink_to(folder / "other" / "a.txt")
    assert standing(one, "user:ada", found) == frozenset()


@root_only
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_swapped_between_looking_and_opening_is_not_read(folder, kind, monkeypatch):
    write(folder / "outside.txt", "secret", 0o600)
    target = write(folder / "docs" / "a.txt")
    real = os.stat

    def swapping(path, *args, **more):
        found = real(path, *args, **more)
        if path == "a.txt" and target.is_file() and not target.is_symlink():
            target.unlink()
            if kind == "link":
                target.symlink_to(folder / "outside.txt")
            elif kind == "pipe":
                os.mkfifo(target)
            else:
                target.mkdir()
        return found

    monkeypatch.setattr(filesystem.os, "stat", swapping)
    assert scanned(source(folder / "docs"))[0] == {}


@root_only
def test_another_file_renamed_over_has_its_own_rights_and_text(folder):
    write(folder / "a.txt", "public words")
    write(folder / "b.txt", "secret words", 0o600)
    one = source(folder)
    found, scan = scanned(one)
    (folder / "b.txt").rename(folder / "a.txt")
    assert standing(one, "user:ada", found) == frozenset()
    again, later = scanned(one, after(found, scan))
    assert later.gone == ("b.txt",)
    assert again["a.txt"].text == "secret words"
    assert standing(one, "user:ada", again) == frozenset()


@root_only
def test_a_hard_link_has_the_rights_of_the_file_and_of_its_own_way(folder):
    write(folder / "closed" / "a.txt", mode=0o644)
    (folder / "closed").chmod(0o700)
    write(folder / "open" / "x.txt")
    os.link(folder / "closed" / "a.txt", folder / "open" / "a.txt")
    one = source(folder)
    found, _ = scanned(one)
    assert standing(one, "user:ada", found) == {"open/a.txt", "open/x.txt"}
    (folder / "closed" / "a.txt").chmod(0o600)
    assert standing(one, "user:ada", found) == {"open/x.txt"}


@root_only
def test_a_secret_is_not_shown_by_a_file_whose_time_was_set_back(folder):
    file = write(folder / "a.txt", "the price is 900", 0o600)
    one = source(folder)
    found, _ = scanned(one)
    before = file.stat()
    file.write_text("the price is ---")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    file.chmod(0o644)
    assert standing(one, "user:ada", found) == frozenset()


def test_changes_within_one_step_of_the_clock_are_seen(folder):
    file = folder / "a.txt"
    one = source(folder)
    for number in range(30):
        file.write_text(f"{number:04}")
        found, _ = scanned(one)
        file.write_text(f"{number + 5000:04}")
        assert one.check(ASKERS["user:ada"], {"a.txt": found["a.txt"].revision}) == frozenset()
        again, _ = scanned(one)
        assert again["a.txt"].text == f"{number + 5000:04}"


def test_a_file_that_was_no_text_is_read_when_it_is_one(folder):
    file = folder / "a.txt"
    file.write_bytes(b"\xff")
    one = source(folder)
    assert scanned(one)[0] == {}
    file.write_text("words")
    assert set(scanned(one)[0]) == {"a.txt"}
    assert scanned(one)[1].skipped == 0


def test_a_folder_that_is_away_cannot_be_asked(folder):
    one = source(folder / "none")
    with pytest.raises(UnavailableError, match="cannot be opened"):
        one.scan({})
    (folder / "link").symlink_to(folder)
    with pytest.raises(UnavailableError, match="cannot be opened"):
        source(folder / "link").scan({})


def test_folders_below_the_limit_are_read_and_others_are_not(folder, monkeypatch):
    monkeypatch.setattr(filesystem, "MAX_DEPTH", 3)
    write(folder / "1/2/3/a.txt")
    write(folder / "1/2/3/4/b.txt")
    assert set(scanned(source(folder))[0]) == {"1/2/3/a.txt"}


@root_only
def test_a_list_that_cannot_be_understood_lets_nobody_in(folder, monkeypatch):
    write(folder / "a.txt")
    write(folder / "in" / "b.txt")
    one = source(folder)
    monkeypatch.setattr(filesystem.os, "getxattr", lambda opened, name: b"\x03\x00\x00\x00")
    with pytest.raises(UnavailableError):
        one.scan({})
