r"""The ``WWW-Authenticate`` header: who may call at all (RFC 6750), and what a step-up asks for (RFC 9470).

On a decision the challenge is a ready-made answer for the enforcement point to pass on to its own caller.

>>> print(quoted('a"b'))
"a\"b"
"""

from typing import Any, Final

import msgspec

from ostiary.decision.parts import Decided
from ostiary.identity.reasons import Refusal
from ostiary.server.step_up.asked import STEP_UP, acr_for, proof_of, step_up_of

UNAUTHENTICATED: Final = (
    (b"www-authenticate", b'Bearer realm="ostiary"'),
    (b"www-authenticate", b'Basic realm="ostiary", charset="UTF-8"'),
)


STEP_UP_PATH: Final = "/step-up/"
NONCE: Final = "dpop_nonce"
_NONCE_REFUSALS: Final = frozenset({Refusal.DPOP_NONCE_MISSING.value, Refusal.DPOP_NONCE_WRONG.value})


def quoted(text: str) -> str:
    """Return ``text`` as a quoted string of RFC 9110 §5.6.4; what a header cannot hold becomes a question mark."""
    safe = "".join(c if " " <= c <= "~" else "?" for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def step_up_challenge(decided: Decided) -> tuple[tuple[bytes, bytes], ...]:
    """Return the RFC 9470 §3 challenge of a step-up decision.

    The scheme is that of the subject's token. ``step_up_uri`` is ours: clients pass over parameters that they do not
    know (RFC 9110 §11.2).
    """
    context: dict[str, Any] = decided.answer.get("context", {})
    fields = ['error="insufficient_user_authentication"']
    acr, max_age, uri = context.get("acr_values"), context.get("max_age"), uri_of(context)
    if isinstance(acr, str) and acr:
        fields.append(f"acr_values={quoted(acr)}")
    if isinstance(max_age, int):
        fields.append(f'max_age="{max_age}"')
    if uri:
        fields.append(f"step_up_uri={quoted(uri)}")
    scheme = "DPoP " if proof_of(decided.record) == "dpop" else "Bearer "
    return ((b"www-authenticate", (scheme + ", ".join(fields)).encode("ascii")),)


def with_uri(decided: Decided, base: str, ours: tuple[str, ...]) -> Decided:
    """Return a step-up decision that also says where a person can answer it; any other as it is.

    Only the answer is changed, and only here: the record and its replay know no address of this server.
    """
    obligation = step_up_of(decided.record) if base else None
    if obligation is None or not acr_for(obligation, ours):
        return decided
    record = decided.record
    where = f"{base}{STEP_UP_PATH}{record.tenant}/{record.receipt.decision_id}"
    context = decided.answer["context"]
    told = [_placed(one, where) if one["type"] == STEP_UP else one for one in context["obligations"]]
    return msgspec.structs.replace(decided, answer={**decided.answer, "context": {**context, "obligations": told}})


def _placed(obligation: dict[str, Any], where: str) -> dict[str, Any]:
    return {**obligation, "properties": {**obligation["properties"], "uri": where}}


def uri_of(context: dict[str, Any]) -> str:
    """Return where an answer's step-up can be answered, or an empty string."""
    for one in context.get("obligations", ()):
        uri = one["properties"].get("uri") if one["type"] == STEP_UP else None
        if isinstance(uri, str):
            return uri
    return ""


def nonce_challenge(decided: Decided) -> tuple[tuple[bytes, bytes], ...]:
    """Return the RFC 9449 §8 challenge: the same proof again, with the nonce of ours that the answer holds."""
    nonce = decided.answer["context"][NONCE]
    challenge = b'DPoP error="use_dpop_nonce", error_description="the proof must carry the nonce of DPoP-Nonce"'
    return ((b"www-authenticate", challenge), (b"dpop-nonce", nonce.encode("ascii")))


def lacks_nonce(decided: Decided) -> bool:
    """Return whether the subject's proof was refused only for lack of a nonce of ours."""
    return decided.record.refusal in _NONCE_REFUSALS
