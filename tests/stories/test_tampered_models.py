"""Every way to pass off another model than the one that was released: each refused, each with its own reason.

The first seventeen are a matrix that was tried on `model-signing` 1.1.1. It is asked here too, about the same folder
and the same bundle: where it accepts, a test shows that it does. The others are what a signature of files cannot see.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    BUNDLE_NAME,
    RELEASE_NAME,
    BundleSigner,
    CertificateSigner,
    CheckOnly,
    FileMarks,
    Hashing,
    KeySigner,
    ModelPolicy,
    Release,
    TrustedCertificate,
    TrustedIdentity,
    TrustedKey,
    read_trusted_root,
    sign_model,
    sign_release,
    verify_model,
)
from ostiary.artifacts.oms.bundle import parse_bundle, tobase64
from ostiary.artifacts.oms.statement import PREDICATE_TYPE
from ostiary.errors import VerificationError
from ostiary.keys.certificates import Certificate
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish, to_pem
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.sigstore import FakeSigstore

NOW = 1_795_000_000_000_000_000
DAY = 86_400 * 10**9
HOLDER = "spiffe://example.org/ci/trainer"
FILES = {"weights.safetensors": b"w" * 5000, "config.json": b"{}", "sub/vocab.txt": b"a\nb\n"}
CLOCK = FakeClock(NOW)


class Signed(NamedTuple):
    """A model, its signer and what a verifier pins."""

    folder: Path
    signer: BundleSigner
    policy: ModelPolicy
    peer: dict[str, Any]


class Case(NamedTuple):
    """An attack on the folder or its bundle; ``peer`` is what model-signing 1.1.1 says of it."""

    attack: Callable[[Signed], None]
    code: str
    peer: bool
    ignore_unsigned: bool = False


def make_model(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o644)
    return folder


def sign(folder: Path, signer: BundleSigner, *, name: str = "fraud", hashing: Hashing | None = None) -> None:
    write_file(folder / BUNDLE_NAME, sign_model(folder, signer, name=name, hashing=hashing).bundle)


def release(folder: Path, signer: BundleSigner, **said: Any) -> Release:
    signed = sign_model(folder, signer, name=said.get("name", "fraud"))
    facts = {
        "name": "fraud",
        "version": 1,
        "stage": "production",
        "not_after_ns": NOW + DAY,
        "released_ns": NOW,
        **said,
    }
    made = Release(**facts)
    write_file(folder / RELEASE_NAME, sign_release(made, signer, root=signed.root, digest=signed.digest))
    return made


def verdict(folder: Path, policy: ModelPolicy, **more: Any) -> str:
    try:
        verify_model(folder, policy, CheckOnly(), clock=CLOCK, **{"name": "fraud", **more}).close()
    except VerificationError as fault:
        return fault.code
    return "good"


@pytest.fixture
def by_key(tmp_path: Path) -> Signed:
    """A model signed with a bare key."""
    folder, key = make_model(tmp_path / "fraud"), CurveKey.generate("P-384")
    (tmp_path / "key.pem").write_bytes(key.public.pem())
    sign(folder, KeySigner(key))
    policy = ModelPolicy(signers=(TrustedKey(key.public, "ci"),), release_needed=False)
    return Signed(folder, KeySigner(key), policy, {"key": tmp_path / "key.pem"})


def by_certificate(tmp_path: Path, *, start: int = -DAY, end: int = DAY, **wish: Any) -> Signed:
    folder, root = make_model(tmp_path / "fraud"), Authority.new("root", NOW - 5000 * DAY, NOW + 5000 * DAY)
    key = CurveKey.generate()
    leaf = root.issue(key.public, Wish(**{"subject": "trainer", "uris": (HOLDER,), **wish}), NOW + start, NOW + end)
    signer = CertificateSigner(key, [leaf])
    (tmp_path / "root.pem").write_bytes(root.pem())
    sign(folder, signer)
    policy = ModelPolicy(signers=(TrustedCertificate((root.certificate.der,), "uri", HOLDER),), release_needed=False)
    return Signed(folder, signer, policy, {"chain": [tmp_path / "root.pem"]})


# --- the seventeen --------------------------------------------------------------------------------------------------


def flip(model: Signed) -> None:
    data = bytearray((model.folder / "weights.safetensors").read_bytes())
    data[2500] ^= 1
    (model.folder / "weights.safetensors").write_bytes(data)


def put(name: str, data: bytes = b"x") -> Callable[[Signed], None]:
    def attack(model: Signed) -> None:
        make_model(model.folder, {name: data})

    return attack


def remove(model: Signed) -> None:
    (model.folder / "config.json").unlink()


def rename(model: Signed) -> None:
    (model.folder / "config.json").rename(model.folder / "config2.json")


def link_beside(model: Signed) -> None:
    (model.folder / "more.json").symlink_to("config.json")


def link_instead(model: Signed) -> None:
    outside = model.folder.parent / "outside.json"
    (model.folder / "config.json").rename(outside)
    (model.folder / "config.json").symlink_to(outside)


def chmod(model: Signed) -> None:
    (model.folder / "weights.safetensors").chmod(0o755)


def other_key(model: Signed) -> None:
    sign(model.folder, KeySigner(CurveKey.generate("P-384")))


ON_FILES = {
    "one_flipped_byte": Case(flip, "artifact_modified", peer=False),
    "added_file": Case(put("extra.json"), "artifact_extra_file", peer=False),
    "removed_file": Case(remove, "artifact_missing_file", peer=False),
    "renamed_file": Case(rename, "artifact_renamed_file", peer=False),
    "symlink_added": Case(link_beside, "artifact_link", peer=False),
    "symlink_swapped_in": Case(link_instead, "artifact_link_for_file", peer=False),
    "wrong_key": Case(other_key, "artifact_untrusted_key", peer=False),
    "file_in_dot_git": Case(put(".git/hooks/post-checkout"), "artifact_hidden_file", peer=True),
    "gitattributes": Case(put(".gitattributes"), "artifact_hidden_file", peer=True),
    "empty_folder": Case(lambda model: (model.folder / "void").mkdir(), "artifact_empty_folder", peer=True),
    "chmod": Case(chmod, "artifact_file_mode", peer=True),
    "extra_file_when_unsigned_ones_are_ignored": Case(
        put("modeling.py", b"import os"), "artifact_extra_file", peer=True, ignore_unsigned=True
    ),
}


@pytest.mark.parametrize("name", ON_FILES)
def test_a_tampered_folder_is_refused(name: str, by_key: Signed) -> None:
    assert verdict(by_key.folder, by_key.policy) == "good"
    ON_FILES[name].attack(by_key)
    assert verdict(by_key.folder, by_key.policy) == ON_FILES[name].code


def test_a_renamed_folder_is_refused(by_key: Signed) -> None:
    moved = by_key.folder.rename(by_key.folder.with_name("credit"))
    assert verdict(moved, by_key.policy, name=None) == "artifact_wrong_name"
    assert verdict(moved, by_key.policy, name="fraud") == "good"  # whoever asks for the right name gets the right model


def wrong_authority(tmp_path: Path) -> Signed:
    model, other = by_certificate(tmp_path), by_certificate(tmp_path / "other")
    return Signed(model.folder, model.signer, other.policy, other.peer)


CERTIFICATES: dict[str, tuple[Callable[[Path], Signed], str, bool]] = {
    "wrong_ca": (wrong_authority, "artifact_untrusted_chain", False),
    "expired_nine_years_ago": (
        lambda folder: by_certificate(folder, start=-3700 * DAY, end=-3285 * DAY),
        "artifact_certificate_expired",
        True,
    ),
    "valid_only_in_the_future": (
        lambda folder: by_certificate(folder, start=30 * DAY, end=60 * DAY),
        "artifact_certificate_not_yet_valid",
        True,
    ),
    "for_servers_only": (
        lambda folder: by_certificate(folder, purposes=("server",)),
        "artifact_certificate_usage",
        True,
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_bad_certificate_is_refused(name: str, tmp_path: Path) -> None:
    good = by_certificate(tmp_path / "good")
    assert verdict(good.folder, good.policy) == "good"
    make, code, _ = CERTIFICATES[name]
    model = make(tmp_path / "bad")
    assert verdict(model.folder, model.policy) == code


# --- what model-signing says to the same ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ON_FILES)
def test_what_the_peer_says_of_a_tampered_folder(name: str, by_key: Signed) -> None:
    assert peer_accepts(by_key)
    ON_FILES[name].attack(by_key)
    assert peer_accepts(by_key, ignore_unsigned=ON_FILES[name].ignore_unsigned) is ON_FILES[name].peer


@pytest.mark.filterwarnings("ignore")
def test_the_peer_accepts_a_renamed_folder(by_key: Signed) -> None:
    moved = by_key.folder.rename(by_key.folder.with_name("credit"))
    assert peer_accepts(by_key._replace(folder=moved))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CERTIFICATES)
def test_what_the_peer_says_of_a_bad_certificate(name: str, tmp_path: Path) -> None:
    make, _, accepts = CERTIFICATES[name]
    assert peer_accepts(make(tmp_path)) is accepts


def peer_accepts(model: Signed, *, ignore_unsigned: bool = False) -> bool:
    verifying = pytest.importorskip("model_signing.verifying")
    config = verifying.Config().set_ignore_unsigned_files(ignore_unsigned)
    if "key" in model.peer:
        config = config.use_elliptic_key_verifier(public_key=model.peer["key"])
    else:
        config = config.use_certificate_verifier(certificate_chain=model.peer["chain"])
    try:
        config.verify(model.folder, model.folder / BUNDLE_NAME)
    except Exception:  # noqa: BLE001 - it raises whatever its libraries raise
        return False
    return True


# --- releases: replay, swap, downgrade ------------------------------------------------------------------------------


@pytest.fixture
def released(by_key: Signed) -> Signed:
    release(by_key.folder, by_key.signer, version=3)
    return by_key._replace(policy=ModelPolicy(signers=by_key.policy.signers, stages=frozenset({"production"})))


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """Keep a copy of a folder, as an attacker does."""
    copy = folder.with_name(folder.name + ".old")
    shutil.copytree(folder, copy)
    yield copy
    shutil.rmtree(copy)


def test_an_old_model_is_not_loaded_again(released: Signed, tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "marks.json")
    with kept(released.folder) as old:
        put("weights.safetensors", b"better")(released)
        sign(released.folder, released.signer)
        release(released.folder, released.signer, version=4)
        assert verdict(old, released.policy, marks=marks) == "good"  # so far the newest seen
        assert verdict(released.folder, released.policy, marks=marks) == "good"
        assert verdict(old, released.policy, marks=marks) == "artifact_replayed"
    assert verdict(released.folder, released.policy, marks=marks) == "good"


def test_an_old_model_is_below_the_policy_s_lowest_version(released: Signed) -> None:
    policy = ModelPolicy(signers=released.policy.signers, min_version=4)
    assert verdict(released.folder, policy) == "artifact_replayed"


def test_one_version_is_never_two_releases(released: Signed, tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "marks.json")
    assert verdict(released.folder, released.policy, marks=marks) == "good"
    release(released.folder, released.signer, version=3, training_run="another")
    assert verdict(released.folder, released.policy, marks=marks) == "artifact_version_reused"


def test_a_refused_model_raises_no_mark(released: Signed, tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "marks.json")
    flip(released)
    assert verdict(released.folder, released.policy, marks=marks) == "artifact_modified"
    assert marks.find("", "fraud", "production") is None


def test_a_release_ends(released: Signed) -> None:
    release(released.folder, released.signer, not_after_ns=NOW - 1)
    assert verdict(released.folder, released.policy) == "artifact_release_expired"


def test_a_release_may_be_too_old_for_a_policy(released: Signed) -> None:
    release(released.folder, released.signer, released_ns=NOW - 2 * DAY)
    policy = ModelPolicy(signers=released.policy.signers, max_age_s=86_400)
    assert verdict(released.folder, policy) == "artifact_release_expired"


def test_a_release_from_the_future_is_none(released: Signed) -> None:
    """Otherwise it would never be too old."""
    release(released.folder, released.signer, released_ns=NOW + DAY)
    assert verdict(released.folder, released.policy) == "artifact_release_not_yet"


def test_a_model_without_a_release_is_refused(by_key: Signed) -> None:
    assert verdict(by_key.folder, ModelPolicy(signers=by_key.policy.signers)) == "artifact_release_missing"


def test_a_staging_release_is_not_for_production(released: Signed) -> None:
    release(released.folder, released.signer, stage="staging")
    assert verdict(released.folder, released.policy) == "artifact_wrong_stage"


def test_a_release_is_for_one_tenant(released: Signed) -> None:
    release(released.folder, released.signer, tenant="acme")
    assert verdict(released.folder, released.policy) == "artifact_wrong_tenant"
    assert verdict(released.folder, ModelPolicy(signers=released.policy.signers, tenant="acme")) == "good"


def test_the_release_of_another_model_is_no_release_of_this(released: Signed, tmp_path: Path) -> None:
    other = make_model(tmp_path / "credit", {"weights.safetensors": b"other"})
    release(other, released.signer)
    shutil.copy(other / RELEASE_NAME, released.folder / RELEASE_NAME)
    assert verdict(released.folder, released.policy) == "artifact_bundle_swapped"


def test_the_bundle_of_another_model_is_refused(released: Signed, tmp_path: Path) -> None:
    other = make_model(tmp_path / "credit", {"weights.safetensors": b"other"})
    sign(other, released.signer)  # the same signer, the same name: a good signature of other files
    shutil.copy(other / BUNDLE_NAME, released.folder / BUNDLE_NAME)
    assert verdict(released.folder, released.policy) == "artifact_bundle_swapped"
    (released.folder / RELEASE_NAME).unlink()
    loose = ModelPolicy(signers=released.policy.signers, release_needed=False)
    assert verdict(released.folder, loose) == "artifact_extra_file"


def test_a_release_is_no_model_signature_and_the_other_way_round(released: Signed) -> None:
    bundle, sealed = (released.folder / BUNDLE_NAME).read_bytes(), (released.folder / RELEASE_NAME).read_bytes()
    assert verdict(released.folder, released.policy, bundle=sealed) == "artifact_predicate"
    assert verdict(released.folder, released.policy, release=bundle) == "artifact_predicate"


def test_same_digests_under_other_names_are_another_statement(released: Signed) -> None:
    """The OMS root digest covers no names, so a release that bound it alone would take these files too."""
    rename(released)
    old_root = sign_model(released.folder, released.signer, name="fraud").root
    sign(released.folder, released.signer)
    facts = json.loads(parse_bundle((released.folder / RELEASE_NAME).read_bytes()).unverified_payload)
    assert facts["subject"][0]["digest"]["sha256"] == old_root.removeprefix("sha256:")
    assert verdict(released.folder, released.policy) == "artifact_bundle_swapped"


@pytest.mark.parametrize("change", [{"version": 0}, {"stage": ""}, {"more": 1}, {"datasets": {"a": "md5:1"}}])
def test_a_release_that_cannot_be_meant_is_refused(change: dict[str, Any], released: Signed) -> None:
    """Signed by the right key, with a program that does not look."""
    said = json.loads(parse_bundle((released.folder / RELEASE_NAME).read_bytes()).unverified_payload)
    said["predicate"]["release"].update(change)
    sealed = released.signer.seal(json.dumps(said).encode())
    assert verdict(released.folder, released.policy, release=sealed) == "artifact_release_malformed"


def test_only_a_releaser_releases(released: Signed) -> None:
    deployer = CurveKey.generate()
    policy = ModelPolicy(signers=released.policy.signers, releasers=(TrustedKey(deployer.public),))
    assert verdict(released.folder, policy) == "artifact_untrusted_key"
    release(released.folder, KeySigner(deployer))
    sign(released.folder, released.signer)
    assert verdict(released.folder, policy) == "good"


def reseal(model: Signed, change: Callable[[dict[str, Any]], object], kind: str = PREDICATE_TYPE) -> None:
    """Sign a changed statement with the right key: an insider, or a signer with another idea of safety."""
    statement = json.loads(parse_bundle((model.folder / BUNDLE_NAME).read_bytes()).unverified_payload)
    statement["predicateType"] = kind
    change(statement)
    write_file(model.folder / BUNDLE_NAME, model.signer.seal(json.dumps(statement).encode()))


def hashed_with(algorithm: str, *, only_one: bool = False) -> Callable[[dict[str, Any]], object]:
    def change(statement: dict[str, Any]) -> None:
        resources = statement["predicate"]["resources"]
        for resource in resources[:1] if only_one else resources:
            resource["algorithm"] = algorithm
        if not only_one:
            statement["predicate"]["serialization"]["hash_type"] = algorithm

    return change


OLD_BUNDLE = "application/vnd.dev.sigstore.bundle+json;version=0.1"
DOWNGRADES: dict[str, Callable[[Signed], None]] = {
    "files_hashed_with_md5": lambda model: reseal(model, hashed_with("md5")),
    "files_hashed_with_sha1": lambda model: reseal(model, hashed_with("sha1")),
    "one_file_hashed_with_something_else": lambda model: reseal(model, hashed_with("sha256", only_one=True)),
    "a_hash_the_policy_does_not_accept": lambda model: reseal(model, hashed_with("sha256")),
    "an_older_bundle_version": lambda model: swap_media_type(
        model, "application/vnd.dev.sigstore.bundle+json;version=0.1"
    ),
}


def swap_media_type(model: Signed, kind: str) -> None:
    bundle = json.loads((model.folder / BUNDLE_NAME).read_bytes())
    bundle["mediaType"] = kind
    (model.folder / BUNDLE_NAME).write_text(json.dumps(bundle))


@pytest.mark.parametrize("name", DOWNGRADES)
def test_a_downgraded_algorithm_is_refused(name: str, by_key: Signed) -> None:
    DOWNGRADES[name](by_key)
    policy = ModelPolicy(signers=by_key.policy.signers, release_needed=False, hashes=frozenset({"blake3"}))
    assert verdict(by_key.folder, policy) == "artifact_algorithm"


def test_an_older_statement_is_refused(by_key: Signed) -> None:
    """model-signing still reads the predicate of its v0.2, which says nothing of how files were enumerated."""
    reseal(by_key, lambda _: None, "https://model_signing/Digests/v0.1")
    assert verdict(by_key.folder, by_key.policy) == "artifact_predicate"


def test_the_old_encoding_of_what_is_signed_is_refused(by_key: Signed) -> None:
    """model-signing accepts signatures over v0.2's faulty encoding (`pae_compat`); they are none to us."""
    key = CurveKey.generate()
    payload = parse_bundle((by_key.folder / BUNDLE_NAME).read_bytes()).unverified_payload
    kind = "application/vnd.in-toto+json"
    signature = key.sign(f"DSSEV1 {len(kind)} {kind} {len(payload)} {payload!r}".encode())
    sealed = json.loads(KeySigner(key).seal(payload))
    sealed["dsseEnvelope"]["signatures"][0]["sig"] = tobase64(signature)
    policy = ModelPolicy(signers=(TrustedKey(key.public),), release_needed=False)
    assert verdict(by_key.folder, policy, bundle=json.dumps(sealed).encode()) == "artifact_untrusted_key"


