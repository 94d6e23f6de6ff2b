"""Somebody who is signed in: a token that is fresh, and a proof for each request.

- A token is renewed a little before it ends, by one caller at a time, over all processes that share the folder.
- What the provider refuses is final: the sign-in is over, and the error says how to begin a new one.
- A provider that is away is no reason to stop using a token that still lives.
"""

import threading
from typing import Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.exchange.proving import make_proof
from ostiary.identity.login.granting import Granted, Granting
from ostiary.identity.login.store import NOT_SIGNED_IN, Login, LoginStore
from ostiary.identity.login.talking import Talk
from ostiary.vocabulary.clock import Clock

EARLY_NS: Final = 30_000_000_000
_JWT_DOTS: Final = 2


class SignedIn:
    """The person who signed in; safe for several threads."""

    def __init__(self, store: LoginStore, talk: Talk, clock: Clock) -> None:
        """Read the sign-in.

        Raises:
            RefusedError: ``not_signed_in``.
        """
        self._store = store
        self._talk = talk
        self._clock = clock
        self._key = store.key()
        self._login = store.read()
        self._lock = threading.Lock()

    def headers(self, method: str, url: str, nonce: str = "") -> dict[str, str]:
        """Return what a request must bear; may renew, so not for an event loop.

        Raises:
            RefusedError: ``not_signed_in``: the sign-in is over.
            UnavailableError: ``provider_unavailable``: the token is over, and the provider is away.
        """
        granted = self._fresh()
        token = usable(granted)
        if not granted.bound:
            return {"authorization": f"Bearer {token}"}
        proof = make_proof(self._key, method, url, self._clock.now_ns(), token=token, nonce=nonce)
        return {"authorization": f"DPoP {token}", "dpop": proof}

    def renew(self) -> None:
        """Renew now, whatever the clock says: the server called the token over.

        Raises:
            RefusedError: ``not_signed_in``.
            UnavailableError: ``provider_unavailable``.
        """
        with self._lock:
            self._renew(self._login.granted.access_token)

    def _fresh(self) -> Granted:
        with self._lock:
            granted = self._login.granted
            now_ns = self._clock.now_ns()
            if now_ns < granted.expires_ns - EARLY_NS:
                return granted
            try:
                self._renew(granted.access_token)
            except UnavailableError:
                if now_ns >= granted.expires_ns:
                    raise
            return self._login.granted

    def _renew(self, seen: str) -> None:
        with self._store.alone():
            self._login = self._store.read()
            if self._login.granted.access_token == seen:  # nobody else renewed meanwhile
                self._login = self._renewed(self._login)
                self._store.write(self._login)

    def _renewed(self, login: Login) -> Login:
        refresh = login.granted.refresh_token
        if not refresh:
            raise RefusedError(NOT_SIGNED_IN, "the sign-in is over: run `ostiary login` again")
        granting = Granting(login.provider, login.client_id, self._key, self._talk, self._clock)
        answer = granting.ask({"grant_type": "refresh_token", "refresh_token": refresh})
        try:
            return msgspec.structs.replace(login, granted=granting.granted(answer, refresh))
        except RefusedError as no:
            raise RefusedError(NOT_SIGNED_IN, f"the sign-in is over, {no.message}: run `ostiary login` again") from no


def usable(granted: Granted) -> str:
    """Return the token that an enforcement point can verify: a JWT; an opaque access token is for the provider alone.

    Raises:
        RefusedError: ``token_opaque``.
    """
    if granted.access_token.count(".") == _JWT_DOTS:
        return granted.access_token
    if granted.id_token.count(".") == _JWT_DOTS and not granted.bound:
        return granted.id_token
    raise RefusedError("token_opaque", "the provider's tokens are no JWTs: ask it for JWT access tokens (RFC 9068)")
