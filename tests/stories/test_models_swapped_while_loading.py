"""Somebody changes the model between the check and the use. Whatever is handed on is what was checked."""

import contextlib
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    BUNDLE_NAME,
    CheckOnly,
    InFolder,
    InMemory,
    InPlace,
    KeySigner,
    ModelPolicy,
    Staging,
    TrustedKey,
    VerifiedModel,
    sign_model,
    verify_model,
)
from ostiary.artifacts.oms.tree import Walk
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.keys.curves import CurveKey
from ostiary.testing.fake_clock import FakeClock

KEY = CurveKey.generate()
POLICY = ModelPolicy(signers=(TrustedKey(KEY.public),), release_needed=False)
LARGE, SMALL = b"L" * 300_000, b"{}"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sealed memory and leases are of Linux")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "fraud"
    (place / "sub").mkdir(parents=True)
    for name, data in {"sub/weights.bin": LARGE, "config.json": SMALL, "empty": b""}.items():
        (place / name).write_bytes(data)
        (place / name).chmod(0o644)
    write_file(place / BUNDLE_NAME, sign_model(place, KeySigner(KEY)).bundle)
    return place


def verify(folder: Path, staging: Staging, **more: object) -> VerifiedModel:
    return verify_model(folder, POLICY, staging, clock=FakeClock(), **more)  # type: ignore[arg-type]


def read_all(model: VerifiedModel) -> dict[str, bytes]:
    return {name: file.read() for name, file in model.files.items()}


KEPT: dict[str, Callable[[Path], Staging]] = {"memory": lambda _: InMemory(), "folder": InFolder}


@pytest.mark.parametrize("kind", KEPT)
def test_a_copy_does_not_change_with_the_source(kind: str, folder: Path, tmp_path: Path) -> None:
    with verify(folder, KEPT[kind](tmp_path)) as model:
        before = read_all(model)
        for name in ("sub/weights.bin", "config.json"):
            (folder / name).write_bytes(b"evil")
            os.truncate(folder / name, 1)
        (folder / "sub" / "weights.bin").unlink()
        assert read_all(model) == before == {"sub/weights.bin": LARGE, "config.json": SMALL, "empty": b""}
        assert model.files["sub/weights.bin"].path.read_bytes() == LARGE
        assert model.files["config.json"].path.read_bytes() == SMALL
        assert model.files["sub/weights.bin"].open().read(3) == b"LLL"


