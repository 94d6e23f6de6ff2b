"""Who somebody with a session is at this moment: by an owner's entry, or by what a provider said (ADR-0066).

1. Whoever was ever entered in the console's people is what that entry says: a provider adds no role to it.
2. Whoever was taken off has none, whatever a provider says, until an owner enters the person again.
3. For everybody else the mapping counts as it is configured now, over the claims that were kept at the sign-in: a line
   that was taken out of the mapping, or a provider that was taken out of the configuration, lets nobody in any more.
4. A mapping never lets anybody look after the deployment.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.identity.browsing import BrowserSession, Vouched
from ostiary.server.console.people import ROLES, ConsolePerson, people_of
from ostiary.server.console.sessions import sessions_of
from ostiary.server.settings.console import OidcSection
from ostiary.server.wiring import House


def person_of(house: House, session: BrowserSession) -> ConsolePerson | None:
    """Return who the person of a session is now; ``None`` when nobody any more.

    Raises:
        VerificationError: ``shelf_tampered``.
    """
    vouched = session.vouched
    section = section_of(house, session.tenant, vouched.name, session.provider) if vouched else None
    if vouched and section is None:
        return None
    entered = people_of(house).entry(session.tenant, session.subject)
    if entered is not None:
        return entered if entered.roles else None
    if vouched is None or section is None:
        return None
    roles = roles_of(section, vouched)
    if not roles:
        return None
    return ConsolePerson(session.subject, roles, deployment=False, since_ns=session.began_ns, by=vouched.name)


def guests_of(house: House, tenant: str) -> list[ConsolePerson]:
    """Return who is signed in by a provider's word alone, each once, since its oldest session.

    Raises:
        VerificationError: ``shelf_tampered``.
    """
    now_ns, people = house.clock.now_ns(), people_of(house)
    found: dict[str, ConsolePerson] = {}
    for session in sorted(sessions_of(house).all(tenant), key=lambda one: one.began_ns):
        lives = session.vouched is not None and now_ns < session.expires_ns
        if lives and session.subject not in found and people.entry(tenant, session.subject) is None:
            person = person_of(house, session)
            if person is not None:
                found[session.subject] = person
    return sorted(found.values(), key=lambda one: one.subject)


def section_of(house: House, tenant: str, name: str, issuer: str) -> OidcSection | None:
    """Return the configuration of the provider that began a session, if it is still the same."""
    return next(
        (one for one in house.settings.console.oidc if (one.name, one.tenant, one.issuer) == (name, tenant, issuer)),
        None,
    )


def granted(section: OidcSection, claims: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return which lines of the mapping fit the claims of a verified id token."""
    return tuple((one.claim, one.value) for one in section.roles if _has(claims.get(one.claim), one.value))


def roles_of(section: OidcSection, vouched: Vouched) -> tuple[str, ...]:
    """Return the roles that the mapping gives now."""
    had = set(vouched.granted)
    given = {role for one in section.roles if (one.claim, one.value) in had for role in one.roles}
    return tuple(role for role in ROLES if role in given)


def _has(told: Any, value: str) -> bool:
    if told is True:
        return value == "true"
    return told == value or (isinstance(told, tuple) and value in told)
