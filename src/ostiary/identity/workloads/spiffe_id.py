"""Reads SPIFFE IDs as the standard spells them (SPIFFE-ID §2), and nothing else.

Rules:

- ``spiffe://`` in small letters; no user, port, query, fragment or percent sign;
- a trust domain of 1 to 255 of ``a-z 0-9 . - _``;
- path segments of ``A-Z a-z 0-9 . - _``, none of them empty, ``.`` or ``..``, and no ``/`` at the end;
- 2048 characters at most. The scheme and trust domain are not put into small letters here: an ID with another
  spelling is refused, so that two different texts are always two different workloads.

>>> parse_spiffe_id("spiffe://example.org/ns/prod/sa/web").path
'/ns/prod/sa/web'
>>> parse_spiffe_id("spiffe://Example.org/web")
Traceback (most recent call last):
...
ostiary.identity.workloads.spiffe_id.SpiffeIdError: the trust domain has characters other than a-z 0-9 . - _
"""

import re
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

SCHEME: Final = "spiffe://"
MAX_ID: Final = 2048
MAX_TRUST_DOMAIN: Final = 255
TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class SpiffeIdError(ValueError):
    """A text is no SPIFFE ID; says why, without repeating it."""


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """A SPIFFE ID in parts; ``path`` is empty or begins with ``/``."""

    trust_domain: str
    path: str

    @override
    def __str__(self) -> str:
        """Return the one spelling of it."""
        return f"{SCHEME}{self.trust_domain}{self.path}"


def parse_spiffe_id(text: object) -> SpiffeId:
    """Take ``text`` apart.

    Raises:
        SpiffeIdError: it is not the one spelling of a SPIFFE ID.
    """
    if not isinstance(text, str) or not text.startswith(SCHEME):
        msg = f"it does not begin with `{SCHEME}`"
        raise SpiffeIdError(msg)
    if len(text) > MAX_ID:
        msg = f"it has more than {MAX_ID} characters"
        raise SpiffeIdError(msg)
    trust_domain, slash, path = text.removeprefix(SCHEME).partition("/")
    _check_trust_domain(trust_domain)
    for segment in path.split("/") if slash else ():
        _check_segment(segment)
    return SpiffeId(trust_domain, slash + path)


def trust_domain_of(subject: object) -> str:
    """Return the trust domain that ``subject`` names, or nothing when it is no SPIFFE ID."""
    try:
        return parse_spiffe_id(subject).trust_domain
    except SpiffeIdError:
        return ""


def _check_trust_domain(name: str) -> None:
    if not name or len(name) > MAX_TRUST_DOMAIN:
        msg = f"the trust domain must have 1 to {MAX_TRUST_DOMAIN} characters"
        raise SpiffeIdError(msg)
    if not TRUST_DOMAIN.fullmatch(name):
        msg = "the trust domain has characters other than a-z 0-9 . - _"
        raise SpiffeIdError(msg)


def _check_segment(segment: str) -> None:
    if segment in {"", ".", ".."}:
        msg = "a segment of the path is empty or climbs"
        raise SpiffeIdError(msg)
    if not _SEGMENT.fullmatch(segment):
        msg = "the path has characters other than A-Z a-z 0-9 . - _"
        raise SpiffeIdError(msg)
