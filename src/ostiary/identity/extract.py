"""Takes the secrets out of an AuthZEN context, so that no later step can record them.

Rules:

- The five members below are read and removed, whatever their type; what is left is safe to keep.
- A member of the wrong type is a fault of the caller, named by its JSON pointer; its value is never in the message.
- The given mapping is not changed.

>>> shown, rest = extract_presented({"subject_token": "e30.e30.x", "ip": "192.0.2.7"})
>>> rest, shown.token == "e30.e30.x"
({'ip': '192.0.2.7'}, True)
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import PresentedSubject

TOKEN: Final = "subject_token"  # noqa: S105 - the member's name
DPOP: Final = "dpop_proof"
METHOD: Final = "http_method"
URI: Final = "http_uri"
CERTIFICATE: Final = "client_cert_sha256"
MEMBERS: Final = frozenset({TOKEN, DPOP, METHOD, URI, CERTIFICATE})


def extract_presented(context: Mapping[str, Any]) -> tuple[PresentedSubject, dict[str, Any]]:
    """Split ``context`` into what is presented for the subject and the rest.

    Raises:
        FaultyInputError: ``presented_member_invalid``, with the pointer of the member.
    """
    if MEMBERS.isdisjoint(context):
        return PresentedSubject(), dict(context)
    presented = PresentedSubject(
        token=_text(context, TOKEN),
        dpop=_text(context, DPOP),
        htm=_text(context, METHOD),
        htu=_text(context, URI),
        client_cert_sha256=_text(context, CERTIFICATE),
    )
    return presented, strip_presented(context)


def strip_presented(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``context`` without its secrets; for records of requests that were refused before verification."""
    return {name: value for name, value in context.items() if name not in MEMBERS}


def _text(context: Mapping[str, Any], name: str) -> str | None:
    value = context.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FaultyInputError(Refusal.PRESENTED_MEMBER_INVALID, f"`{name}` must be a string", f"/context/{name}")
