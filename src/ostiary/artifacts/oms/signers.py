"""Who may sign a model: a key, the holder of a certificate, or an identity that Sigstore vouches for.

- Trust is the verifier's. Each kind names one signer exactly; "any certificate of that authority" is not offered.
- A bundle is checked by the trusted signers of its own kind only: a certificate bundle is no key bundle.
"""

from typing import Literal

import msgspec

from ostiary.artifacts.oms.trusted_root import TrustedRoot
from ostiary.keys.curves import CurvePublicKey

IdentityKind = Literal["uri", "email", "dns", "subject", "key"]


class TrustedKey(msgspec.Struct, frozen=True, tag="key", tag_field="kind"):
    """A public key that may sign.

    Attributes:
        key: the key itself.
        name: what reports call it.
    """

    key: CurvePublicKey
    name: str = ""


class TrustedCertificate(msgspec.Struct, frozen=True, tag="certificate", tag_field="kind"):
    """The holder of a code-signing certificate under pinned authorities.

    Attributes:
        roots: authorities in DER; nothing else is an anchor, least of all the system's list.
        identity_kind: which part of the certificate names the holder; ``key`` is the ``sha256:…`` of its public key.
        identity: the value it must have, compared exactly.
        name: what reports call it.
    """

    roots: tuple[bytes, ...]
    identity_kind: IdentityKind
    identity: str
    name: str = ""


class TrustedIdentity(msgspec.Struct, frozen=True, tag="sigstore", tag_field="kind"):
    """An identity of an OpenID Connect issuer, in a certificate of Fulcio, with the signature in Rekor.

    Attributes:
        root: the pinned trust root: authorities and logs. It is never fetched.
        identity: the certificate's one subject alternative name, compared exactly.
        issuer: the OpenID Connect issuer, compared exactly.
        name: what reports call it.
    """

    root: TrustedRoot
    identity: str
    issuer: str
    name: str = ""


TrustedSigner = TrustedKey | TrustedCertificate | TrustedIdentity


class SignerProof(msgspec.Struct, frozen=True):
    """Who signed, as proven.

    Attributes:
        kind: ``key``, ``certificate`` or ``sigstore``.
        name: what the policy calls the signer.
        identity: the certificate's identity; for a key its fingerprint.
        issuer: the OpenID Connect issuer, for Sigstore.
        fingerprint: ``sha256:…`` of the public key.
        signed_ns: when it was signed, proven by the log; 0 when nothing proves it.
    """

    kind: str
    name: str
    identity: str
    issuer: str
    fingerprint: str
    signed_ns: int = 0
