"""Somebody forges parts of a Sigstore bundle: certificate, log entry, proof, time. Each part is checked, none believed.

`sigstore-python` is asked about the honest bundle and about each forgery: it never accepts what we refuse to believe.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.oms import TrustedIdentity, read_trusted_root
from ostiary.artifacts.oms.bundle import parse_bundle, tobase64, unbase64
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.statement import Covered, Piece, write_statement
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish
from ostiary.testing.sigstore import FakeSigstore

NOW = 1_795_000_000_000_000_000
DAY = 86_400 * 10**9
WHO, ISSUER = "trainer@example.org", "https://issuer.example"
PAYLOAD = write_statement("fraud", [Covered("a.json", "sha256", (Piece(0, None, bytes(32)),))], "sha256", 0)
OTHER = write_statement("other", [Covered("b.json", "sha256", (Piece(0, None, bytes(32)),))], "sha256", 0)
Bundle = dict[str, Any]


def verdict(bundle: bytes, sigstore: FakeSigstore, root: bytes | None = None) -> str:
    trusted = TrustedIdentity(read_trusted_root(root or sigstore.trusted_root()), WHO, ISSUER)
    try:
        prove(parse_bundle(bundle), [trusted], NOW)
    except VerificationError as fault:
        return fault.code
    return "good"


def peer_verdict(bundle: bytes, sigstore: FakeSigstore, folder: Path) -> str:
    models, verify = pytest.importorskip("sigstore.models"), pytest.importorskip("sigstore.verify")
    (folder / "root.json").write_bytes(sigstore.trusted_root())
    verifier = verify.Verifier(trusted_root=models.TrustedRoot.from_file(str(folder / "root.json")))
    try:
        verifier.verify_dsse(models.Bundle.from_json(bundle), verify.policy.Identity(identity=WHO, issuer=ISSUER))
    except Exception as fault:  # noqa: BLE001 - it raises whatever its libraries raise
        return f"refused: {fault}"
    return "good"


@pytest.fixture(scope="module")
def sigstore() -> FakeSigstore:
    return FakeSigstore(NOW)


@pytest.fixture
def honest(sigstore: FakeSigstore) -> Bundle:
    bundle: Bundle = json.loads(sigstore.signer(WHO, ISSUER).seal(PAYLOAD))
    return bundle


def entry_of(bundle: Bundle) -> dict[str, Any]:
    entry: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return entry


def flipped(text: str) -> str:
    data = bytearray(unbase64(text))
    data[-1] ^= 1
    return tobase64(bytes(data))


def in_entry(change: Callable[[dict[str, Any]], object]) -> Callable[[Bundle, FakeSigstore], None]:
    def forge(bundle: Bundle, _: FakeSigstore) -> None:
        change(entry_of(bundle))

    return forge


def move_time(entry: dict[str, Any]) -> None:
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 60)


def flip_promise(entry: dict[str, Any]) -> None:
    promise = entry["inclusionPromise"]
    promise["signedEntryTimestamp"] = flipped(promise["signedEntryTimestamp"])


def other_checkpoint(bundle: Bundle, sigstore: FakeSigstore) -> None:
    other = json.loads(sigstore.signer(WHO, ISSUER).seal(OTHER))
    entry_of(bundle)["inclusionProof"]["checkpoint"] = entry_of(other)["inclusionProof"]["checkpoint"]


def own_checkpoint(bundle: Bundle, _: FakeSigstore) -> None:
    forged = json.loads(FakeSigstore(NOW).signer(WHO, ISSUER).seal(PAYLOAD))
    entry_of(bundle)["inclusionProof"]["checkpoint"] = entry_of(forged)["inclusionProof"]["checkpoint"]


def whole_entry_of_another(bundle: Bundle, sigstore: FakeSigstore) -> None:
    other = json.loads(sigstore.signer(WHO, ISSUER).seal(OTHER))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]


def entry_of_the_same_statement(bundle: Bundle, sigstore: FakeSigstore) -> None:
    """Signed again by the same identity: the entry is of another key and signature."""
    other = json.loads(sigstore.signer(WHO, ISSUER).seal(PAYLOAD))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]


def certificate_of_another(bundle: Bundle, sigstore: FakeSigstore) -> None:
    other = json.loads(sigstore.signer(WHO, ISSUER).seal(OTHER))
    bundle["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"]


def payload_of_another(bundle: Bundle, _: FakeSigstore) -> None:
    bundle["dsseEnvelope"]["payload"] = tobase64(OTHER)


FORGERIES: dict[str, tuple[Callable[[Bundle, FakeSigstore], None], str]] = {
    "time_moved": (in_entry(move_time), "artifact_log_entry"),
    "promise_of_nobody": (in_entry(flip_promise), "artifact_log_entry"),
    "no_promise": (in_entry(lambda entry: entry.pop("inclusionPromise")), "artifact_log_entry"),
    "no_proof": (in_entry(lambda entry: entry.pop("inclusionProof")), "artifact_log_entry"),
    "proof_too_short": (in_entry(lambda entry: entry["inclusionProof"]["hashes"].clear()), "artifact_log_entry"),
    "proof_too_long": (
        in_entry(lambda entry: entry["inclusionProof"]["hashes"].append(tobase64(bytes(32)))),
        "artifact_log_entry",
    ),
    "proof_of_another_place": (
        in_entry(lambda entry: entry["inclusionProof"].update(logIndex="0")),
        "artifact_log_entry",
    ),
    "root_of_another_tree": (
        in_entry(lambda entry: entry["inclusionProof"].update(rootHash=tobase64(bytes(32)))),
        "artifact_log_entry",
    ),
    "size_of_another_tree": (
        in_entry(lambda entry: entry["inclusionProof"].update(treeSize="3")),
        "artifact_log_entry",
    ),
    "checkpoint_of_another_tree": (other_checkpoint, "artifact_log_entry"),
    "checkpoint_of_a_log_of_one_s_own": (own_checkpoint, "artifact_log_entry"),
    "another_log": (in_entry(lambda entry: entry["logId"].update(keyId=tobase64(bytes(32)))), "artifact_log_entry"),
    "another_kind": (in_entry(lambda entry: entry["kindVersion"].update(kind="intoto")), "artifact_log_entry"),
    "entry_of_another_statement": (whole_entry_of_another, "artifact_log_entry"),
    "entry_of_another_signature": (entry_of_the_same_statement, "artifact_log_entry"),
    "certificate_of_another_signing": (certificate_of_another, "artifact_log_entry"),
    "payload_swapped": (payload_of_another, "artifact_log_entry"),
    "no_entry": (lambda bundle, _: bundle["verificationMaterial"].update(tlogEntries=[]), "artifact_bundle_malformed"),
    "two_entries": (
        lambda bundle, _: bundle["verificationMaterial"]["tlogEntries"].append(entry_of(bundle)),
        "artifact_bundle_malformed",
    ),
}


@pytest.mark.filterwarnings("ignore")
def test_an_honest_bundle_is_believed(honest: Bundle, sigstore: FakeSigstore, tmp_path: Path) -> None:
    data = json.dumps(honest).encode()
    assert verdict(data, sigstore) == "good"
    assert peer_verdict(data, sigstore, tmp_path) == "good"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_part_is_refused(name: str, honest: Bundle, sigstore: FakeSigstore, tmp_path: Path) -> None:
    forge, code = FORGERIES[name]
    forge(honest, sigstore)
    data = json.dumps(honest).encode()
    assert verdict(data, sigstore) == code
    assert peer_verdict(data, sigstore, tmp_path).startswith("refused")


class Unlogged(FakeSigstore):
    """A certificate log that is not the pinned one."""

    def stamp(self, logged: bytes) -> bytes:
        self.certificate_log, own = CurveKey.generate(), self.certificate_log
        try:
            return super().stamp(logged)
        finally:
            self.certificate_log = own


class Borrowed(FakeSigstore):
    """A timestamp that was given to another certificate."""

    def stamp(self, logged: bytes) -> bytes:
        return super().stamp(logged + b"x")


class Usurped(FakeSigstore):
    """An authority of the same name as the pinned one."""

    def certify(self, key, identity, issuer):
        real, self.authority = self.authority, FakeSigstore(self.now_ns).authority
        try:
            return super().certify(key, identity, issuer)
        finally:
            self.authority = real


class Server(FakeSigstore):
    """A certificate for servers."""

    def wish(self, identity: str, issuer: str) -> Wish:
        wish = super().wish(identity, issuer)
        return Wish(emails=wish.emails, raw=wish.raw, purposes=("server",))


class TwoFaced(FakeSigstore):
    """A certificate that names somebody else besides."""

    def wish(self, identity: str, issuer: str) -> Wish:
        wish = super().wish(identity, issuer)
        return Wish(emails=["mallory@example.org", *wish.emails], raw=wish.raw)


class Contradicting(FakeSigstore):
    """A certificate whose two statements of the issuer disagree."""

    def wish(self, identity: str, issuer: str) -> Wish:
        wish = super().wish(identity, issuer)
        return Wish(
            emails=wish.emails,
            raw=[
                (oid, value.replace(b"issuer", b"attack")) if oid.endswith(".1.1") else (oid, value)
                for oid, value in wish.raw
            ],
        )


class Late(FakeSigstore):
    """Signed after the certificate's ten minutes."""

    def enter(self, payload, signature, leaf):
        self.now_ns += 700 * 10**9
        try:
            return super().enter(payload, signature, leaf)
        finally:
            self.now_ns -= 700 * 10**9


