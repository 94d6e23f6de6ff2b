"""A Sigstore of one's own: an authority, a certificate log and a signature log that sign for whoever asks.

Real formats, invented trust: bundles verify with our verifier and with ``sigstore-python`` against ``trusted_root``.
Each part can be made to lie by overriding it, which is what the stories do.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.artifacts.dsse import pae
from ostiary.artifacts.oms.bundle import (
    Checkpoint,
    Inclusion,
    KeyId,
    KindVersion,
    LogEntry,
    Material,
    Promise,
    RawBytes,
    make_bundle,
    tobase64,
)
from ostiary.artifacts.statement import PAYLOAD_TYPE
from ostiary.audit.tlog.merkle import leaf_hash, node_hash
from ostiary.keys.certificates import Certificate
from ostiary.keys.curves import CurveKey, CurvePublicKey
from ostiary.keys.issuing import Authority, Wish, before_log, to_pem

_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS
_LIFETIME_NS: Final = 600 * _NS
_ISSUER: Final = "1.3.6.1.4.1.57264.1.8"
_ISSUER_OLD: Final = "1.3.6.1.4.1.57264.1.1"
_STAMPS: Final = "1.3.6.1.4.1.11129.2.4.2"
_ORIGIN: Final = "rekor.example - 1"
_OTHER_LEAF: Final = leaf_hash(b"somebody else's entry")


class FakeSigstore:
    """Authority and logs with fresh keys; ``now_ns`` is when everything is signed."""

    def __init__(self, now_ns: int) -> None:
        """Make the keys and the authority."""
        self.now_ns = now_ns
        self.root = Authority.new("fake sigstore root", now_ns - _DAY_NS, now_ns + 3650 * _DAY_NS)
        self.authority = Authority.new("fake fulcio", now_ns - _DAY_NS, now_ns + 3650 * _DAY_NS, above=self.root)
        self.certificate_log = CurveKey.generate()
        self.signature_log = CurveKey.generate()

    def trusted_root(self) -> bytes:
        """Return the trust root, in Sigstore's own JSON."""
        start = {"start": _text(self.now_ns - _DAY_NS)}
        chain = [{"rawBytes": tobase64(one.der)} for one in (self.authority.certificate, self.root.certificate)]
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [_log(self.signature_log.public, "https://rekor.example", start)],
                "ctlogs": [_log(self.certificate_log.public, "https://ctfe.example", start)],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "example", "commonName": "fake sigstore"},
                        "uri": "https://fulcio.example",
                        "certChain": {"certificates": chain},
                        "validFor": start,
                    }
                ],
                "timestampAuthorities": [],
            }
        ).encode()

    def signer(self, identity: str, issuer: str) -> "FakeIdentity":
        """Return somebody who signs as ``identity`` of ``issuer``."""
        return FakeIdentity(self, identity, issuer)

    def certify(self, key: CurvePublicKey, identity: str, issuer: str) -> Certificate:
        """Return a certificate with the timestamp of the certificate log inside."""
        wish = self.wish(identity, issuer)
        first = self.authority.issue(key, wish, self.now_ns, self.now_ns + _LIFETIME_NS)
        logged, serial = before_log(first)
        stamped = Wish(**{**_fields(wish), "raw": (*wish.raw, (_STAMPS, self.stamp(logged)))})
        return self.authority.issue(key, stamped, self.now_ns, self.now_ns + _LIFETIME_NS, serial)

    def wish(self, identity: str, issuer: str) -> Wish:
        """Return what the certificate says."""
        text = issuer.encode()
        raw = ((_ISSUER_OLD, text), (_ISSUER, bytes([0x0C, len(text)]) + text))
        return Wish(emails=[identity], raw=raw) if "@" in identity else Wish(uris=[identity], raw=raw)

    def stamp(self, logged: bytes) -> bytes:
        """Return the list with the one signed certificate timestamp (RFC 6962 §3.3)."""
        key = hashlib.sha256(self.authority.certificate.public.der).digest()
        millis = (self.now_ns // 1_000_000).to_bytes(8, "big")
        signed = b"\0\0" + millis + b"\0\1" + key + len(logged).to_bytes(3, "big") + logged + b"\0\0"
        signature = self.certificate_log.sign(signed)
        log_id = hashlib.sha256(self.certificate_log.public.der).digest()
        stamp = b"\0" + log_id + millis + b"\0\0" + b"\4\3" + len(signature).to_bytes(2, "big") + signature
        listed = len(stamp).to_bytes(2, "big") + stamp
        listed = len(listed).to_bytes(2, "big") + listed
        return _octets(listed)

    def enter(self, payload: bytes, signature: bytes, leaf: Certificate) -> LogEntry:
        """Return the entry of the signature log, second of two."""
        body = tobase64(self.body(payload, signature, leaf))
        log_id, at = hashlib.sha256(self.signature_log.public.der).digest(), self.now_ns // _NS
        promised = {"body": body, "integratedTime": at, "logID": log_id.hex(), "logIndex": 1}
        promise = self.signature_log.sign(json.dumps(promised, separators=(",", ":")).encode())
        root = node_hash(_OTHER_LEAF, leaf_hash(base64.b64decode(body)))
        note = f"{_ORIGIN}\n2\n{tobase64(root)}\n"
        line = tobase64(log_id[:4] + self.signature_log.sign(note.encode()))
        proof = Inclusion(
            "1", tobase64(root), "2", [tobase64(_OTHER_LEAF)], Checkpoint(f"{note}\n\u2014 rekor.example {line}\n")
        )
        kind = KindVersion("dsse", "0.0.1")
        return LogEntry("1", KeyId(tobase64(log_id)), kind, body, str(at), Promise(tobase64(promise)), proof)

    def body(self, payload: bytes, signature: bytes, leaf: Certificate) -> bytes:
        """Return the body of the entry."""
        proof = {"signature": tobase64(signature), "verifier": tobase64(to_pem(leaf))}
        digests = {kind: {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()} for kind in _DIGESTS}
        spec = {**digests, "signatures": [proof]}
        return json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}, separators=(",", ":")).encode()


class FakeIdentity:
    """A signer with a short-lived certificate of the fake authority."""

    def __init__(self, sigstore: FakeSigstore, identity: str, issuer: str) -> None:
        """Sign as ``identity``."""
        self._sigstore, self._identity, self._issuer = sigstore, identity, issuer

    def seal(self, payload: bytes) -> bytes:
        """Return the bundle: certificate, signature, log entry."""
        key = CurveKey.generate()
        leaf = self._sigstore.certify(key.public, self._identity, self._issuer)
        signature = key.sign(pae(PAYLOAD_TYPE, payload))
        entry = self._sigstore.enter(payload, signature, leaf)
        material = Material(certificate=RawBytes(raw_bytes=tobase64(leaf.der)), tlog_entries=[entry])
        return make_bundle(payload, signature, material)


def _log(key: CurvePublicKey, url: str, start: dict[str, str]) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": tobase64(key.der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": start},
        "logId": {"keyId": tobase64(hashlib.sha256(key.der).digest())},
    }


def _octets(data: bytes) -> bytes:
    """Return a DER OCTET STRING."""
    size = len(data)
    head = bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")  # noqa: PLR2004
    return b"\4" + head + data


def _fields(wish: Wish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in wish.__struct_fields__}


def _text(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS, UTC).isoformat().replace("+00:00", "Z")


_DIGESTS: Final = ("envelopeHash", "payloadHash")
