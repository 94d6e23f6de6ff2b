"""A small certificate authority: for tests, demonstrations and a house without a public-key infrastructure of its own.

- Curve keys only, SHA-2 only, serial numbers at random; a certificate lives as long as its maker says.
- ``before_log`` gives the bytes that a certificate log signs (RFC 6962 §3.2), so that a fake log can.

>>> authority = Authority.new("demo root", 0, 2 * 10**18)
>>> leaf = authority.issue(CurveKey.generate().public, Wish("ci", uris=("urn:ci",)), 0, 10**18)
>>> leaf.signs_code, leaf.alternative_names("uri")
(True, ('urn:ci',))
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.keys.certificates import Certificate
from ostiary.keys.curves import CurveKey, CurvePublicKey

_NS: Final = 1_000_000_000
_PURPOSES: Final = {
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
_HASHES: Final[dict[str, SHA256 | SHA384 | SHA512]] = {"P-256": SHA256(), "P-384": SHA384(), "P-521": SHA512()}


class Wish(msgspec.Struct, frozen=True):
    """What a certificate shall say.

    Attributes:
        subject: its common name; empty for none.
        uris: alternative names that are URIs.
        emails: alternative names that are mail addresses.
        purposes: ``code``, ``server``, ``client``; empty leaves the extension out.
        authority: whether it may issue others.
        raw: further extensions, by object identifier.
    """

    subject: str = ""
    uris: Sequence[str] = ()
    emails: Sequence[str] = ()
    purposes: Sequence[str] = ("code",)
    authority: bool = False
    raw: Sequence[tuple[str, bytes]] = ()


class Authority:
    """A key that issues certificates, with its own certificate."""

    def __init__(self, key: CurveKey, certificate: Certificate) -> None:
        """Issue with ``key``, under ``certificate``."""
        self._key = key
        self.certificate = certificate

    @classmethod
    def new(cls, subject: str, start_ns: int, end_ns: int, *, above: "Authority | None" = None) -> "Authority":
        """Return a root, or an authority below another."""
        key = CurveKey.generate()
        wish = Wish(subject, purposes=(), authority=True)
        builder = _builder(key.public, wish, start_ns, end_ns)
        parent = above.certificate if above else None
        return cls(key, _signed(builder, above._key if above else key, parent, wish.subject))  # noqa: SLF001 - one class

    def issue(self, key: CurvePublicKey, wish: Wish, start_ns: int, end_ns: int, serial: int = 0) -> Certificate:
        """Return a certificate of ``key``; ``serial`` repeats one, for a certificate that was logged beforehand."""
        builder = _builder(key, wish, start_ns, end_ns, serial)
        return _signed(builder, self._key, self.certificate, wish.subject)

    def pem(self) -> bytes:
        """Return the authority's certificate in PEM."""
        return to_pem(self.certificate)


def to_pem(certificate: Certificate) -> bytes:
    """Return a certificate in PEM."""
    return x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def before_log(certificate: Certificate) -> tuple[bytes, int]:
    """Return the part of a certificate that a log signs, without timestamps of logs, and its serial number."""
    found = x509.load_der_x509_certificate(certificate.der)
    return found.tbs_certificate_bytes, found.serial_number


def _builder(key: CurvePublicKey, wish: Wish, start_ns: int, end_ns: int, serial: int = 0) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(wish.subject))
        .public_key(load_der_public_key(key.der))  # type: ignore[arg-type]
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(start_ns // _NS, UTC))
        .not_valid_after(datetime.fromtimestamp(end_ns // _NS, UTC))
        .add_extension(x509.BasicConstraints(ca=wish.authority, path_length=None), critical=True)
        .add_extension(_usage(authority=wish.authority), critical=True)
    )
    if wish.purposes:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([_PURPOSES[one] for one in wish.purposes]), critical=False
        )
    names = [x509.UniformResourceIdentifier(one) for one in wish.uris] + [x509.RFC822Name(one) for one in wish.emails]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not wish.subject)
    for oid, value in wish.raw:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical=False)
    return builder


def _signed(builder: x509.CertificateBuilder, key: CurveKey, issuer: Certificate | None, subject: str) -> Certificate:
    private: Any = load_pem_private_key(key.private_pem(), None)
    public: Any = load_der_public_key(key.public.der)
    name = x509.load_der_x509_certificate(issuer.der).subject if issuer else _name(subject)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
    builder = builder.issuer_name(name).add_extension(identifier, critical=False)
    return Certificate.from_der(builder.sign(private, _HASHES[key.public.curve]).public_bytes(Encoding.DER))


def _name(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else [])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
