"""Sessions of the console: begun by a proof, found by a cookie, ended in the ledger.

1. Begun and ended sessions are recorded. What ends a session anywhere (a signal, an analyst) ends it here, too.
2. A session that is used is noted as such once a minute, not at each click.
3. A person has only so many; one more ends the oldest.
"""

from typing import Final

import msgspec

from ostiary.identity.browsing import BrowserSession, Vouched
from ostiary.keys import KeyRing, hash_secret, new_secret, random_bytes
from ostiary.server.console.cookies import Cookie
from ostiary.server.console.people import PURPOSE
from ostiary.server.deeds import record_about
from ostiary.server.signed_shelf import ShelfStore, SignedShelf
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, check_tenant, make_id

_KIND: Final = "console_session"
_NS: Final = 1_000_000_000
_NOTED_NS: Final = 60 * _NS
_PREFIX: Final = "con"
SIGNED_OUT: Final = "signed_out"


class BrowserSessions:
    """The sessions of all tenants."""

    def __init__(self, store: ShelfStore, ring: KeyRing) -> None:
        """Keep them in ``store``."""
        self._shelf = SignedShelf(store, ring, _KIND, BrowserSession, PURPOSE)

    def find(self, cookie: Cookie) -> BrowserSession | None:
        """Return the session that a cookie names; whether the cookie may use it is for ``identity`` to say.

        Raises:
            FaultyInputError: ``tenant_invalid``.
            VerificationError: ``shelf_tampered``.
        """
        return self._shelf.load(check_tenant(cookie.tenant), cookie.session_id)

    def of(self, tenant: str, subject: str) -> list[BrowserSession]:
        """Return a person's sessions, oldest first."""
        found = [one for one in self._shelf.all(tenant) if one.subject == subject]
        return sorted(found, key=lambda one: one.began_ns)

    def all(self, tenant: str) -> list[BrowserSession]:
        """Return all of a tenant's."""
        return self._shelf.all(tenant)

    def vouched_by(self, tenant: str, name: str) -> list[BrowserSession]:
        """Return the sessions that a provider began."""
        return [one for one in self._shelf.all(tenant) if one.vouched is not None and one.vouched.name == name]

    def keep(self, session: BrowserSession, now_ns: int) -> None:
        """Keep one."""
        self._shelf.save(session.tenant, session.session_id, session, now_ns)

    def drop(self, session: BrowserSession) -> None:
        """Forget one."""
        self._shelf.delete(session.tenant, session.session_id)


def sessions_of(house: House) -> BrowserSessions:
    """Return the sessions of a house."""
    return BrowserSessions(house.store.snapshots, house.ring)


def begin(
    house: House,
    tenant: str,
    subject: str,
    *,
    acr: str,
    amr: tuple[str, ...],
    address: str,
    provider: str = "",
    vouched: Vouched | None = None,
) -> tuple[BrowserSession, Cookie]:
    """Begin a session of a person who has just proved who it is; the oldest goes when there are too many.

    Raises:
        UnavailableError: it cannot be recorded; nobody is signed in.
    """
    now_ns, sessions, secret = house.clock.now_ns(), sessions_of(house), new_secret()
    kind, _, name = subject.partition(":")
    session = BrowserSession(
        tenant=tenant,
        session_id=make_id(_PREFIX, now_ns, random_bytes(RANDOM_BYTES)),
        subject_type=kind,
        subject_id=name,
        secret_hash=hash_secret(secret),
        acr=acr,
        amr=amr,
        began_ns=now_ns,
        seen_ns=now_ns,
        expires_ns=now_ns + house.settings.console.session_s * _NS,
        provider=provider,
        vouched=vouched,
    )
    told = {"subject": subject, "session": session.session_id, "acr": acr, "address": address, "provider": provider}
    if vouched:
        told["granted"] = ", ".join(f"{claim}={value}" for claim, value in vouched.granted)
    record_about(subject, house, subject, tenant, "console.sign_in", told)
    for old in sessions.of(tenant, subject)[: -house.settings.console.max_sessions + 1 or None]:
        end(house, old, "console_sessions_exceeded")
    sessions.keep(session, now_ns)
    return session, Cookie(tenant, session.session_id, secret)


def note(house: House, session: BrowserSession, now_ns: int) -> None:
    """Note that a session is used."""
    if now_ns - session.seen_ns >= _NOTED_NS:
        sessions_of(house).keep(msgspec.structs.replace(session, seen_ns=now_ns), now_ns)


def end(house: House, session: BrowserSession, reason: str = SIGNED_OUT) -> None:
    """End a session, here and in the ledger.

    Raises:
        UnavailableError: it cannot be recorded; the session goes on.
    """
    told = {"subject": session.subject, "session": session.session_id, "reason": reason}
    cause = record_about(session.subject, house, session.subject, session.tenant, "console.sign_out", told)
    now_ns = house.clock.now_ns()
    house.ledger.terminate(session.tenant, session.session_id, at_ns=now_ns, reason=reason, cause=cause)
    sessions_of(house).drop(session)
