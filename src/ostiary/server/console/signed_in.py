"""Somebody who is signed in, as far as one request knows."""

import msgspec

from ostiary.identity.browsing import BrowserSession
from ostiary.identity.types import VerifiedIdentity
from ostiary.server.console.cookies import Cookie
from ostiary.server.console.people import ConsolePerson


class SignedIn(msgspec.Struct, frozen=True):
    """The cookie that was presented, and what it was found to be."""

    cookie: Cookie
    session: BrowserSession
    person: ConsolePerson
    identity: VerifiedIdentity
