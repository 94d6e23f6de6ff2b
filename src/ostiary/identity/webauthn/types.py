"""The nouns of step-up: the relying party that we are, and a passkey as it is kept.

>>> RelyingParty("id.example.org", "Ostiary", ("https://id.example.org",)).rp_id
'id.example.org'
"""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal

ACR: Final = "urn:ostiary:acr:phishing-resistant"
AMR: Final = ("pop", "user", "mfa")
"""What a passkey with user verification is, in the words of RFC 8176: key in possession, presence, two factors."""
MAX_SUBJECT: Final = 2048
_MAX_NAME: Final = 64


class RelyingParty(msgspec.Struct, frozen=True):
    """Who we are to a browser; all of it from the configuration.

    Attributes:
        rp_id: the domain that passkeys are bound to.
        name: what a browser may show.
        origins: where ceremonies may happen, such as ``https://id.example.org``.
    """

    rp_id: str
    name: str
    origins: tuple[str, ...]


class Authenticator(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey of one subject.

    Attributes:
        subject: ``type:id``.
        credential_id: base64url, unique within the tenant.
        public_key: COSE key.
        user_handle: random bytes that name the subject to its authenticators; tell nothing about it.
        sign_count: the highest counter seen; 0 for those that do not count.
        attestation: format of its attestation statement, such as ``packed``.
        attested: whether the statement leads to a root that was configured.
        backed_up: whether it is kept elsewhere too, as synchronised passkeys are.
        used_ns: when it last confirmed something; 0 for never.
    """

    tenant: str
    subject: str
    credential_id: str
    public_key: bytes
    user_handle: bytes
    sign_count: int
    name: str
    aaguid: str = ""
    attestation: str = "none"
    attested: bool = False
    transports: tuple[str, ...] = ()
    backed_up: bool = False
    created_ns: int = 0
    used_ns: int = 0


def clean_name(text: object) -> str:
    """Return a passkey's name without blanks around it.

    Raises:
        FaultyInputError: ``authenticator_name_invalid``.
    """
    name = text.strip() if isinstance(text, str) else ""
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise _faulty(StepUpRefusal.AUTHENTICATOR_NAME_INVALID)
    return name


def clean_subject(text: str) -> str:
    """Return ``text`` when it is ``type:id``.

    Raises:
        FaultyInputError: ``subject_invalid``.
    """
    kind, _, name = text.partition(":")
    if not kind or not name or len(text) > MAX_SUBJECT or not text.isprintable():
        raise _faulty(StepUpRefusal.SUBJECT_INVALID)
    return text


def _faulty(code: StepUpRefusal) -> FaultyInputError:
    return FaultyInputError(code.value, WORDS[code])
