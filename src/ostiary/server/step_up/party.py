"""Who we are to a browser, from the configuration alone: never from a request's ``Host``.

>>> from ostiary.server.settings.sections import Settings
>>> party_of(Settings()).origins, page_base(Settings())
(('http://localhost:8181',), 'http://localhost:8181')
"""

from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ostiary.errors import UnavailableError
from ostiary.identity.webauthn.registration import AttestationRules
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.server.addresses import public_url
from ostiary.server.settings.sections import Settings
from ostiary.server.settings.step_up import StepUpSection
from ostiary.server.step_up.origins import origin_of

_END: Final = b"-----END CERTIFICATE-----"
_MAX_ROOTS: Final = 4_194_304


def page_base(settings: Settings) -> str:
    """Return the address below which the pages are, without a slash at the end; empty when there is none.

    Passkeys belong to a domain (WebAuthn Level 3 §5.1.2), an address has none: a server known by its loopback address
    is reached as ``localhost``, one known by another address has no page.
    """
    if not settings.server.public_url and settings.server.port == 0:
        return ""  # which port it will be is not known yet, and a wrong link is worse than none
    base = public_url(settings.server)
    host = urlsplit(base).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return base
    if not address.is_loopback:
        return ""
    named = f"[{host}]" if ":" in host else host
    return base.replace(named, "localhost", 1)


def party_of(settings: Settings) -> RelyingParty | None:
    """Return the relying party, or ``None`` when there is no page for step-up."""
    wanted, base = settings.step_up, page_base(settings)
    rp_id = wanted.rp_id or (urlsplit(base).hostname or "")
    if not wanted.enabled or not base or not rp_id:
        return None
    return RelyingParty(rp_id, wanted.rp_name, wanted.origins or (origin_of(base),))


def step_up_base(settings: Settings) -> str:
    """Return where the pages are, or an empty string when there are none."""
    return page_base(settings) if party_of(settings) else ""


def unfit_origins(party: RelyingParty) -> list[str]:
    """Return the origins where browsers will not use our passkeys: another domain, or no HTTPS."""
    return [origin for origin in party.origins if not _fits(origin, party.rp_id)]


def _fits(origin: str, rp_id: str) -> bool:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    secure = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return secure and (host == rp_id or host.endswith(f".{rp_id}"))


@cache
def _roots(path: Path) -> tuple[bytes, ...]:
    try:
        text = path.read_bytes()
    except OSError as fault:
        message = f"the attestation roots `{path}` cannot be read: {fault.strerror}"
        raise UnavailableError("attestation_roots_unavailable", message) from fault
    found = tuple(part + _END for part in text[:_MAX_ROOTS].split(_END)[:-1])
    if not found:
        raise UnavailableError("attestation_roots_unavailable", f"`{path}` holds no certificate")
    return found


def rules_of(settings: StepUpSection) -> AttestationRules:
    """Return which passkeys are taken.

    Raises:
        UnavailableError: ``attestation_roots_unavailable``.
    """
    roots = _roots(settings.attestation_roots) if settings.attestation_roots else ()
    return AttestationRules(settings.models, roots)
