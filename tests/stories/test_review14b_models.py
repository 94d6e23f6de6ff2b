"""Models that look whole to the checker and hold something else: for another reader, or under a bundle's own name."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from ostiary.artifacts.formats import check_format
from ostiary.artifacts.oms import (
    CheckOnly,
    KeySigner,
    ModelPolicy,
    TrustedKey,
    sign_model,
    verify_model,
)
from ostiary.artifacts.scanning import scan_bytes
from ostiary.errors import VerificationError
from ostiary.keys.curves import CurveKey
from ostiary.testing.fake_clock import FakeClock

_END = struct.Struct("<4s4H2IH")


def _archive(name: str = "data.pkl", extra: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo(name)
        member.extra = extra
        archive.writestr(member, b"cos\nsystem\n(S'id'\ntR." if not extra else b"N.")
    return buffer.getvalue()


def _tensor(content: bytes) -> bytes:
    told = {"w": {"dtype": "U8", "shape": [len(content)], "data_offsets": [0, len(content)]}}
    head = json.dumps(told).encode()
    return struct.pack("<Q", len(head)) + head + content


def test_an_archive_whose_directory_is_found_by_its_place_is_seen() -> None:
    """``torch.jit.load`` (miniz) goes where the end says the directory is; ``zipfile`` looks right before the end."""
    whole = _archive()
    mark, *disks, size, begin, comment = _END.unpack(whole[-_END.size :])
    before = len(_tensor(whole + b"gap")) - len(whole + b"gap")
    told = _END.pack(mark, *disks, size, begin + before, comment)
    hidden = _tensor(whole[: -_END.size] + b"gap" + told)
    assert hidden[begin + before :].startswith(b"PK\x01\x02")
    with pytest.raises(VerificationError) as no:
        check_format("m.safetensors", hidden)
    assert "format_archive" in no.value.reasons
    assert scan_bytes("m.safetensors", hidden).verdict == "refused"


def test_a_tensor_that_only_spells_the_end_of_an_archive_is_no_archive() -> None:
    check_format("m.safetensors", _tensor(b"PK\x05\x06" + bytes(18) + b"and more"))


def test_a_member_with_a_second_name_is_refused() -> None:
    """Python (3.12 and later) and Info-ZIP take the name in this field for the member's own."""
    other = b"evil.pkl"
    body = struct.pack("<BL", 1, zlib.crc32(b"x/data/0")) + other
    extra = struct.pack("<2H", 0x7075, len(body)) + body
    assert scan_bytes("m.pt", _archive("x/data/0", struct.pack("<2H", 0x4242, 2) + b"ok")).verdict == "quarantined"
    report = scan_bytes("m.pt", _archive("x/data/0", extra))
    assert (report.verdict, report.findings[0].code) == ("refused", "archive_malformed")


@pytest.mark.parametrize("name", ["model.sig", "release.sig"])
def test_a_folder_named_like_a_bundle_hides_nothing(name: str, tmp_path: Path) -> None:
    key, folder = CurveKey.generate(), tmp_path / "fraud"
    folder.mkdir()
    (folder / "card.md").write_bytes(b"# card")
    bundle = sign_model(folder, KeySigner(key), name="fraud").bundle
    policy = ModelPolicy(signers=(TrustedKey(key.public, "ci"),), release_needed=False)

    def verdict() -> str:
        try:
            verify_model(folder, policy, CheckOnly(), clock=FakeClock(), bundle=bundle, release=release).close()
        except VerificationError as fault:
            return fault.code
        return "good"

    release = None
    if name == "release.sig":  # without one of ours the folder's own is read, and a folder is no bundle
        (folder / name).mkdir()
        assert verdict() == "artifact_special_file"
        return
    (folder / name).write_bytes(b"a bundle that nobody asks for")
    assert verdict() == "good"
    (folder / name).unlink()
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_bytes(b"import os")
    (folder / name / "__init__.py").chmod(0o644)
    assert verdict() == "artifact_extra_file"