def test_a_weaker_hash_than_the_key_s_own_is_refused(by_key: Signed) -> None:
    key = CurveKey.generate("P-384")
    private = load_pem_private_key(key.private_pem(), None)
    assert isinstance(private, EllipticCurvePrivateKey)
    bundle = parse_bundle((by_key.folder / BUNDLE_NAME).read_bytes())
    sealed = json.loads((by_key.folder / BUNDLE_NAME).read_bytes())
    sealed["dsseEnvelope"]["signatures"][0]["sig"] = tobase64(private.sign(bundle.signed, ECDSA(SHA256())))
    policy = ModelPolicy(signers=(TrustedKey(key.public),), release_needed=False)
    assert verdict(by_key.folder, policy, bundle=json.dumps(sealed).encode()) == "artifact_untrusted_key"


# --- bundles and folders that lie -----------------------------------------------------------------------------------


def test_a_certificate_bundle_is_no_key_bundle(tmp_path: Path, by_key: Signed) -> None:
    model = by_certificate(tmp_path / "other")
    assert verdict(model.folder, by_key.policy) == "artifact_untrusted_signer"
    assert verdict(by_key.folder, model.policy) == "artifact_untrusted_signer"


def test_a_neighbour_under_the_same_authority_is_not_the_signer(tmp_path: Path) -> None:
    model = by_certificate(tmp_path, uris=("spiffe://example.org/ci/somebody-else",))
    assert verdict(model.folder, model.policy) == "artifact_wrong_identity"


