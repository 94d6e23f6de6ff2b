"""Sigstore bundles v0.3: a DSSE envelope and what is needed to check its signature.

- Strict: unknown members, older versions, two kinds of proof at once or more than one signature are refused.
- A bundle proves nothing by itself. ``proving.py`` checks it against the signers that the verifier trusts.
- RFC 3161 timestamps are neither checked nor relied on; log entries count for Sigstore identities only, and a key or
  certificate bundle that carries some is refused, since nothing would check them.

>>> parse_bundle(b"{}")
Traceback (most recent call last):
ostiary.errors.VerificationError: the bundle is malformed: Object missing required field `mediaType`
"""

import base64
import binascii
from typing import Any, Final

import msgspec

from ostiary.artifacts.dsse import pae
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.statement import PAYLOAD_TYPE

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLE_NAME: Final = "model.sig"
RELEASE_NAME: Final = "release.sig"
_MAX_CHAIN: Final = 8
_MAX_PROOF: Final = 64  # hashes of an inclusion proof: a log of 2^64 entries


class RawBytes(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate in DER, base64."""

    raw_bytes: str


class KeyHint(msgspec.Struct, frozen=True, rename="camel"):
    """A hint at the key; it decides nothing."""

    hint: str | None = None
    raw_bytes: str | None = None


class Chain(msgspec.Struct, frozen=True, rename="camel"):
    """The leaf first, then its issuers."""

    certificates: list[RawBytes]


class KeyId(msgspec.Struct, frozen=True, rename="camel"):
    """Digest of the log's public key, base64."""

    key_id: str


class KindVersion(msgspec.Struct, frozen=True):
    """Form of a log entry's body."""

    kind: str
    version: str


class Promise(msgspec.Struct, frozen=True, rename="camel"):
    """The log's signature over the entry and its time."""

    signed_entry_timestamp: str


class Checkpoint(msgspec.Struct, frozen=True):
    """The log's signed note."""

    envelope: str


class Inclusion(msgspec.Struct, frozen=True, rename="camel"):
    """Where the entry lies in the log, and the path from it to the root."""

    log_index: str
    root_hash: str
    tree_size: str
    hashes: list[str]
    checkpoint: Checkpoint


class LogEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the signature log."""

    log_index: str
    log_id: KeyId
    kind_version: KindVersion
    canonicalized_body: str
    integrated_time: str = ""
    inclusion_promise: Promise | None = None
    inclusion_proof: Inclusion | None = None


class Material(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """How the signature may be checked: exactly one of a key hint, a chain and a certificate with its log entry."""

    public_key: KeyHint | None = None
    x509_certificate_chain: Chain | None = None
    certificate: RawBytes | None = None
    tlog_entries: list[LogEntry] | None = None
    timestamp_verification_data: dict[str, Any] | None = None


class DsseSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One signature, base64."""

    sig: str
    keyid: str | None = None


class DsseEnvelope(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The signed payload with its type."""

    payload: str
    payload_type: str
    signatures: list[DsseSignature]


class RawBundle(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The bundle as it stands in the file."""

    media_type: str
    verification_material: Material
    dsse_envelope: DsseEnvelope


class Bundle(msgspec.Struct, frozen=True):
    """A well-formed bundle; nothing of it is proven yet.

    Attributes:
        unverified_payload: the statement, before its signature was checked.
        signature: the one signature.
        signed: the bytes that were signed (DSSE pre-authentication encoding).
        kind: ``key``, ``certificate`` or ``sigstore``.
        certificates: leaf first, in DER; none for a key.
        entry: the log entry of a Sigstore bundle.
    """

    unverified_payload: bytes
    signature: bytes
    signed: bytes
    kind: str
    certificates: tuple[bytes, ...] = ()
    entry: LogEntry | None = None


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle.

    Raises:
        VerificationError: ``artifact_bundle_malformed``; ``artifact_algorithm`` for an older bundle version.
    """
    raw = _decode(data)
    if raw.media_type != MEDIA_TYPE:
        raise refuse("artifact_algorithm", f"the bundle is `{shown(raw.media_type)}`, only v0.3 is read")
    if raw.dsse_envelope.payload_type != PAYLOAD_TYPE:
        raise _malformed("its envelope holds no in-toto statement")
    if len(raw.dsse_envelope.signatures) != 1:
        raise _malformed(f"it has {len(raw.dsse_envelope.signatures)} signatures, one is read")
    payload = unbase64(raw.dsse_envelope.payload)
    kind, certificates, entry = _material(raw.verification_material)
    return Bundle(
        unverified_payload=payload,
        signature=unbase64(raw.dsse_envelope.signatures[0].sig),
        signed=pae(PAYLOAD_TYPE, payload),
        kind=kind,
        certificates=certificates,
        entry=entry,
    )


def make_bundle(payload: bytes, signature: bytes, material: Material) -> bytes:
    """Return the bundle of one signed in-toto ``payload``, JSON."""
    envelope = DsseEnvelope(
        payload=tobase64(payload), payload_type=PAYLOAD_TYPE, signatures=[DsseSignature(sig=tobase64(signature))]
    )
    bundle = RawBundle(media_type=MEDIA_TYPE, verification_material=material, dsse_envelope=envelope)
    return msgspec.json.format(msgspec.json.encode(bundle), indent=1)


def unbase64(text: str) -> bytes:
    """Return the bytes of standard base64.

    Raises:
        VerificationError: ``artifact_bundle_malformed``.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise _malformed("it holds text that is no base64") from fault


def tobase64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


def _decode(data: bytes) -> RawBundle:
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed(str(fault)) from fault


def _material(material: Material) -> tuple[str, tuple[bytes, ...], LogEntry | None]:
    kinds = (material.public_key, material.x509_certificate_chain, material.certificate)
    if sum(kind is not None for kind in kinds) != 1:
        raise _malformed("it must have a key, a certificate chain or a certificate, and only one of them")
    entries = material.tlog_entries or []
    if material.certificate is not None:
        return "sigstore", (unbase64(material.certificate.raw_bytes),), _only(entries)
    if entries:
        raise _malformed("it has log entries, which nothing checks beside a key or a certificate chain")
    if material.x509_certificate_chain is None:
        return "key", (), None
    chain = material.x509_certificate_chain.certificates
    if not 0 < len(chain) <= _MAX_CHAIN:
        raise _malformed(f"its chain has {len(chain)} certificates, 1 to {_MAX_CHAIN} are read")
    return "certificate", tuple(unbase64(certificate.raw_bytes) for certificate in chain), None


def _only(entries: list[LogEntry]) -> LogEntry:
    if len(entries) != 1:
        raise _malformed(f"it has {len(entries)} log entries, a Sigstore certificate needs one")
    proof = entries[0].inclusion_proof
    if proof is not None and len(proof.hashes) > _MAX_PROOF:
        raise _malformed(f"its inclusion proof has {len(proof.hashes)} hashes, {_MAX_PROOF} are read")
    return entries[0]


def _malformed(text: str) -> Exception:
    return refuse("artifact_bundle_malformed", f"the bundle is malformed: {text}")


_DECODER: Final = msgspec.json.Decoder(RawBundle)
