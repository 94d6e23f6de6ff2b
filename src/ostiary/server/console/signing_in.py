"""Signing in by passkey: who, a challenge, an answer, a session.

1. Whoever asks learns nothing about who there is: a name that nobody has gets a passkey that nobody has, the same each
   time, and the refusal of every answer is one text.
2. Only a person with a role is signed in; one who proves itself and has none is told so.
3. Recorded before the cookie goes out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.identity.webauthn.answers import write_bytes
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.challenges import Binding
from ostiary.identity.webauthn.types import ACR, AMR, Authenticator, clean_subject
from ostiary.keys import sha256
from ostiary.server.console.cookies import Cookie
from ostiary.server.console.people import PURPOSE, people_of
from ostiary.server.console.sessions import begin
from ostiary.server.places import DEFAULT_TENANT
from ostiary.server.step_up.ceremony import Ceremonies, ask, confirm_with, timeout_ms
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import check_tenant

ANSWER_S: Final = 120
NO_ROLE: Final = "console_no_role"
REFUSED: Final = "console_sign_in_refused"
_NS: Final = 1_000_000_000
_DECOY: Final = "ostiary/console/decoy/v1\0"
_LONGEST_NAME: Final = 256


def options(house: House, ceremonies: Ceremonies, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page hands to ``navigator.credentials.get``, with its seal and until when it may be answered.

    Raises:
        FaultyInputError: ``console_name_invalid``.
    """
    tenant, subject = _named(told)
    now_ns = house.clock.now_ns()
    binding = _binding(tenant, subject, now_ns + ANSWER_S * _NS)
    challenge, seal = ask(ceremonies, binding)
    kept = ceremonies.passkeys.of_subject(tenant, subject) or [_decoy(house, tenant, subject)]
    wanted = assertion_options(ceremonies.party, challenge, kept, timeout_ms(binding, now_ns))
    return {"get": wanted, "seal": seal, "until": str(binding.expires_ns)}


def sign_in(house: House, ceremonies: Ceremonies, told: Mapping[str, Any], address: str) -> Cookie:
    """Verify an answer and begin a session.

    Raises:
        FaultyInputError: ``console_name_invalid``.
        RefusedError: ``console_sign_in_refused``, ``console_no_role``.
        UnavailableError: it cannot be recorded.
    """
    tenant, subject = _named(told)
    now_ns = house.clock.now_ns()
    try:
        confirm_with(ceremonies, _binding(tenant, subject, _until(told, now_ns)), told, now_ns)
    except (RefusedError, FaultyInputError) as no:
        raise RefusedError(REFUSED, "that did not work: check your name, and use a passkey of this server") from no
    if house.tenants.find(tenant) is None or people_of(house).find(tenant, subject) is None:
        raise RefusedError(NO_ROLE, "you have no role in this console: ask an owner to enter you")
    return begin(house, tenant, subject, acr=ACR, amr=AMR, address=address)[1]


def _named(told: Mapping[str, Any]) -> tuple[str, str]:
    tenant, name = told.get("tenant") or DEFAULT_TENANT, told.get("name")
    if not isinstance(tenant, str) or not isinstance(name, str) or len(name) > _LONGEST_NAME:
        raise _invalid()
    try:
        return check_tenant(tenant.strip()), clean_subject(f"user:{name.strip().removeprefix('user:')}")
    except OstiaryError:
        raise _invalid() from None


def _invalid() -> FaultyInputError:
    return FaultyInputError("console_name_invalid", "give the name that you were invited under")


def _until(told: Mapping[str, Any], now_ns: int) -> int:
    """Return until when the page says that it may answer; a wrong word fits no challenge, and is never far away."""
    text = told.get("until")
    until = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20 else 0  # noqa: PLR2004
    return until if until <= now_ns + ANSWER_S * _NS else 0


def _binding(tenant: str, subject: str, expires_ns: int) -> Binding:
    return Binding(
        purpose="sign_in",
        tenant=tenant,
        subject=subject,
        session="",
        action="sign_in",
        resource_type="console",
        resource_id="",
        cause="",
        expires_ns=expires_ns,
    )


def _decoy(house: House, tenant: str, subject: str) -> Authenticator:
    """Return a passkey that nobody has, for a name without one: the same each time, as a real one would be."""
    text = f"{_DECOY}{tenant}\0{subject}".encode()
    secret = house.ring.active(DEFAULT_TENANT, PURPOSE).sign(text)  # deterministic (RFC 8032), and nobody else's
    transports: Sequence[str] = ("internal",)
    return Authenticator(
        tenant=tenant,
        subject=subject,
        credential_id=write_bytes(sha256(secret)),
        public_key=b"",
        user_handle=b"",
        sign_count=0,
        name="",
        transports=tuple(transports),
    )