def test_sealed_memory_cannot_be_written_by_anybody(folder: Path) -> None:
    with verify(folder, InMemory()) as model:
        path = model.files["sub/weights.bin"].path
        with pytest.raises(OSError, match="not permitted"), path.open("r+b", buffering=0) as file:
            file.write(b"evil")
        with pytest.raises(OSError, match="not permitted"):
            os.truncate(path, 0)
        handle = os.open(path, os.O_RDWR)
        with pytest.raises(PermissionError):
            mmap.mmap(handle, 4096, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        os.close(handle)
        assert model.files["sub/weights.bin"].read() == LARGE


def test_a_private_folder_is_private_and_goes(folder: Path, tmp_path: Path) -> None:
    with verify(folder, InFolder(tmp_path)) as model:
        place = model.folder
        assert place is not None
        assert place.stat().st_mode & 0o777 == 0o700
        assert (place / "config.json").stat().st_mode & 0o777 == 0o400
        assert sorted(path.name for path in place.rglob("*") if path.is_file()) == [
            "config.json",
            "empty",
            "weights.bin",
        ]
    assert not place.exists()


def test_no_folder_is_made_where_others_could_swap_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    for mode, refused in ((0o777, True), (0o770, True), (0o1777, False), (0o755, False)):
        (tmp_path / "open").chmod(mode)
        if not refused:
            verify(folder, InFolder(tmp_path / "open")).close()
            continue
        with pytest.raises(UnavailableError) as caught:
            verify(folder, InFolder(tmp_path / "open"))
        assert caught.value.code == "artifact_staging_unavailable"


def test_a_refused_model_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").write_bytes(b"[]")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for staging in (InFolder(tmp_path), InMemory(), InPlace(), CheckOnly()):
        with pytest.raises(VerificationError) as caught:
            verify(folder, staging)
        assert caught.value.code == "artifact_modified"
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not list(tmp_path.glob("model-*"))


def test_who_only_checked_gets_no_bytes(folder: Path) -> None:
    with verify(folder, CheckOnly()) as model:
        assert model.total_bytes == len(LARGE) + len(SMALL)
        file = model.files["config.json"]
        for ask in (file.read, file.view, lambda: file.path, lambda: file.open().read()):
            with pytest.raises(FaultyInputError) as caught:
                ask()
            assert caught.value.code == "artifact_not_staged"


def test_in_place_a_writer_has_to_wait_and_is_noticed(folder: Path) -> None:
    code = f"open({str(folder / 'sub' / 'weights.bin')!r}, 'r+b').write(b'evil')"
    model = verify(folder, InPlace())
    assert model.files["sub/weights.bin"].read() == LARGE
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(0.5)
        assert model.files["sub/weights.bin"].read() == LARGE  # it waits; what we read is what was signed
        with pytest.raises(VerificationError) as caught:
            model.check()
        model.close()  # gives the lease back, and so lets it go on
        assert writer.wait(10) == 0
    assert caught.value.code == "artifact_changed_in_use"


def test_in_place_the_end_of_the_block_refuses(folder: Path) -> None:
    code = f"open({str(folder / 'config.json')!r}, 'r+b').write(b'evil')"

    def use() -> None:
        with verify(folder, InPlace()):
            writers.append(subprocess.Popen([sys.executable, "-c", code]))
            with contextlib.suppress(subprocess.TimeoutExpired):
                writers[0].wait(0.5)

    writers: list[subprocess.Popen[bytes]] = []
    with pytest.raises(VerificationError) as caught:
        use()
    assert caught.value.code == "artifact_changed_in_use"
    assert writers[0].wait(10) == 0


def test_in_place_nothing_is_verified_that_is_open_for_writing(folder: Path) -> None:
    with (folder / "config.json").open("r+b"), pytest.raises(VerificationError) as caught:
        verify(folder, InPlace())
    assert caught.value.code == "artifact_changed_in_use"


def test_in_place_a_writer_s_mapping_counts(folder: Path) -> None:
    handle = os.open(folder / "config.json", os.O_RDWR)
    mapped = mmap.mmap(handle, 2)
    os.close(handle)
    with pytest.raises(VerificationError) as caught:
        verify(folder, InPlace())
    assert caught.value.code == "artifact_changed_in_use"
    mapped.close()
    verify(folder, InPlace()).close()


def test_a_folder_swapped_for_a_link_after_the_walk_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk saw a folder; before the files are opened, a link to a folder of the attacker stands in its place."""
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "weights.bin").write_bytes(b"evil")
    walk = Walk.into

    def swapping(self: Walk, *words: object) -> dict[str, int]:
        found = walk(self, *words)  # type: ignore[arg-type]
        if len(words) == 1:
            (folder / "sub").rename(tmp_path / "away")
            (folder / "sub").symlink_to(evil)
        return found

    monkeypatch.setattr(Walk, "into", swapping)
    for staging in (InMemory(), InPlace(), InFolder(tmp_path), CheckOnly()):
        with pytest.raises(VerificationError) as caught:
            verify(folder, staging)
        assert caught.value.code == "artifact_link_for_file"
        (folder / "sub").unlink()
        (tmp_path / "away").rename(folder / "sub")


def test_a_writer_that_never_rests_changes_nothing_that_is_handed_on(folder: Path) -> None:
    """The file flips between the signed bytes and others while it is verified again and again."""
    over = threading.Event()

    def flip() -> None:
        while not over.is_set():
            (folder / "sub" / "weights.bin").write_bytes(b"E" * len(LARGE))
            (folder / "sub" / "weights.bin").write_bytes(LARGE)

    thread = threading.Thread(target=flip)
    thread.start()
    verdicts = set()
    try:
        for _ in range(60):
            try:
                with verify(folder, InMemory()) as model:
                    assert model.files["sub/weights.bin"].read() == LARGE
                    verdicts.add("good")
            except VerificationError as fault:
                verdicts.add(fault.code)
    finally:
        over.set()
        thread.join()
    assert verdicts <= {"good", "artifact_modified"}
    assert "artifact_modified" in verdicts


@pytest.mark.parametrize("kind", [*KEPT, "place", "check"])
def test_a_file_that_grows_after_the_limits_were_asked_fills_nothing(
    kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse file of a terabyte stands there when the bytes are taken."""
    walk = Walk.into

    def growing(self: Walk, *words: object) -> dict[str, int]:
        found = walk(self, *words)  # type: ignore[arg-type]
        os.truncate(folder / "sub" / "weights.bin", 1 << 40)
        return found

    monkeypatch.setattr(Walk, "into", growing)
    staging = {"place": InPlace(), "check": CheckOnly()}.get(kind) or KEPT[kind](tmp_path)
    with pytest.raises(VerificationError) as caught:
        verify(folder, staging)
    assert caught.value.code == "artifact_modified"


def test_what_the_judge_sees_is_what_is_handed_on(folder: Path) -> None:
    seen: dict[str, bytes] = {}

    def judge(name: str, data: memoryview) -> None:
        seen[name] = bytes(data)
        (folder / name).write_bytes(b"evil")

    with verify(folder, InMemory(), judge=judge) as model:
        assert read_all(model) == seen == {"sub/weights.bin": LARGE, "config.json": SMALL, "empty": b""}


def test_a_judge_s_refusal_is_the_model_s(folder: Path) -> None:
    def judge(name: str, data: memoryview) -> None:
        raise VerificationError("artifact_format_refused", f"{name}: {len(data)}")

    with pytest.raises(VerificationError) as caught:
        verify(folder, InMemory(), judge=judge)
    assert caught.value.code == "artifact_format_refused"


def test_too_large_for_memory_is_said_before_anything_is_read(folder: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        verify(folder, InMemory(max_bytes=1000))
    assert caught.value.code == "artifact_staging_full"


def test_a_closed_model_gives_nothing(folder: Path) -> None:
    model = verify(folder, InMemory())
    model.close()
    model.close()
    file = model.files["sub/weights.bin"]
    for ask in (file.read, file.view, lambda: file.path, lambda: file.open().read()):
        with pytest.raises(FaultyInputError) as caught:
            ask()
        assert caught.value.code == "artifact_closed"
