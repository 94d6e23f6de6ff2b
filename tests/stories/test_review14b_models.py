"""Models that look whole to the checker and hold something else: for another reader, or under a bundle's own name."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
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

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "formats"
_END: Final = struct.Struct("<4s4H2IH")


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


def _lightgbm() -> str:
    rows = np.random.default_rng(0).normal(size=(60, 2))
    parameters = {"objective": "binary", "num_leaves": 3, "verbose": -1, "num_threads": 1}
    return lightgbm.train(parameters, lightgbm.Dataset(rows, rows[:, 0] > 0), 2).model_to_string()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("objective=binary sigmoid:1", "objective=multiclass num_class:3000000"),
        ("objective=binary sigmoid:1", "objective=multiclass num_class:1 num_class:3000000"),
        ("objective=binary sigmoid:1", "objective=binary sigmoid:1\rnum_tree_per_iteration=3000000"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=4"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3000000"),
        ("num_class=1\nnum_tree_per_iteration=1", "num_class=1000000000\nnum_tree_per_iteration=1000000000"),
        ("num_class=1\nnum_tree_per_iteration=1", "num_class=4\nnum_tree_per_iteration=4"),
    ],
)
def test_lightgbm_does_not_write_where_it_made_no_room(old: str, new: str) -> None:
    """Each but the last two ended the process that predicted with it (SIGSEGV), or wrote over its memory."""
    told = _lightgbm()
    check_format("model.txt", told.encode())
    assert old in told
    with pytest.raises(VerificationError):
        check_format("model.txt", told.replace(old, new, 1).encode())


def _xgboost() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "binary.json").read_bytes())
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda learner, model: model.update(tree_info=[500_000_000] * len(model["tree_info"])),
        lambda learner, model: model.update(tree_info=[1] * len(model["tree_info"])),
        lambda learner, model: learner["learner_model_param"].update(num_class="2000000000"),
        lambda learner, model: learner["learner_model_param"].update(num_target="4000000000"),
        lambda learner, model: model.update(iteration_indptr=[]),
        lambda learner, model: model.update(iteration_indptr=[0, 1_000_000, len(model["trees"])]),
        lambda learner, model: model["trees"][0]["tree_param"].update(size_leaf_vector="7"),
    ],
)
def test_xgboost_does_not_write_where_it_made_no_room(change: Callable[[Any, Any], None]) -> None:
    """The first ended the process that predicted with it (SIGSEGV), the third took all memory."""
    told = _xgboost()
    check_format("model.json", json.dumps(told).encode())
    change(told["learner"], told["learner"]["gradient_booster"]["model"])
    with pytest.raises(VerificationError):
        check_format("model.json", json.dumps(told).encode())
