"""A new passkey: what the browser is asked, and whether its answer holds.

1. The person must be verified; the passkey should be discoverable, so that it works without a name.
2. What it says of its make (attestation) is asked for and kept. It is believed only as far as its certificates lead to
   roots that were configured: a list of allowed models therefore needs roots, and refuses what does not lead there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.identity.webauthn.answers import Attestation, malformed, write_bytes
from ostiary.identity.webauthn.authentication import descriptor
from ostiary.identity.webauthn.checking import check_authenticator_data, check_client
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import Authenticator, RelyingParty

_CREATE: Final = "webauthn.create"
_ALGORITHMS: Final = (-7, -8, -257)
"""ES256, EdDSA, RS256 (COSE): what the library verifies and authenticators have."""
_FORMATS: Final = ("none", "packed", "tpm", "apple", "android-key", "fido-u2f")


class AttestationRules(msgspec.Struct, frozen=True):
    """Which passkeys are taken; both empty takes all.

    Attributes:
        models: allowed AAGUIDs, lower case.
        roots: PEM certificates that attestations must lead to for being believed.
    """

    models: tuple[str, ...] = ()
    roots: tuple[bytes, ...] = ()


def registration_options(
    party: RelyingParty, challenge: bytes, user: Mapping[str, str], kept: Iterable[Authenticator], timeout_ms: int
) -> dict[str, Any]:
    """Return ``PublicKeyCredentialCreationOptionsJSON``; ``user`` has ``id`` (base64url), ``name``, ``displayName``."""
    return {
        "challenge": write_bytes(challenge),
        "rp": {"id": party.rp_id, "name": party.name},
        "user": dict(user),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in _ALGORITHMS],
        "timeout": timeout_ms,
        "attestation": "direct",
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": False,
            "userVerification": "required",
        },
        "excludeCredentials": [descriptor(one) for one in kept],
    }


def verify_attestation(
    party: RelyingParty, attestation: Attestation, rules: AttestationRules, new: Authenticator
) -> Authenticator:
    """Verify an answer whose challenge the caller has checked; return ``new`` with all that the answer tells.

    Raises:
        RefusedError: the code of the first check that failed.
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    check_client(attestation.client, _CREATE, party)
    authenticator_data, has_chain = _opened(attestation)
    check_authenticator_data(authenticator_data, party)
    told = _verified(party, attestation, ())
    attested = has_chain and bool(rules.roots) and _leads_to(rules.roots, party, attestation)
    if write_bytes(told.credential_id) != attestation.credential_id:
        raise malformed("id")
    if rules.models and not (attested and told.aaguid.lower() in rules.models):
        raise refusal(StepUpRefusal.WEBAUTHN_MODEL_NOT_ALLOWED)
    return msgspec.structs.replace(
        new,
        credential_id=attestation.credential_id,
        public_key=told.credential_public_key,
        sign_count=told.sign_count,
        aaguid=told.aaguid.lower(),
        attestation=str(getattr(told.fmt, "value", told.fmt)),
        attested=attested,
        transports=attestation.transports,
        backed_up=told.credential_backed_up,
    )


def _opened(attestation: Attestation) -> tuple[bytes, bool]:
    """Return the authenticator data and whether a chain of certificates comes with it."""
    from webauthn.helpers import parse_cbor  # noqa: PLC0415 - a fifth of a second that no decision needs
    from webauthn.helpers.exceptions import InvalidCBORData  # noqa: PLC0415

    try:
        told = parse_cbor(attestation.attestation_object)
    except InvalidCBORData:
        raise malformed("attestationObject") from None
    data = told.get("authData") if isinstance(told, dict) else None
    if not isinstance(data, bytes) or told.get("fmt") not in _FORMATS or not isinstance(told.get("attStmt"), dict):
        raise malformed("attestationObject")
    return data, bool(told["attStmt"].get("x5c"))


def _leads_to(roots: Iterable[bytes], party: RelyingParty, attestation: Attestation) -> bool:
    """Return whether the certificates of an answer that holds lead to one of ``roots``."""
    try:
        _verified(party, attestation, roots)
    except RefusedError:
        return False
    return True


def _verified(party: RelyingParty, attestation: Attestation, roots: Iterable[bytes]) -> Any:
    """Return what the library makes of an answer.

    Raises:
        RefusedError: ``webauthn_attestation_refused``.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - as above
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AttestationFormat,
        AuthenticatorAttestationResponse,
        RegistrationCredential,
    )

    response = AuthenticatorAttestationResponse(attestation.client_data, attestation.attestation_object)
    known = list(roots)
    try:
        return verify_registration_response(
            credential=RegistrationCredential(attestation.credential_id, attestation.raw_id, response),
            expected_challenge=attestation.challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in _ALGORITHMS],
            pem_root_certs_bytes_by_fmt=dict.fromkeys(AttestationFormat, known) if known else None,
        )
    except Exception as fault:  # whatever outside bytes make the library raise, the answer is no
        raise refusal(StepUpRefusal.WEBAUTHN_ATTESTATION_REFUSED) from fault
