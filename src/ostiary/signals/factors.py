"""How strong a way of proving oneself is: 0 nothing, 1 a secret, 2 a code, 3 a key, 4 bound to its origin.

The scale follows the assurance levels of NIST SP 800-63B: a memorised secret, a one-time code or push, a software key,
a phishing-resistant authenticator. Names are those of RFC 8176 (``amr``) and what products call them.

>>> strength("pwd", None), strength("pwd", True), strength("webauthn", True), strength("incantation", None)
(1.0, 2.0, 4.0, None)
"""

from typing import Final

_LEVELS: Final[dict[float, str]] = {
    1.0: "pwd password pin kba basic legacy ldap",
    2.0: "otp totp hotp sms tel mfa push mca email call voice duo",
    3.0: "swk key token kerberos wia fpt face iris saml certificate cert app x509",
    4.0: "hwk fido fido2 webauthn passkey passkeys sc smartcard mtls u2f windowshello pop",
}
_STRENGTH: Final = {name: level for level, names in _LEVELS.items() for name in names.split()}
_TWO: Final = 2.0


def strength(method: str | None, mfa: bool | None) -> float | None:  # noqa: FBT001 - the event's own field
    """Return the strength of a log-in, or ``None`` when neither method nor second factor tells one."""
    level = None if method is None else _STRENGTH.get(method.lower())
    if mfa:
        return max(level or 0.0, _TWO)
    return level
