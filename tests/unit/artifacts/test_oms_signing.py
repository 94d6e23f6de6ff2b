"""Signing models: what a verifier would refuse is not signed, and what is signed is the same again."""

import os
from pathlib import Path

import pytest

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    BUNDLE_NAME,
    CertificateSigner,
    CheckOnly,
    Hashing,
    InMemory,
    InPlace,
    KeySigner,
    ModelLimits,
    ModelPolicy,
    Release,
    TrustedKey,
    sign_model,
    sign_release,
    verify_model,
)
from ostiary.artifacts.oms import digests as hashing_room
from ostiary.artifacts.oms.digests import Work, hash_all, new_hash
from ostiary.artifacts.oms.policy_file import read_policy
from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError, VerificationError
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish
from ostiary.testing.fake_clock import FakeClock

KEY = CurveKey.generate()
POLICY = ModelPolicy(signers=(TrustedKey(KEY.public),), release_needed=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "fraud"
    (place / "sub").mkdir(parents=True)
    for name, data in {"a.json": b"{}", "sub/b.bin": b"b" * 3000, "sub/c.bin": b"c" * 1000}.items():
        (place / name).write_bytes(data)
    return place


def code_of(folder: Path, **more: object) -> str:
    with pytest.raises(OstiaryError) as caught:
        sign_model(folder, KeySigner(KEY), **more)  # type: ignore[arg-type]
    return caught.value.code


def test_signing_twice_gives_the_same_digests(folder: Path) -> None:
    one, other = sign_model(folder, KeySigner(KEY)), sign_model(folder, KeySigner(CurveKey.generate()))
    assert (one.root, one.digest, one.files, one.total_bytes) == (other.root, other.digest, 3, 4002)
    assert sign_model(folder, KeySigner(KEY), hashing=Hashing("sha256")).root != one.root


@pytest.mark.parametrize("algorithm", ["sha256", "blake3"])
@pytest.mark.parametrize("shard_bytes", [0, 1, 999, 1000, 1001, 5000])
def test_shards_of_any_size_verify(algorithm: str, shard_bytes: int, folder: Path) -> None:
    write_file(folder / BUNDLE_NAME, sign_model(folder, KeySigner(KEY), hashing=Hashing(algorithm, shard_bytes)).bundle)
    for staging in (CheckOnly(), InMemory(), InPlace()):
        verify_model(folder, POLICY, staging, clock=FakeClock()).close()
    with (folder / "sub" / "b.bin").open("ab") as file:
        file.write(b"more")
    with pytest.raises(VerificationError) as caught:
        verify_model(folder, POLICY, CheckOnly(), clock=FakeClock())
    assert caught.value.code == "artifact_modified"


def test_an_empty_file_is_signed_whole_and_in_no_shard(folder: Path) -> None:
    (folder / "empty").touch()
    write_file(folder / BUNDLE_NAME, sign_model(folder, KeySigner(KEY)).bundle)
    verify_model(folder, POLICY, InMemory(), clock=FakeClock()).close()
    assert code_of(folder, hashing=Hashing("sha256", 1000)) == "artifact_empty_file"


def test_what_would_be_refused_is_not_signed(folder: Path, tmp_path: Path) -> None:
    assert code_of(tmp_path / "nowhere") == "artifact_absent"
    assert code_of(folder, hashing=Hashing("blake2b")) == "artifact_algorithm"
    assert code_of(folder, hashing=Hashing("sha256", -1)) == "artifact_algorithm"
    assert code_of(folder, name="../other") == "artifact_name"
    assert code_of(folder, limits=ModelLimits(max_files=2)) == "artifact_too_large"
    assert code_of(folder, limits=ModelLimits(max_depth=0)) == "artifact_too_large"
    assert code_of(folder, limits=ModelLimits(max_file_bytes=2999)) == "artifact_too_large"
    assert code_of(folder, limits=ModelLimits(max_total_bytes=4001)) == "artifact_too_large"
    assert code_of(folder, limits=ModelLimits(max_path_bytes=6)) == "artifact_too_large"
    (folder / "void").mkdir()
    assert code_of(folder) == "artifact_empty_folder"
    (folder / "void").rmdir()
    (folder / "link").symlink_to("a.json")
    assert code_of(folder) == "artifact_link"
    (tmp_path / "empty").mkdir()
    assert code_of(tmp_path / "empty") == "artifact_empty"


def test_limits_hold_for_verifying_too(folder: Path) -> None:
    bundle = sign_model(folder, KeySigner(KEY), hashing=Hashing("sha256", 1000)).bundle
    for limits in (ModelLimits(max_resources=4), ModelLimits(max_bundle_bytes=100), ModelLimits(max_files=2)):
        policy = ModelPolicy(signers=POLICY.signers, release_needed=False, limits=limits)
        with pytest.raises(VerificationError) as caught:
            verify_model(folder, policy, CheckOnly(), clock=FakeClock(), bundle=bundle)
        assert caught.value.code == "artifact_too_large"


def test_a_folder_reached_by_a_link_is_no_model(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert code_of(tmp_path / "link") == "artifact_absent"


def test_a_certificate_of_another_key_signs_nothing() -> None:
    root = Authority.new("root", 0, 10**18)
    leaf = root.issue(CurveKey.generate().public, Wish("x"), 0, 10**18)
    for chain in ([leaf], []):
        with pytest.raises(FaultyInputError) as caught:
            CertificateSigner(KEY, chain)
        assert caught.value.code == "key_mismatch"


@pytest.mark.parametrize(
    "wrong", [{"version": 0}, {"version": -1}, {"stage": ""}, {"metrics": "md5:1"}, {"not_after_ns": 0}, {"name": ""}]
)
def test_a_release_that_says_nothing_is_not_signed(wrong: dict[str, object]) -> None:
    said = {"name": "fraud", "version": 1, "stage": "production", "not_after_ns": 2, "released_ns": 1, **wrong}
    with pytest.raises(FaultyInputError) as caught:
        sign_release(Release(**said), KeySigner(KEY), root="sha256:" + "0" * 64, digest="sha256:" + "0" * 64)  # type: ignore[arg-type]
    assert caught.value.code == "release_malformed"


def test_digests_do_not_depend_on_how_the_work_is_shared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = os.open(folder, os.O_RDONLY)
    sizes = {"sub/b.bin": 3000, "a.json": 2, "sub/c.bin": 1000}
    taken = CheckOnly().take(root, sizes)
    files = [taken.file(path) for path in sizes]
    works = [Work(file, 0, None) for file in files]
    plain = []
    for file in files:
        whole = new_hash("blake3")
        whole.update(memoryview((folder / file.name).read_bytes()))
        plain.append(whole.digest())
    for cores in (1, 2, 3, 8):
        monkeypatch.setattr(hashing_room, "core_count", lambda cores=cores: cores)
        monkeypatch.setattr(hashing_room, "_WIDE_FROM", 100)
        assert hash_all(works, "blake3") == plain
    taken.drop()
    os.close(root)


def test_blake3_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "blake3", None)
    with pytest.raises(UnavailableError) as caught:
        new_hash("blake3")
    assert caught.value.code == "artifact_blake3_missing"
    with pytest.raises(FaultyInputError):
        new_hash("md5")


A_KEY = "[[signers]]\nkind = 'key'\npath = "
A_CERTIFICATE = "[[signers]]\nkind = 'certificate'\nroots = "
A_SIGSTORE = "[[signers]]\nkind = 'sigstore'\nidentity = 'a'\nissuer = 'b'\ntrusted_root = "
POLICIES = {
    "": "model_policy_malformed",
    "signers = []": "model_policy_malformed",
    "[[signers]]\nkind = 'key'": "model_policy_malformed",
    "[[signers]]\nkind = 'anybody'\npath = 'x'": "model_policy_malformed",
    A_KEY + "'nowhere.pem'": "model_policy_unreadable",
    A_KEY + "'broken.pem'": "key_malformed",
    A_CERTIFICATE + "'broken.pem'\nidentity_kind = 'uri'\nidentity = 'urn:x'": "certificate_malformed",
    A_CERTIFICATE + "'key.pem'\nidentity_kind = 'uri'\nidentity = ''": "model_policy_malformed",
    A_CERTIFICATE + "'key.pem'\nidentity_kind = 'any'\nidentity = 'x'": "model_policy_malformed",
    A_SIGSTORE + "'broken.pem'": "trusted_root_malformed",
    "hashes = ['md5']\n" + A_KEY + "'key.pem'": "model_policy_malformed",
    "min_version = 0\n" + A_KEY + "'key.pem'": "model_policy_malformed",
    "[limits]\nmax_dept = 3\n" + A_KEY + "'key.pem'": "model_policy_malformed",
}


@pytest.mark.parametrize("text", POLICIES)
def test_a_policy_that_cannot_be_meant_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(KEY.public.pem())
    (tmp_path / "broken.pem").write_bytes(b"broken")
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(FaultyInputError) as caught:
        read_policy(tmp_path / "policy.toml")
    assert caught.value.code == POLICIES[text]


def test_a_policy_says_who_and_what(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(KEY.public.pem())
    (tmp_path / "policy.toml").write_text(
        "stages = ['production']\nmin_version = 4\n[limits]\nmax_depth = 3\n[[signers]]\nkind = 'key'\npath = 'key.pem'"
    )
    policy = read_policy(tmp_path / "policy.toml")
    assert policy.signers == (TrustedKey(KEY.public, "key.pem"),)
    assert (policy.release_needed, policy.stages, policy.min_version) == (True, frozenset({"production"}), 4)
    assert (policy.limits.max_depth, policy.limits.max_files) == (3, ModelLimits().max_files)