def issued_through(tmp_path: Path, between: Callable[[Authority], Authority]) -> Signed:
    """Sign with a certificate that an authority below the pinned root issued."""
    folder, key = make_model(tmp_path / "fraud"), CurveKey.generate()
    root = Authority.new("root", NOW - 5000 * DAY, NOW + 5000 * DAY)
    issuer = between(root)
    leaf = issuer.issue(key.public, Wish("trainer", uris=(HOLDER,)), NOW - DAY, NOW + DAY)
    signer = CertificateSigner(key, [leaf, issuer.certificate])
    sign(folder, signer)
    trusted = TrustedCertificate((root.certificate.der,), "uri", HOLDER)
    return Signed(folder, signer, ModelPolicy(signers=(trusted,), release_needed=False), {})


def holder_of_a_leaf(root: Authority) -> Authority:
    key = CurveKey.generate()
    return Authority(key, root.issue(key.public, Wish("neighbour", uris=("urn:n",)), NOW - DAY, NOW + DAY))


def authority_for(*purposes: str) -> Callable[[Authority], Authority]:
    def make(root: Authority) -> Authority:
        key, wish = CurveKey.generate(), Wish("between", purposes=purposes, authority=True)
        return Authority(key, root.issue(key.public, wish, NOW - DAY, NOW + DAY))

    return make


