"""Certificate-bound tokens (RFC 8705 §3): the token names the certificate that must come with it.

Thumbprints are SHA-256 of the DER certificate. Proxies and TLS stacks spell them as hex, with or without colons;
tokens as base64url. Here there is one spelling, base64url.

>>> thumbprint("00:" * 31 + "FF") == thumbprint("00" * 31 + "ff")
True
"""

import re
from typing import Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.reasons import Refusal
from ostiary.identity.strict import b64url_decode, b64url_encode
from ostiary.keys.hashing import equal

_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}\Z")
_DIGEST_BYTES: Final = 32


def thumbprint(text: str) -> str:
    """Return ``text`` as base64url.

    Raises:
        RefusedError: ``mtls_certificate_invalid``.
    """
    if _HEX.match(text):
        return b64url_encode(bytes.fromhex(text.replace(":", ""))).decode()
    raw = b64url_decode(text.encode()) if text.isascii() else None
    if raw is None or len(raw) != _DIGEST_BYTES:
        _refuse(Refusal.MTLS_CERTIFICATE_INVALID, "the thumbprint of the client certificate is no SHA-256")
    return text


def check_certificate(presented: str | None, x5t: str) -> None:
    """Check that the presented thumbprint is the one to which the token is bound.

    Raises:
        RefusedError: one ``mtls_…`` code for each way to fail.
    """
    if not presented:
        _refuse(Refusal.MTLS_CERTIFICATE_MISSING, "the token is bound to a certificate and none came with it")
    if not equal(thumbprint(presented).encode(), x5t.encode()):
        _refuse(Refusal.MTLS_CERTIFICATE_WRONG, "the token is bound to another certificate")


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
