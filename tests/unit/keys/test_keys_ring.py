"""The key ring: made once, rotated, retired keys verify, files are private, several processes agree."""

import os
import stat
import threading
from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import KeyRing
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.clock import SystemClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ring(tmp_path: Path, clock: FakeClock) -> KeyRing:
    return KeyRing(tmp_path / "keys", clock)


def test_key_is_made_once_and_found_again(ring: KeyRing, tmp_path: Path, clock: FakeClock) -> None:
    key = ring.active("acme", "metadata")
    assert key.kid.startswith("acme.metadata.")
    assert ring.active("acme", "metadata").kid == key.kid
    assert KeyRing(tmp_path / "keys", clock).active("acme", "metadata").kid == key.kid


def test_tenants_purposes_and_algorithms_have_their_own_keys(ring: KeyRing) -> None:
    kids = {
        ring.active("acme", "metadata").kid,
        ring.active("other", "metadata").kid,
        ring.active("acme", "log").kid,
        ring.active("acme", "metadata", "ES256").kid,
    }
    assert len(kids) == 4


def test_rotation_keeps_the_old_key_for_verification_and_erases_its_secret(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.active("acme", "metadata")
    signature = old.sign(b"text")
    new = ring.rotate("acme", "metadata")
    assert ring.active("acme", "metadata").kid == new.kid != old.kid
    assert [key.kid for key in ring.all_public("acme", "metadata")] == [new.kid, old.kid]
    assert any(key.verify(signature, b"text") for key in ring.all_public("acme", "metadata"))
    assert [jwk["kid"] for jwk in ring.jwks("acme", "metadata")["keys"]] == [new.kid, old.kid]
    assert not list((tmp_path / "keys").rglob(f"{old.kid}.pem"))


def test_during_an_overlap_both_keys_sign(ring: KeyRing, clock: FakeClock) -> None:
    old = ring.active("acme", "log")
    clock.advance(1)
    new = ring.rotate("acme", "log", overlap_s=60)
    assert [key.kid for key in ring.signers("acme", "log")] == [new.kid, old.kid]
    clock.advance(61)
    assert [key.kid for key in ring.signers("acme", "log")] == [new.kid]
    assert not list(ring._directory.rglob(f"{old.kid}.pem"))


def test_another_process_sees_a_rotation(ring: KeyRing, tmp_path: Path, clock: FakeClock) -> None:
    other = KeyRing(tmp_path / "keys", clock)
    other.active("acme", "log")
    new = ring.rotate("acme", "log")
    assert other.active("acme", "log").kid == new.kid


def test_many_threads_make_one_key(tmp_path: Path, clock: FakeClock) -> None:
    rings = [KeyRing(tmp_path / "keys", clock) for _ in range(8)]
    kids: list[str] = []
    threads = [threading.Thread(target=lambda r=r: kids.append(r.active("acme", "log").kid)) for r in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(kids)) == 1


def test_files_are_private(ring: KeyRing, tmp_path: Path) -> None:
    ring.active("acme", "log")
    for path in (tmp_path / "keys").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_loose_file_is_refused(ring: KeyRing, tmp_path: Path, clock: FakeClock) -> None:
    ring.active("acme", "log")
    for path in (tmp_path / "keys").rglob("*.pem"):
        path.chmod(0o640)
    with pytest.raises(RefusedError) as caught:
        KeyRing(tmp_path / "keys", clock).active("acme", "log")
    assert caught.value.code == "key_permissions"


def test_a_loose_folder_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)
    with pytest.raises(RefusedError):
        KeyRing(tmp_path / "keys", clock)


def test_a_linked_key_file_is_refused(ring: KeyRing, tmp_path: Path, clock: FakeClock) -> None:
    ring.active("acme", "log")
    (path,) = (tmp_path / "keys").rglob("*.pem")
    path.rename(tmp_path / "elsewhere.pem")
    path.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(UnavailableError):
        KeyRing(tmp_path / "keys", clock).active("acme", "log")


def test_a_damaged_ring_is_unavailable_not_replaced(ring: KeyRing, tmp_path: Path, clock: FakeClock) -> None:
    ring.active("acme", "log")
    index = tmp_path / "keys" / "acme" / "log" / "ring.json"
    index.write_bytes(b"{")
    with pytest.raises(UnavailableError) as caught:
        KeyRing(tmp_path / "keys", clock).active("acme", "log")
    assert caught.value.code == "key_unavailable"


@pytest.mark.parametrize(("tenant", "purpose"), [("../x", "log"), ("acme", "../log"), ("acme", ""), ("ACME", "log")])
def test_names_cannot_leave_the_folder(ring: KeyRing, tenant: str, purpose: str) -> None:
    with pytest.raises(FaultyInputError):
        ring.active(tenant, purpose)


def test_shredding_a_tenant_erases_its_keys_only(ring: KeyRing, tmp_path: Path) -> None:
    ring.active("acme", "log")
    kept = ring.active("other", "log")
    assert ring.shred_tenant("acme") >= 2
    assert not list((tmp_path / "keys" / "acme").rglob("*.pem"))
    assert ring.active("other", "log").kid == kept.kid
    assert ring.purposes("acme") == []
    assert ring.purposes("other") == ["log"]


def test_an_unwritable_disk_is_unavailable(tmp_path: Path, clock: FakeClock) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises((UnavailableError, RefusedError)):
            KeyRing(tmp_path / "file" / "keys", clock)
        return
    tmp_path.chmod(0o500)
    with pytest.raises(UnavailableError):
        KeyRing(tmp_path / "keys", clock)
    tmp_path.chmod(0o700)


def test_a_process_signs_on_while_another_rotates(tmp_path: Path) -> None:
    """The other erases a key's file between our reading the list and our reading the file."""
    clock = SystemClock()
    ours, theirs = KeyRing(tmp_path / "ring", clock), KeyRing(tmp_path / "ring", clock)
    ours.active("acme", "metadata")
    done = threading.Event()

    def rotate() -> None:
        for _ in range(60):
            theirs.rotate("acme", "metadata")
        done.set()

    rotating = threading.Thread(target=rotate)
    rotating.start()
    signed = []
    while not done.is_set():
        signed.append(ours.active("acme", "metadata").sign(b"x"))
    rotating.join()
    known = KeyRing(tmp_path / "ring", clock).all_public("acme", "metadata")
    assert len(known) == 61
    assert all(any(key.verify(one, b"x") for key in known) for one in signed[-200:])