PATHS: dict[str, tuple[Callable[[Authority], Authority], str]] = {
    "through_an_authority": (lambda root: Authority.new("between", NOW - DAY, NOW + DAY, above=root), "good"),
    "through_an_authority_for_code": (authority_for("code"), "good"),
    "through_an_authority_for_servers": (authority_for("server"), "artifact_untrusted_chain"),
    "through_a_neighbour_s_leaf": (holder_of_a_leaf, "artifact_untrusted_chain"),
    "through_an_expired_authority": (
        lambda root: Authority.new("between", NOW - 9 * DAY, NOW - 2 * DAY, above=root),
        "artifact_untrusted_chain",
    ),
    "through_one_s_own_authority": (
        lambda _: Authority.new("root", NOW - 5000 * DAY, NOW + 5000 * DAY),
        "artifact_untrusted_chain",
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_the_path_to_the_authority_counts(name: str, tmp_path: Path) -> None:
    between, code = PATHS[name]
    model = issued_through(tmp_path, between)
    assert verdict(model.folder, model.policy) == code


def test_a_certificate_that_may_issue_others_signs_no_model(tmp_path: Path) -> None:
    model = by_certificate(tmp_path, authority=True)
    assert verdict(model.folder, model.policy) == "artifact_certificate_usage"


def test_a_policy_that_trusts_nobody_accepts_nothing(by_key: Signed) -> None:
    assert verdict(by_key.folder, ModelPolicy(signers=(), release_needed=False)) == "artifact_untrusted_signer"


def test_an_unsigned_model_is_refused(by_key: Signed) -> None:
    (by_key.folder / BUNDLE_NAME).unlink()
    assert verdict(by_key.folder, by_key.policy) == "artifact_unsigned"


def test_what_a_statement_ignores_is_not_ignored(by_key: Signed) -> None:
    reseal(by_key, lambda said: said["predicate"]["serialization"].update(ignore_paths=["extra.py"]))
    assert verdict(by_key.folder, by_key.policy) == "good"
    put("extra.py")(by_key)
    assert verdict(by_key.folder, by_key.policy) == "artifact_extra_file"


def test_a_statement_that_follows_links_is_refused(by_key: Signed) -> None:
    reseal(by_key, lambda said: said["predicate"]["serialization"].update(allow_symlinks=True))
    assert verdict(by_key.folder, by_key.policy) == "artifact_link"


def test_a_bundle_that_is_a_link_is_not_followed(by_key: Signed) -> None:
    (by_key.folder / BUNDLE_NAME).rename(by_key.folder.parent / "elsewhere")
    (by_key.folder / BUNDLE_NAME).symlink_to(by_key.folder.parent / "elsewhere")
    assert verdict(by_key.folder, by_key.policy) == "artifact_link_for_file"


def test_a_bundle_s_name_is_its_own_at_the_top_only(by_key: Signed) -> None:
    put(f"sub/{BUNDLE_NAME}")(by_key)
    assert verdict(by_key.folder, by_key.policy) == "artifact_extra_file"


def test_a_pipe_is_refused_without_waiting_for_it(by_key: Signed) -> None:
    os.mkfifo(by_key.folder / "queue")
    assert verdict(by_key.folder, by_key.policy) == "artifact_special_file"


@pytest.mark.parametrize("mode", [0o4644, 0o2644, 0o1644, 0o646, 0o654, 0o645])
def test_modes_that_mean_something_are_refused(mode: int, by_key: Signed) -> None:
    (by_key.folder / "config.json").chmod(mode)
    assert verdict(by_key.folder, by_key.policy) == "artifact_file_mode"
    waived = ModelPolicy(signers=by_key.policy.signers, release_needed=False, any_mode=True)
    assert verdict(by_key.folder, waived) == "good"


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640, 0o660, 0o664])
def test_other_modes_are_irrelevant(mode: int, by_key: Signed) -> None:
    (by_key.folder / "config.json").chmod(mode)
    assert verdict(by_key.folder, by_key.policy) == "good"


