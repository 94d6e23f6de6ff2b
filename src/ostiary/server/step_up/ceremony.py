"""The parts that both ceremonies share, and the check of one assertion from its bytes to its counter.

The order of ``confirm_with`` is the order of ``docs/explanation/step-up.md``:

1. the challenge is ours, for this very binding, and in time · 2. the passkey is one of this subject's ·
3. the answer verifies · 4. the challenge was never used before · 5. the counter rose ·
6. the passkey is still there, its counter as it was.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.webauthn.answers import read_assertion, read_bytes, write_bytes
from ostiary.identity.webauthn.authentication import check_counter, choose, verify_assertion
from ostiary.identity.webauthn.challenges import RANDOM_BYTES, Binding, Challenges
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.ports import Passkeys
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.keys import random_bytes
from ostiary.server.wiring import House
from ostiary.vocabulary import ids

KIND: Final = "step_up"
RECORD_WAIT_S: Final = 10.0
SEAL_BYTES: Final = 32
_MS: Final = 1_000_000


class Ceremonies(msgspec.Struct, frozen=True):
    """Who we are, what is out, and where passkeys are kept."""

    party: RelyingParty
    challenges: Challenges
    passkeys: Passkeys


def ask(ceremonies: Ceremonies, binding: Binding) -> tuple[bytes, str]:
    """Return a fresh challenge for ``binding`` and its seal as text."""
    issued = ceremonies.challenges.issue(binding, random_bytes(RANDOM_BYTES))
    return issued.challenge, write_bytes(issued.seal)


def timeout_ms(binding: Binding, now_ns: int) -> int:
    """Return how long a browser may wait."""
    return max(1000, (binding.expires_ns - now_ns) // _MS)


def credential_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the browser's answer inside what the page posted."""
    credential = told.get("credential")
    return credential if isinstance(credential, Mapping) else {}


def seal_of(told: Mapping[str, Any]) -> bytes:
    """Return the seal that the page hands back."""
    return read_bytes(told, "seal", SEAL_BYTES, least=SEAL_BYTES)


def confirm_with(ceremonies: Ceremonies, binding: Binding, told: Mapping[str, Any], now_ns: int) -> Authenticator:
    """Verify an assertion for ``binding`` and use it up; return the passkey, its counter as it was before.

    Raises:
        RefusedError: the code of the first check that failed.
        FaultyInputError: ``webauthn_answer_malformed``.
        UnavailableError: something needed is away.
    """
    assertion = read_assertion(credential_of(told))
    ceremonies.challenges.check(assertion.challenge, seal_of(told), binding, now_ns)
    kept = choose(ceremonies.passkeys.of_subject(binding.tenant, binding.subject), assertion)
    count = verify_assertion(ceremonies.party, assertion, kept)
    ceremonies.challenges.use(assertion.challenge, binding, now_ns)
    check_counter(kept, count)
    noted = ceremonies.passkeys.used(
        kept.tenant, kept.subject, kept.credential_id, before=kept.sign_count, sign_count=count, at_ns=now_ns
    )
    if not noted:  # removed, or used from elsewhere, since it was looked up
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)
    return kept


def record(house: House, tenant: str, subject: str, entry: msgspec.Struct, now_ns: int) -> str:
    """Write one record of kind ``step_up`` and wait until it is on disk; it is erased with its subject.

    Raises:
        UnavailableError: the log cannot be written; what it tells of must not be done.
    """
    record_id = ids.make_id("stp", now_ns, random_bytes(ids.RANDOM_BYTES))
    waiting = house.log.append(tenant, KIND, record_id, now_ns, msgspec.json.encode(entry), subject)
    try:
        waiting.result(timeout=RECORD_WAIT_S)
    except TimeoutError as late:
        raise UnavailableError("record_failed", "this could not be recorded in time") from late
    return record_id
