"""The vectors of OMS v1.0: three valid bundles, five that must be refused; and `model-signing` in both directions."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    BUNDLE_NAME,
    CertificateSigner,
    CheckOnly,
    Hashing,
    KeySigner,
    ModelPolicy,
    TrustedCertificate,
    TrustedIdentity,
    TrustedKey,
    read_trusted_root,
    sign_model,
    verify_model,
)
from ostiary.artifacts.oms.bundle import parse_bundle
from ostiary.artifacts.oms.digests import new_hash
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.statement import Covered, Piece, read_statement, write_statement
from ostiary.errors import VerificationError
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish, to_pem
from ostiary.testing.fake_clock import FakeClock

NOW = 1_795_000_000_000_000_000
YEAR = 365 * 86_400 * 10**9
ROOTS = {
    "key": "sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4",
    "certificate": "sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4",
    "sigstore": "sha256:61d4849d9d90076d6215f4d525f13d6574af8e3f67aef3e6f36fc40a14fdd226",
}
REFUSED = {
    "invalid/empty": "artifact_bundle_malformed",
    "invalid/missing-envelope": "artifact_bundle_malformed",
    "invalid/missing-tlog-entries": "artifact_bundle_malformed",
    "invalid/missing-verification-material": "artifact_bundle_malformed",
    "invalid-payload/wrong-predicate": "artifact_predicate",
}
CURVES = ("P-256", "P-384", "P-521")
HASHINGS = {"sha256": Hashing("sha256"), "blake3": Hashing("blake3"), "shards": Hashing("sha256", 1000)}


@pytest.fixture
def vectors(shared: Path) -> Path:
    return shared / "vectors" / "oms" / "test-vectors" / "v1.0"


@pytest.mark.parametrize("kind", ROOTS)
def test_a_valid_vector_is_read(kind: str, vectors: Path) -> None:
    bundle = parse_bundle((vectors / "valid" / f"{kind}.bundle.json").read_bytes())
    statement = read_statement(bundle.unverified_payload)
    assert (bundle.kind, statement.root, statement.algorithm) == (kind, ROOTS[kind], "sha256")
    assert sorted(statement.files) == ["signme-1", "signme-2"]


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_vector_is_refused(name: str, vectors: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        read_statement(parse_bundle((vectors / f"{name}.bundle.json").read_bytes()).unverified_payload)
    assert caught.value.code == REFUSED[name]


def test_the_certificate_vector_proves_its_signer(vectors: Path) -> None:
    """Its root is not part of the vectors; the authority below it is pinned instead."""
    bundle = parse_bundle((vectors / "valid" / "certificate.bundle.json").read_bytes())
    signer = TrustedCertificate((bundle.certificates[1],), "subject", "CN=intermediate-ca")
    assert prove(bundle, [signer], NOW)[0].identity == "CN=intermediate-ca"


def test_the_sigstore_vector_proves_its_signer_against_the_real_root(vectors: Path) -> None:
    """Signed with the public Sigstore in October 2025; the root is the one that sigstore-python carries."""
    sigstore = pytest.importorskip("sigstore")
    [root] = Path(sigstore.__file__).parent.glob("_store/*tuf-repo-cdn.sigstore.dev/trusted_root.json")
    bundle = parse_bundle((vectors / "valid" / "sigstore.bundle.json").read_bytes())
    trusted = read_trusted_root(root.read_bytes())
    signer = TrustedIdentity(trusted, "stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2")
    assert prove(bundle, [signer], NOW)[0].signed_ns == 1_760_062_340 * 10**9


def test_our_bundles_are_of_the_schema(vectors: Path, tmp_path: Path) -> None:
    schema = json.loads((vectors.parent.parent / "schemas" / "v1.0" / "bundle.schema.json").read_text())
    bundle = json.loads(sign_model(make_model(tmp_path / "demo"), KeySigner(CurveKey.generate())).bundle)
    assert set(bundle) == set(schema["properties"])
    assert set(bundle["dsseEnvelope"]) == {"payload", "payloadType", "signatures"}


def make_model(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    for name, data in {"a.b": b"1" * 2500, "a/b": b"2", "a/c d": b"3" * 1000, "z": b"4", "sub/ä": b"5"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def policy(*signers: Any) -> ModelPolicy:
    return ModelPolicy(signers=signers, release_needed=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("hashing", HASHINGS)
@pytest.mark.parametrize("curve", CURVES)
def test_the_peer_verifies_what_we_sign(curve: str, hashing: str, tmp_path: Path) -> None:
    verifying = pytest.importorskip("model_signing.verifying")
    folder, key = make_model(tmp_path / "demo"), CurveKey.generate(curve)
    write_file(folder / BUNDLE_NAME, sign_model(folder, KeySigner(key), hashing=HASHINGS[hashing]).bundle)
    (tmp_path / "key.pem").write_bytes(key.public.pem())
    config = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key.pem")
    config.verify(folder, folder / BUNDLE_NAME)
    (folder / "z").write_bytes(b"5")
    with pytest.raises(ValueError, match="Hash mismatch"):
        config.verify(folder, folder / BUNDLE_NAME)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("hashing", HASHINGS)
@pytest.mark.parametrize("curve", CURVES)
def test_we_verify_what_the_peer_signs(curve: str, hashing: str, tmp_path: Path) -> None:
    signing, peer_hashing = pytest.importorskip("model_signing.signing"), pytest.importorskip("model_signing.hashing")
    folder, key = make_model(tmp_path / "demo"), CurveKey.generate(curve)
    (tmp_path / "key.pem").write_bytes(key.private_pem())
    how, algorithm = HASHINGS[hashing], HASHINGS[hashing].algorithm
    config = peer_hashing.Config().use_file_serialization(hashing_algorithm=algorithm)
    if how.shard_bytes:
        config = peer_hashing.Config().use_shard_serialization(hashing_algorithm=algorithm, shard_size=how.shard_bytes)
    signer = signing.Config().use_elliptic_key_signer(private_key=tmp_path / "key.pem").set_hashing_config(config)
    signer.sign(folder, tmp_path / "model.sig")
    bundle = (tmp_path / "model.sig").read_bytes()
    trusted = policy(TrustedKey(key.public))
    with verify_model(folder, trusted, CheckOnly(), clock=FakeClock(NOW), bundle=bundle) as model:
        assert model.root == sign_model(folder, KeySigner(key), hashing=how).root
    (folder / "z").write_bytes(b"5")
    with pytest.raises(VerificationError) as caught:
        verify_model(folder, trusted, CheckOnly(), clock=FakeClock(NOW), bundle=bundle)
    assert caught.value.code == "artifact_modified"


@pytest.mark.filterwarnings("ignore")
def test_certificates_in_both_directions(tmp_path: Path) -> None:
    signing, verifying = pytest.importorskip("model_signing.signing"), pytest.importorskip("model_signing.verifying")
    folder, key = make_model(tmp_path / "demo"), CurveKey.generate("P-384")
    root = Authority.new("root", NOW - YEAR, NOW + YEAR)
    between = Authority.new("between", NOW - YEAR, NOW + YEAR, above=root)
    leaf = between.issue(key.public, Wish("trainer", uris=("urn:ci",)), NOW - YEAR, NOW + YEAR)
    files = {"key": key.private_pem(), "leaf": to_pem(leaf), "between": between.pem(), "root": root.pem()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    config = signing.Config().use_certificate_signer(
        private_key=tmp_path / "key", signing_certificate=tmp_path / "leaf", certificate_chain=[tmp_path / "between"]
    )
    config.sign(folder, tmp_path / "theirs.sig")
    trusted = policy(TrustedCertificate((root.certificate.der,), "uri", "urn:ci"))
    bundle = (tmp_path / "theirs.sig").read_bytes()
    verify_model(
        folder, ModelPolicy(trusted.signers, release_needed=False), CheckOnly(), clock=FakeClock(NOW), bundle=bundle
    ).close()
    write_file(folder / BUNDLE_NAME, sign_model(folder, CertificateSigner(key, [leaf, between.certificate])).bundle)
    peer = verifying.Config().use_certificate_verifier(certificate_chain=[tmp_path / "root"])
    peer.verify(folder, folder / BUNDLE_NAME)
    verify_model(folder, trusted, CheckOnly(), clock=FakeClock(NOW)).close()
    shutil.rmtree(folder)


def test_blake2b_is_verified_and_not_signed(tmp_path: Path) -> None:
    folder, key = tmp_path / "demo", CurveKey.generate()
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    whole = new_hash("blake2b")
    whole.update(memoryview(b"x"))
    payload = write_statement("demo", [Covered("a", "blake2b", (Piece(0, None, whole.digest()),))], "blake2b", 0)
    bundle = KeySigner(key).seal(payload)
    accepting = ModelPolicy((TrustedKey(key.public),), release_needed=False, hashes=frozenset({"blake2b"}))
    verify_model(folder, accepting, CheckOnly(), clock=FakeClock(NOW), bundle=bundle).close()
    with pytest.raises(VerificationError) as caught:
        verify_model(folder, policy(TrustedKey(key.public)), CheckOnly(), clock=FakeClock(NOW), bundle=bundle)
    assert caught.value.code == "artifact_algorithm"