@pytest.mark.parametrize(
    "name", ["a\nb", "a:b", "a\\b", "e\u0301", "end.", " lead", "bi\u202edi", os.fsdecode(b"\xff")]
)
def test_odd_names_are_refused(name: str, by_key: Signed) -> None:
    put(name)(by_key)
    assert verdict(by_key.folder, by_key.policy) == "artifact_name"


def test_names_that_read_alike_are_refused(by_key: Signed) -> None:
    put("CONFIG.json")(by_key)
    with pytest.raises(VerificationError) as caught:
        sign(by_key.folder, by_key.signer)
    assert caught.value.code == "artifact_name"


def test_a_statement_may_not_reach_outside(by_key: Signed) -> None:
    def reach(statement: dict[str, Any]) -> None:
        statement["predicate"]["resources"][0]["name"] = "../../etc/passwd"

    reseal(by_key, reach)
    assert verdict(by_key.folder, by_key.policy) == "artifact_name"


def test_a_sigstore_identity_signs_and_another_does_not(tmp_path: Path) -> None:
    sigstore = FakeSigstore(NOW - 300 * DAY)  # signed long ago: the certificate is over, the log says when it held
    folder = make_model(tmp_path / "fraud")
    sign(folder, sigstore.signer("trainer@example.org", "https://issuer.example"))
    root = read_trusted_root(sigstore.trusted_root())

    def policy(identity: str, issuer: str) -> ModelPolicy:
        return ModelPolicy(signers=(TrustedIdentity(root, identity, issuer),), release_needed=False)

    assert verdict(folder, policy("trainer@example.org", "https://issuer.example")) == "good"
    assert verdict(folder, policy("mallory@example.org", "https://issuer.example")) == "artifact_wrong_identity"
    assert verdict(folder, policy("trainer@example.org", "https://other.example")) == "artifact_wrong_identity"


def test_every_reason_of_the_matrix_is_its_own() -> None:
    reasons = [case.code for case in ON_FILES.values()] + [code for _, code, _ in CERTIFICATES.values()]
    shared = {
        "artifact_extra_file",
        "artifact_hidden_file",
    }  # the same fault, once with the peer's option and in two places
    assert all(reasons.count(code) == 1 or code in shared for code in reasons)


def test_the_certificate_in_the_bundle_is_the_one_that_counts(tmp_path: Path) -> None:
    """A signer cannot borrow another's certificate: its own key does not fit."""
    model = by_certificate(tmp_path)
    bundle = json.loads((model.folder / BUNDLE_NAME).read_bytes())
    [entry] = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    borrowed = Certificate.from_der(parse_bundle((model.folder / BUNDLE_NAME).read_bytes()).certificates[0])
    assert to_pem(borrowed).startswith(b"-----BEGIN CERTIFICATE")
    forged = json.loads(KeySigner(CurveKey.generate()).seal(b"{}"))
    forged["verificationMaterial"] = {"x509CertificateChain": {"certificates": [entry]}, "tlogEntries": []}
    assert verdict(model.folder, model.policy, bundle=json.dumps(forged).encode()) == "artifact_untrusted_key"
