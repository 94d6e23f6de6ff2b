"""X.509 certificates that sign code: what they say, whether they lead to a pinned authority, and when they were logged.

- The path is built and checked by ``cryptography``'s verifier (RFC 5280: signatures, validity, basic constraints, name
  constraints, critical extensions). We add what is asked of the leaf: key usage and extended key usage.
- Anchors are the caller's. The system's list is never used.
- ``logged_at`` checks the signed certificate timestamp that a log put inside (RFC 6962 §3.2).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import verification
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp
from cryptography.x509.oid import ExtendedKeyUsageOID
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.keys.curves import CurvePublicKey
from ostiary.keys.hashing import sha256, sha256_hex

_NS: Final = 1_000_000_000
_MAX_DER: Final = 65_536
_MAX_PEMS: Final = 64
_MAX_CHAIN: Final = 8
_UTF8_STRING: Final = 0x0C
_SHORT_LENGTH: Final = 0x80


class Certificate:
    """A parsed certificate; nothing of it is proven by parsing."""

    __slots__ = ("_certificate", "der")

    def __init__(self, certificate: x509.Certificate) -> None:
        """Wrap a parsed certificate; other rooms use ``from_der`` or ``read_pems``."""
        self._certificate = certificate
        self.der = certificate.public_bytes(Encoding.DER)

    @override
    def __repr__(self) -> str:
        """Name the certificate by its subject and digest."""
        return f"Certificate({self.subject!r}, sha256:{sha256_hex(self.der)[:12]}…)"

    @property
    def subject(self) -> str:
        """The subject's distinguished name (RFC 4514)."""
        return self._certificate.subject.rfc4514_string()

    @property
    def not_before_ns(self) -> int:
        """The first moment of its validity, UTC nanoseconds."""
        return int(self._certificate.not_valid_before_utc.timestamp()) * _NS

    @property
    def not_after_ns(self) -> int:
        """The last moment of its validity, UTC nanoseconds."""
        return int(self._certificate.not_valid_after_utc.timestamp()) * _NS

    @property
    def public(self) -> CurvePublicKey:
        """The public key.

        Raises:
            FaultyInputError: ``key_malformed`` when it is not on one of our curves.
        """
        key = self._certificate.public_key()
        return CurvePublicKey.from_der(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def signs_code(self) -> bool:
        """Whether it may sign code and no certificates; both usages must be said (RFC 5280 §4.2.1.3, §4.2.1.12)."""
        try:
            usage = self._certificate.extensions.get_extension_for_class(x509.KeyUsage).value
            purposes = self._certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
            return False
        return usage.digital_signature and not usage.key_cert_sign and ExtendedKeyUsageOID.CODE_SIGNING in purposes

    def alternative_names(self, kind: str = "") -> tuple[str, ...]:
        """Return the subject alternative names: ``uri``, ``email`` or ``dns``, or all of the three."""
        try:
            names = self._certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
            return ()
        kinds = [_NAME_KINDS[kind]] if kind else list(_NAME_KINDS.values())
        return tuple(name.value for name in names if isinstance(name, _TEXTUAL) and type(name) in kinds)

    def count_alternative_names(self) -> int:
        """Return how many alternative names of any kind there are."""
        try:
            return len(list(self._certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value))
        except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
            return 0

    def extension(self, oid: str) -> bytes | None:
        """Return the raw value of an extension that X.509 itself does not know."""
        try:
            value = self._certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
        except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
            return None
        return value.value if isinstance(value, x509.UnrecognizedExtension) else None

    @classmethod
    def from_der(cls, der: bytes) -> "Certificate":
        """Read one certificate in DER.

        Raises:
            FaultyInputError: ``certificate_malformed``.
        """
        if len(der) > _MAX_DER:
            raise FaultyInputError("certificate_malformed", f"a certificate has at most {_MAX_DER} bytes")
        try:
            found = x509.load_der_x509_certificate(der)
            found.public_key()
            found.subject.rfc4514_string()
            _ = (found.not_valid_before_utc, found.not_valid_after_utc, list(found.extensions))
        except _UNREADABLE as fault:
            raise FaultyInputError("certificate_malformed", "the bytes hold no certificate that can be read") from fault
        if found.serial_number <= 0:
            raise FaultyInputError("certificate_malformed", "a serial number is positive")  # RFC 5280 §4.1.2.2
        return cls(found)


def read_pems(pem: bytes) -> list[Certificate]:
    """Return the certificates of a PEM file, at least one.

    Raises:
        FaultyInputError: ``certificate_malformed``.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except _UNREADABLE as fault:
        raise FaultyInputError("certificate_malformed", "the file holds no certificates in PEM") from fault
    if len(found) > _MAX_PEMS:
        raise FaultyInputError("certificate_malformed", f"{len(found)} certificates, {_MAX_PEMS} are read")
    return [Certificate.from_der(one.public_bytes(Encoding.DER)) for one in found]


def chain_of(
    leaf: Certificate, between: Iterable[Certificate], anchors: Sequence[Certificate], at_ns: int
) -> tuple[Certificate, ...]:
    """Return the path from ``leaf`` to one of the ``anchors``, leaf first, as it holds at ``at_ns``; empty if none.

    Authorities on the path may limit what is issued under them; one that does must allow code signing.
    """
    if not anchors:
        return ()
    store = verification.Store([anchor._certificate for anchor in anchors])  # noqa: SLF001 - one class, one room
    policy = verification.PolicyBuilder().store(store).time(datetime.fromtimestamp(at_ns // _NS, UTC))
    checker = policy.max_chain_depth(_MAX_CHAIN).extension_policies(ca_policy=_AUTHORITY, ee_policy=_LEAF)
    try:
        found = checker.build_client_verifier().verify(leaf._certificate, [one._certificate for one in between])  # noqa: SLF001
    except (verification.VerificationError, *_UNREADABLE):
        return ()
    return tuple(Certificate(one) for one in found.chain)


def logged_at(leaf: Certificate, issuer: Certificate, logs: Mapping[bytes, CurvePublicKey]) -> tuple[bytes, int] | None:
    """Return the log's id and the time in ns at which it promised to log ``leaf``; ``None`` when no known log did.

    Exactly one timestamp must be inside, as Fulcio puts it.
    """
    try:
        inside = leaf._certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)  # noqa: SLF001
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    stamps = list(inside.value)
    log = logs.get(stamps[0].log_id) if len(stamps) == 1 else None
    if log is None or not isinstance(stamps[0].signature_hash_algorithm, SHA256):
        return None
    if not log.verify(stamps[0].signature, _logged(stamps[0], leaf, issuer)):
        return None
    return stamps[0].log_id, _millis(stamps[0]) * 1_000_000


def text_of_utf8(der: bytes) -> str | None:
    """Return the text of a DER UTF8String of at most 127 or 65,535 bytes, or ``None`` for anything else."""
    if len(der) < 2 or der[0] != _UTF8_STRING:  # noqa: PLR2004 - tag and length
        return None
    width = 0 if der[1] < _SHORT_LENGTH else der[1] - _SHORT_LENGTH
    if width > 2:  # noqa: PLR2004 - longer than any issuer's name
        return None
    length = int.from_bytes(der[2 : 2 + width], "big") if width else der[1]
    body = der[2 + width :]
    try:
        return body.decode() if len(body) == length else None
    except UnicodeDecodeError:
        return None


def _logged(stamp: SignedCertificateTimestamp, leaf: Certificate, issuer: Certificate) -> bytes:
    """Return what the log signed: the certificate before the timestamp was put in, bound to its issuer's key."""
    key = issuer._certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # noqa: SLF001
    body = leaf._certificate.tbs_precertificate_bytes  # noqa: SLF001
    head = struct.pack("!BBQH", stamp.version.value, 0, _millis(stamp), LogEntryType.PRE_CERTIFICATE.value)
    entry = sha256(key) + len(body).to_bytes(3, "big") + body
    return head + entry + struct.pack("!H", len(stamp.extension_bytes)) + stamp.extension_bytes


def _millis(stamp: SignedCertificateTimestamp) -> int:
    at = stamp.timestamp.replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def _allows_code(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    if usage is not None and ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        msg = "the authority may not issue certificates that sign code"
        raise ValueError(msg)


_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,  # where warnings are errors: what a later version refuses, we refuse
)
_TEXTUAL: Final = (x509.RFC822Name, x509.DNSName, x509.UniformResourceIdentifier)
_NAME_KINDS: Final[dict[str, type[x509.RFC822Name | x509.DNSName | x509.UniformResourceIdentifier]]] = {
    "email": x509.RFC822Name,
    "dns": x509.DNSName,
    "uri": x509.UniformResourceIdentifier,
}
_AUTHORITY: Final = verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(
    x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _allows_code
)
_LEAF: Final = verification.ExtensionPolicy.permit_all()
