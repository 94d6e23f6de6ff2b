"""Signing out at a provider, and a provider that signs somebody out here.

1. Whoever signs out here is led to the provider's own sign-out, where it has one: else the next click signs in again.
2. A provider's sign-out ends the sessions that this provider began, and no other: one session where it names one that
   we know by that name, else all of the person's. It is answered once they are ended in the ledger and on record.
"""

from typing import Final

from ostiary.identity.browsing import BrowserSession
from ostiary.identity.oidc.client import issuer_and_audience
from ostiary.identity.oidc.types import VerifiedLogout
from ostiary.server.console.oidc.providers import Providers
from ostiary.server.console.paths import SIGN_IN
from ostiary.server.console.sessions import end, sessions_of
from ostiary.server.wiring import House

BY_PROVIDER: Final = "provider_signed_out"


def leave_address(providers: Providers, session: BrowserSession, now_ns: int) -> str:
    """Return where a browser goes to sign out at its provider, too; empty when nowhere.

    Raises:
        RefusedError: ``oidc_provider_unknown``.
        UnavailableError: ``oidc_provider_unavailable``.
    """
    if session.vouched is None:
        return ""
    return providers.find(session.vouched.name).client.leave_address(f"{providers.base}{SIGN_IN}", now_ns)


def end_by_provider(house: House, providers: Providers, logout_token: str) -> int:
    """End what a logout token ends; return how many sessions that were.

    Raises:
        RefusedError: ``oidc_…``, ``token_…``: it is no sign-out of a provider of ours.
        UnavailableError: keys cannot be fetched, or it cannot be recorded.
    """
    provider = providers.of_client(*issuer_and_audience(logout_token))
    told = provider.client.ended(logout_token, providers.logouts, house.clock.now_ns())
    sessions = [one for one in sessions_of(house).vouched_by(told.tenant, told.provider) if _meant(one, told)]
    for one in sessions:
        end(house, one, BY_PROVIDER)
    return len(sessions)


def _meant(session: BrowserSession, told: VerifiedLogout) -> bool:
    vouched = session.vouched
    if vouched is None or (told.sub and vouched.subject != told.sub):
        return False
    if told.sid and vouched.session:
        return vouched.session == told.sid
    return bool(told.sub)  # a session whose name there we were not told goes with its person