LIARS: dict[type[FakeSigstore], str] = {
    Unlogged: "artifact_log_entry",
    Borrowed: "artifact_log_entry",
    Usurped: "artifact_untrusted_chain",
    Server: "artifact_certificate_usage",
    TwoFaced: "artifact_wrong_identity",
    Contradicting: "artifact_wrong_identity",
    Late: "artifact_certificate_expired",
}


@pytest.mark.parametrize("kind", LIARS, ids=lambda kind: kind.__name__)
def test_a_lying_part_of_sigstore_is_not_believed(kind: type[FakeSigstore]) -> None:
    liar = kind(NOW)
    assert verdict(liar.signer(WHO, ISSUER).seal(PAYLOAD), liar) == LIARS[kind]


@pytest.mark.parametrize("part", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_what_was_out_of_service_vouches_for_nothing(part: str, honest: Bundle, sigstore: FakeSigstore) -> None:
    root = json.loads(sigstore.trusted_root())
    for one in root[part]:
        one.get("publicKey", one)["validFor"] = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
    code = "artifact_untrusted_chain" if part == "certificateAuthorities" else "artifact_log_entry"
    assert verdict(json.dumps(honest).encode(), sigstore, json.dumps(root).encode()) == code


def test_another_sigstore_s_root_does_not_do(honest: Bundle, sigstore: FakeSigstore) -> None:
    assert verdict(json.dumps(honest).encode(), sigstore, FakeSigstore(NOW).trusted_root()) == "artifact_log_entry"


@pytest.mark.parametrize("part", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_a_root_without_one_of_its_parts_is_no_root(part: str, sigstore: FakeSigstore) -> None:
    root = json.loads(sigstore.trusted_root())
    root[part] = []
    with pytest.raises(FaultyInputError) as caught:
        read_trusted_root(json.dumps(root).encode())
    assert caught.value.code == "trusted_root_malformed"


def test_a_log_that_proves_no_time_is_left_out_of_the_root(sigstore: FakeSigstore) -> None:
    """Rekor v2 signs with Ed25519 and gives no time: nothing is accepted on its word."""
    root = json.loads(sigstore.trusted_root())
    ed25519 = "MCowBQYDK2VwAyEAt8rlp1knGwjfbcXAYPYAkn0XiLz1x8O4t0YkEhie244="
    root["tlogs"].append({"publicKey": {"rawBytes": ed25519}, "logId": {"keyId": tobase64(bytes(32))}})
    assert len(read_trusted_root(json.dumps(root).encode()).signature_logs) == 1


def test_an_authority_that_is_not_below_its_root_is_no_path() -> None:
    sigstore = FakeSigstore(NOW)
    root = Authority.new("another root", NOW - DAY, NOW + DAY)
    sigstore.authority = Authority.new("not below it", NOW - DAY, NOW + DAY, above=root)
    assert verdict(sigstore.signer(WHO, ISSUER).seal(PAYLOAD), sigstore) == "artifact_untrusted_chain"
