"""From a provider's verified word to a session of the console.

1. A session begins only for somebody with a role, by ``standing``; who has none is told by which name an owner could
   enter the person, for it is the person itself that asks.
2. A confirmation replaces a session by a fresh one of the same person; nobody comes out of it as somebody else.
"""

from ostiary.errors import RefusedError
from ostiary.identity.browsing import BrowserSession, Vouched
from ostiary.identity.oidc.reasons import OidcRefusal, refusal
from ostiary.identity.oidc.types import VerifiedSignIn
from ostiary.server.console.cookies import Cookie
from ostiary.server.console.oidc.standing import granted, person_of
from ostiary.server.console.sessions import begin, end
from ostiary.server.console.signing_in import NO_ROLE
from ostiary.server.settings.console import OidcSection
from ostiary.server.wiring import House

CONFIRMED = "console_confirmed"
TYPE = "user"


def arrive(
    house: House, section: OidcSection, told: VerifiedSignIn, address: str, before: BrowserSession | None
) -> Cookie:
    """Begin a session; ``before`` is the one that it confirms.

    Raises:
        RefusedError: ``console_no_role``, ``oidc_other_person``.
        UnavailableError: it cannot be recorded; nobody is signed in.
    """
    subject = f"{TYPE}:{told.subject_id}"
    if before is not None and (before.tenant, before.subject) != (told.tenant, subject):
        raise refusal(OidcRefusal.OTHER_PERSON)
    vouched = Vouched(
        name=told.provider,
        subject=told.sub,
        session=told.sid,
        granted=granted(section, told.claims),
        proved_s=told.auth_time,
    )
    if house.tenants.find(told.tenant) is None or person_of(house, _supposed(told, subject, vouched)) is None:
        raise RefusedError(NO_ROLE, f"you have no role in this console: ask an owner to enter you as `{subject}`")
    _, cookie = begin(
        house,
        told.tenant,
        subject,
        acr=section.acr_means.get(told.acr, told.acr),
        amr=told.amr,
        address=address,
        provider=told.issuer,
        vouched=vouched,
    )
    if before is not None:
        end(house, before, CONFIRMED)
    return cookie


def _supposed(told: VerifiedSignIn, subject: str, vouched: Vouched) -> BrowserSession:
    """Return the session that is about to begin, as far as it says who somebody is."""
    return BrowserSession(
        tenant=told.tenant,
        session_id="",
        subject_type=TYPE,
        subject_id=subject.partition(":")[2],
        secret_hash="",
        acr=told.acr,
        amr=told.amr,
        began_ns=0,
        seen_ns=0,
        expires_ns=0,
        provider=told.issuer,
        vouched=vouched,
    )
