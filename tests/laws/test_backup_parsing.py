"""Whatever lies where a backup should lie is refused in our words, and writes nothing outside its folder."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, VerificationError
from ostiary.keys import SigningKey
from ostiary.keys.passphrase import open_with_passphrase, seal_with_passphrase
from ostiary.server.backup.contents import unpack
from ostiary.server.backup.erasures import read_erasures
from ostiary.server.backup.manifest import claimed, read_manifest

LIMIT = 1 << 20


@given(st.binary(max_size=600) | st.text(alphabet='{}[]",:sigpayload', max_size=200).map(str.encode))
@settings(max_examples=60, deadline=None)
def test_rubbish_is_no_manifest_and_no_list(data: bytes) -> None:
    for read in (claimed, lambda given: read_manifest(given, []), lambda given: read_erasures(given, [])):
        with pytest.raises(OstiaryError):
            read(data)


@given(st.binary(max_size=1_500))
@settings(max_examples=60, deadline=None)
def test_rubbish_is_no_archive(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("unpacked")
    try:
        unpack(io.BytesIO(data), folder, limit=LIMIT)
    except FaultyInputError as fault:
        assert fault.code == "backup_malformed"  # noqa: PT017 - an empty archive is one


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])  # noqa: S108
def test_no_path_leads_out(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    buffer.seek(0)
    with pytest.raises(FaultyInputError):
        unpack(buffer, tmp_path / "in", limit=LIMIT)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_plain_files_come_out(tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("name")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    buffer.seek(0)
    with pytest.raises(FaultyInputError):
        unpack(buffer, tmp_path / "in", limit=LIMIT)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255))
@settings(max_examples=15, deadline=None)
def test_sealed_keys_open_whole_or_not_at_all(plain: bytes, at: int, change: int) -> None:
    sealed = bytearray(seal_with_passphrase(plain, "a long passphrase", b"log", work=14))
    assert open_with_passphrase(bytes(sealed), "a long passphrase", b"log") == plain
    place = at % len(sealed)
    if place == len(b"ostiary/passphrase/v1\n"):  # the work factor: a larger one would only take longer
        return
    sealed[place] ^= change
    with pytest.raises((VerificationError, FaultyInputError)):
        open_with_passphrase(bytes(sealed), "a long passphrase", b"log")


def test_a_short_passphrase_and_a_hostile_work_factor_are_refused() -> None:
    with pytest.raises(FaultyInputError, match="12 characters"):
        seal_with_passphrase(b"x", "short", b"")
    sealed = bytearray(seal_with_passphrase(b"x", "a long passphrase", b"", work=14))
    sealed[len(b"ostiary/passphrase/v1\n")] = 30
    with pytest.raises(FaultyInputError, match="work factor"):
        open_with_passphrase(bytes(sealed), "a long passphrase", b"")


def test_a_key_that_is_not_the_logs_signs_no_list() -> None:
    from ostiary.audit.tlog.notes import NoteKey  # noqa: PLC0415
    from ostiary.audit.verifier.signed import read_vkey  # noqa: PLC0415
    from ostiary.server.backup.erasures import ErasureList, sign_erasures  # noqa: PLC0415

    ours, other = SigningKey.generate("a"), SigningKey.generate("b")
    told = ErasureList(1, "log.test/a", 3, [])
    trusted = [read_vkey(NoteKey("log.test/a", ours.public).vkey())]
    assert read_erasures(sign_erasures(told, ours), trusted) == told
    with pytest.raises(VerificationError):
        read_erasures(sign_erasures(told, other), trusted)
