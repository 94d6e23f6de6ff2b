"""Bundles: what is taken, what is refused, and one digest for the same content."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.policy.bundle import Bundle, listing
from ostiary.policy.bundle_files import check_name, unpack
from ostiary.policy.limits import BundleLimits

FILES = {
    "guardrails/a.rego": "package ostiary.guardrails",
    "guardrails/a_test.rego": "package ostiary.guardrails_test",
    "access/data.yaml": "roles: {dev: [read]}",
    "examples/data.json": '{"night": {}}',
    ".manifest": '{"revision": "r1", "roots": ["ostiary", "access", "examples"]}',
}


def archive(files: dict[str, str | bytes], **odd: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd.values():
            tar.addfile(member)
    return packed.getvalue()


def code_of(packed: bytes) -> str:
    try:
        list(unpack(packed, BundleLimits()))
    except FaultyInputError as fault:
        return fault.code
    return ""


def folder(place: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def refused_code(place: Path, files: dict[str, str | bytes], **odd: tarfile.TarInfo) -> str:
    packed = place / "bundle.tar.gz"
    packed.write_bytes(archive(files, **odd))
    with pytest.raises(FaultyInputError) as refused:
        Bundle.load(packed)
    return refused.value.code


def test_folder_and_archives_have_one_digest(tmp_path: Path) -> None:
    place = folder(tmp_path / "folder", FILES | {"README.md": "left alone"})
    packed = tmp_path / "bundle.tar.gz"
    packed.write_bytes(archive(dict(FILES)))
    slashed = tmp_path / "opa-built.tar.gz"
    slashed.write_bytes(archive({f"/{name}": text for name, text in reversed(FILES.items())}))
    digests = {Bundle.load(source).digest for source in (place, packed, slashed)}
    assert digests == {Bundle.of(FILES).digest}
    assert digests.pop().startswith("sha256:")


def test_any_change_changes_the_digest() -> None:
    digests = {Bundle.of(FILES | {name: f"{text}\n"}).digest for name, text in FILES.items()}
    digests |= {Bundle.of(FILES).digest, Bundle.of(FILES | {"b.rego": "package b"}).digest}
    assert len(digests) == len(FILES) + 2


def test_tests_and_examples_do_not_go_live() -> None:
    bundle = Bundle.of(FILES)
    assert set(bundle.live_sources) == {"guardrails/a.rego"}
    assert bundle.live_data == {"access": {"roles": {"dev": ["read"]}}}
    assert bundle.all_data["examples"] == {"night": {}}
    assert bundle.revision == "r1"


def test_data_merges_by_folder() -> None:
    data = {"data.json": '{"a": {"x": 1}}', "a/data.yaml": "y: 2", "a/b/data.json": '{"z": 3}'}
    assert Bundle.of(data).all_data == {"a": {"x": 1, "y": 2, "b": {"z": 3}}}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"data.json": '{"a": 1}', "data.yaml": "a: 1"}, "bundle_data_invalid"),
        ({"data.json": '{"a": 1, "a": 2}'}, "bundle_data_invalid"),
        ({"data.json": '{"a": NaN}'}, "bundle_data_invalid"),
        ({"data.json": "[1]"}, "bundle_data_invalid"),
        ({"data.json": "{"}, "bundle_data_invalid"),
        ({"data.json": "[" * 100_000}, "bundle_data_invalid"),
        ({"data.json": '{"a":' * 40 + "1" + "}" * 40}, "bundle_data_invalid"),
        ({"data.yaml": "a: &x 1"}, "yaml_alias"),
        ({"a.rego": b"package a \xff"}, "bundle_malformed"),
        ({".manifest": "{"}, "bundle_manifest_invalid"),
        ({".manifest": '{"rego_version": 0}'}, "bundle_manifest_invalid"),
        ({".manifest": '{"wasm": [{"module": "x"}]}'}, "bundle_manifest_invalid"),
        ({".manifest": '{"roots": ["a"]}', "data.json": '{"b": 1}'}, "bundle_outside_roots"),
        ({".manifest": '{"roots": ["a/b"]}', "data.json": '{"a": {"c": 1}}'}, "bundle_outside_roots"),
        ({"../x.rego": "package x"}, "bundle_path_invalid"),
        ({"a/../../x.rego": "package x"}, "bundle_path_invalid"),
        ({"//x.rego": "package x"}, "bundle_path_invalid"),
        ({"a\\x.rego": "package x"}, "bundle_path_invalid"),
        ({"a\nx.rego": "package x"}, "bundle_path_invalid"),
        ({"a" * 300 + ".rego": "package x"}, "bundle_path_invalid"),
        ({"a.rego": "package a", "./a.rego": "package b"}, "bundle_path_invalid"),
    ],
)
def test_faulty_archives_are_refused(tmp_path: Path, files: dict[str, str | bytes], code: str) -> None:
    assert refused_code(tmp_path, files) == code


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_archives_hold_plain_files_only(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("evil.rego")
    member.type = kind
    member.linkname = "/etc/passwd"
    assert refused_code(tmp_path, {"a.rego": "package a"}, odd=member) == "bundle_link"


def test_folders_hold_no_links(tmp_path: Path) -> None:
    place = folder(tmp_path / "bundle", FILES)
    (place / "evil.rego").symlink_to("/etc/passwd")
    with pytest.raises(FaultyInputError) as refused:
        Bundle.load(place)
    assert refused.value.code == "bundle_link"
    (place / "evil.rego").unlink()
    (place / "more").symlink_to(tmp_path)
    with pytest.raises(FaultyInputError):
        Bundle.load(place)


def test_folders_hold_no_pipes(tmp_path: Path) -> None:
    place = folder(tmp_path / "bundle", FILES)
    os.mkfifo(place / "data.json")
    with pytest.raises(FaultyInputError) as refused:
        Bundle.load(place)
    assert refused.value.code == "bundle_link"


def test_a_bomb_does_not_unfold() -> None:
    header = tarfile.TarInfo("left-alone.bin")
    header.size = 100_000_000
    packed = gzip.compress(header.tobuf() + b"\0" * header.size)
    assert len(packed) < 150_000
    with pytest.raises(FaultyInputError) as refused:
        list(unpack(packed, BundleLimits()))
    assert refused.value.code == "bundle_too_large"
    big = archive({"a.rego": "#" * 5_000_000})
    with pytest.raises(FaultyInputError) as refused:
        list(unpack(big, BundleLimits()))
    assert refused.value.code == "bundle_too_large"


def test_counts_and_sizes_are_limited(tmp_path: Path) -> None:
    limits = BundleLimits(max_files=3, max_total_bytes=2_000, max_file_bytes=1_500, max_archive_bytes=10_000)
    for number, files in enumerate(
        (
            {f"{index}.rego": "package a" for index in range(4)},
            {"a.rego": "#" * 1_501},
            {"a.rego": "#" * 1_400, "b.rego": "#" * 1_400},
        )
    ):
        with pytest.raises(FaultyInputError) as refused:
            Bundle.load(folder(tmp_path / f"{number}", files), limits)
        assert refused.value.code == "bundle_too_large"
    packed = tmp_path / "large.tar.gz"
    packed.write_bytes(os.urandom(10_001))
    with pytest.raises(FaultyInputError) as refused:
        Bundle.load(packed, limits)
    assert refused.value.code == "bundle_too_large"


def test_absent_bundle_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refused:
        Bundle.load(tmp_path / "nothing")
    assert refused.value.code == "bundle_unreadable"


class _Signed:
    """A verifier that trusts one signature."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []

    def verify(self, digest: str, listing: bytes, signatures: bytes | None) -> None:
        self.asked.append((digest, listing))
        if signatures != b"trusted":
            raise VerificationError("bundle_unsigned", "no trusted signature")


def test_signature_is_checked_before_anything_is_parsed(tmp_path: Path) -> None:
    verifier = _Signed()
    place = folder(tmp_path / "bundle", {"data.json": "malformed", ".signatures.json": "forged"})
    with pytest.raises(VerificationError):
        Bundle.load(place, verifier=verifier)
    place = folder(tmp_path / "signed", FILES | {".signatures.json": "trusted"})
    bundle = Bundle.load(place, verifier=verifier)
    assert verifier.asked[-1] == (bundle.digest, listing(bundle.files))
    assert bundle.digest == Bundle.of(FILES).digest


@given(st.binary(max_size=400))
def test_any_bytes_are_an_archive_or_refused(packed: bytes) -> None:
    for candidate in (packed, gzip.compress(packed)):
        assert code_of(candidate) in {"", "bundle_malformed", "bundle_path_invalid", "bundle_link", "bundle_too_large"}


@given(st.text(max_size=60))
def test_names_never_leave_the_bundle(name: str) -> None:
    try:
        path = check_name(name)
    except FaultyInputError:
        return
    assert not Path(path).is_absolute()
    assert ".." not in Path(path).parts
