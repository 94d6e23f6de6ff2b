r"""The ``WWW-Authenticate`` header: who may call at all (RFC 6750), and what a step-up asks for (RFC 9470).

On a decision the challenge is a ready-made answer for the enforcement point to pass on to its own caller.

>>> print(quoted('a"b'))
"a\"b"
"""

from typing import Any, Final

from ostiary.decision.parts import Decided
from ostiary.identity.reasons import Refusal

UNAUTHENTICATED: Final = (
    (b"www-authenticate", b'Bearer realm="ostiary"'),
    (b"www-authenticate", b'Basic realm="ostiary", charset="UTF-8"'),
)


NONCE: Final = "dpop_nonce"
_NONCE_REFUSALS: Final = frozenset({Refusal.DPOP_NONCE_MISSING.value, Refusal.DPOP_NONCE_WRONG.value})


def quoted(text: str) -> str:
    """Return ``text`` as a quoted string of RFC 9110 §5.6.4; what a header cannot hold becomes a question mark."""
    safe = "".join(c if " " <= c <= "~" else "?" for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def step_up_challenge(decided: Decided) -> tuple[tuple[bytes, bytes], ...]:
    """Return the RFC 9470 §3 challenge of a step-up decision."""
    context: dict[str, Any] = decided.answer.get("context", {})
    fields = ['error="insufficient_user_authentication"']
    acr, max_age = context.get("acr_values"), context.get("max_age")
    if isinstance(acr, str) and acr:
        fields.append(f"acr_values={quoted(acr)}")
    if isinstance(max_age, int):
        fields.append(f'max_age="{max_age}"')
    return ((b"www-authenticate", ("Bearer " + ", ".join(fields)).encode("ascii")),)


def nonce_challenge(decided: Decided) -> tuple[tuple[bytes, bytes], ...]:
    """Return the RFC 9449 §8 challenge: the same proof again, with the nonce of ours that the answer holds."""
    nonce = decided.answer["context"][NONCE]
    challenge = b'DPoP error="use_dpop_nonce", error_description="the proof must carry the nonce of DPoP-Nonce"'
    return ((b"www-authenticate", challenge), (b"dpop-nonce", nonce.encode("ascii")))


def lacks_nonce(decided: Decided) -> bool:
    """Return whether the subject's proof was refused only for lack of a nonce of ours."""
    return decided.record.refusal in _NONCE_REFUSALS
