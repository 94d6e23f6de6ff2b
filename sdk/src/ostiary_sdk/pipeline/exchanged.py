"""A token that is exchanged when it is first needed, renewed before it ends, and proven at each request.

- Safe for several threads: one of them renews, the others go on with the token that still holds. Safe in a process that
  was forked: it begins anew, with a key and a token of its own.
- A source whose tokens are good once (GitLab's) cannot be exchanged again: the token then ends when it ends.
- The key lives in this object alone. Pickling hands on where and for what, never key or token.

>>> access = Access("ostiary_dataset", "reviews", ("dataset.read",))
>>> ExchangedToken("https://ostiary.example", "default", lambda: "e30.e30.x", access)
ExchangedToken('https://ostiary.example', 'default', ostiary_dataset:reviews)
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import httpx

from ostiary_sdk.pipeline.access import Access
from ostiary_sdk.pipeline.exchanging import (
    MAX_ANSWER,
    NONCE_WANTED,
    Granted,
    TokenError,
    TokenSettings,
    form,
    http_client,
    read_granted,
)
from ostiary_sdk.pipeline.proofs import OwnKey
from ostiary_sdk.pipeline.sources import SourceError, TokenSource
from ostiary_sdk.settings import checked_url

log = logging.getLogger("ostiary_sdk")
DEFAULTS: Final = TokenSettings()
_DPOP: Final = "DPoP"
_BEARER: Final = "Bearer"
_PART: Final = 3  # a token is renewed when less than a third of its life is left, if that is sooner


class _Held:
    """A token with its end by the monotonic clock."""

    __slots__ = ("due", "end", "token")

    def __init__(self, granted: Granted, begun: float, renew_s: float) -> None:
        self.token = granted.access_token
        self.end = begun + granted.expires_in
        self.due = self.end - min(renew_s, granted.expires_in / _PART)


class ExchangedToken:
    """A ``Tokens`` that exchanges what its source gives for a token of one access."""

    def __init__(
        self,
        url: str,
        tenant: str,
        subject_token: str | TokenSource,
        detail: Access | Mapping[str, Any],
        *,
        actor_token: str | TokenSource = "",
        settings: TokenSettings = DEFAULTS,
        clock: Callable[[], float] = time.monotonic,
        key: OwnKey | None = None,
    ) -> None:
        """Take where, for whom and for what; nothing is sent before the first request.

        Args:
            url: the server's public address.
            tenant: whose tokens.
            subject_token: whom the access is for: a token, or what gives one each time.
            detail: what it is for.
            actor_token: who acts for that subject, if that is somebody else.
            settings: times and how to connect.
            clock: monotonic seconds.
            key: what tokens are bound to; by default a key of its own.

        Raises:
            ValueError: the address is none, or not safe to send a secret to.
        """
        self.url = checked_url(url, allow_http=settings.allow_http)
        self.tenant = tenant
        self.detail = detail
        self.settings = settings
        self._source = subject_token
        self._actor = actor_token
        self._clock = clock
        self._key = key or OwnKey()
        self._parent: ExchangedToken | None = None
        self._begin()

    def _begin(self) -> None:
        """Begin anew: a forked process has neither the right to its parent's key nor its locks."""
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._held: _Held | None = None
        self._retry_at = 0.0
        self._nonces: dict[str, str] = {}
        self._process = os.getpid()

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show where and for what; nothing secret is shown."""
        told = self.detail.document() if isinstance(self.detail, Access) else self.detail
        return f"ExchangedToken({self.url!r}, {self.tenant!r}, {told.get('type')}:{told.get('identifier')})"

    def __reduce__(self) -> tuple[Any, ...]:  # type: ignore[explicit-override] # as above
        """Hand on where and for what: whoever unpickles it makes a key and exchanges anew."""
        if self._parent is not None:
            return _narrowed, (self._parent, self.detail)
        if isinstance(self._source, str) or (isinstance(self._actor, str) and self._actor):
            raise TypeError("a token cannot be serialised: give a source that reads it where it is needed")
        return _again, (self.url, self.tenant, self._source, self.detail, self._actor, self.settings)

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the key that tokens are bound to; empty with a certificate."""
        return "" if self.settings.certificate else self._key().thumbprint

    def headers(self, method: str, url: str, /) -> dict[str, str]:
        """Return the headers that prove the caller of one request to a door.

        Raises:
            TokenError: there is no token now, and none can be had.
        """
        self._own()
        token = self._token()
        if self.settings.certificate:
            return {"Authorization": f"{_BEARER} {token}"}
        nonce = self._nonces.get(_origin(url), "")
        return {
            "Authorization": f"{_DPOP} {token}",
            "DPoP": self._key().proof(method, url, token=token, nonce=nonce),
        }

    def heard(self, url: str, headers: Mapping[str, str]) -> bool:
        """Take note of the nonce in an answer's headers; return whether there was one: then ask again."""
        nonce = {name.lower(): value for name, value in headers.items()}.get("dpop-nonce", "")
        if nonce:
            self._nonces[_origin(url)] = nonce
        return bool(nonce)

    def narrowed(self, detail: Access | Mapping[str, Any]) -> Self:
        """Return tokens for less of the same access, got by exchanging ours again with the same key."""
        settings, clock, key = self.settings, self._clock, self._key
        narrow = type(self)(self.url, self.tenant, self._token_now, detail, settings=settings, clock=clock, key=key)
        narrow._parent = self  # noqa: SLF001 - one of our own
        return narrow

    def drop(self) -> None:
        """Forget the token at hand: the next request exchanges anew."""
        with self._lock:
            self._held = None

    def revoke(self) -> None:
        """Give the token back: from now on no door takes it (RFC 7009).

        Raises:
            TokenError: the server did not take it back.
        """
        self._own()
        with self._lock:
            held, self._held = self._held, None
        if held is None:
            return
        url = f"{self.url}/oauth/{self.tenant}/revoke"
        status, body, _ = self._post(url, {"token": held.token}, token=held.token)
        if status != httpx.codes.OK:
            raise TokenError("not_revoked", f"status {status}: {body[:100]!r}")

    # How a token comes about.

    def _token_now(self) -> str:
        self._own()
        return self._token()

    def _token(self) -> str:
        held, now = self._held, self._clock()
        if held is not None and now < held.due:
            return held.token
        # While the old token holds, one renews and nobody waits; without one everybody waits for the one who asks.
        if not self._renewing.acquire(blocking=held is None or now >= held.end) and held is not None:
            return held.token
        try:
            return self._renewed()
        finally:
            self._renewing.release()

    def _renewed(self) -> str:
        held, now = self._held, self._clock()
        if held is not None and (now < held.due or (now < self._retry_at and now < held.end)):
            return held.token
        try:
            granted = self._exchange()
        except TokenError as fault:
            if held is None or self._clock() >= held.end:
                raise
            log.warning("the token could not be renewed yet: %s", fault.code)
            self._retry_at = self._clock() + self.settings.retry_s
            return held.token
        with self._lock:
            self._held = _Held(granted, now, self.settings.renew_s)
        return granted.access_token

    def _exchange(self) -> Granted:
        try:
            subject, actor = _given(self._source), _given(self._actor)
        except SourceError as fault:
            raise TokenError("source", str(fault)) from fault
        wanted = _BEARER if self.settings.certificate else _DPOP
        url = f"{self.url}/oauth/{self.tenant}/token"
        status, body, nonce = self._post(url, form(subject, self.detail, actor))
        if status == httpx.codes.BAD_REQUEST and nonce and NONCE_WANTED.encode() in body:  # RFC 9449 §8
            status, body, _ = self._post(url, form(subject, self.detail, actor))
        return read_granted(status, body, wanted)

    def _post(self, url: str, data: dict[str, str], token: str = "") -> tuple[int, bytes, bool]:
        headers = {"Accept": "application/json"}
        if not self.settings.certificate:
            headers["DPoP"] = self._key().proof("POST", url, token=token, nonce=self._nonces.get(_origin(url), ""))
        try:
            with http_client(self.settings) as client, client.stream("POST", url, data=data, headers=headers) as reply:
                body = bytearray()
                for chunk in reply.iter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise TokenError("answer_invalid", "the answer is too long")
                return reply.status_code, bytes(body), self.heard(url, reply.headers)
        except httpx.HTTPError as fault:
            raise TokenError("unreachable", type(fault).__name__) from fault

    def _own(self) -> None:
        if self._process != os.getpid():
            self._begin()


def _again(
    url: str,
    tenant: str,
    source: TokenSource,
    detail: Access | Mapping[str, Any],
    actor: str | TokenSource,
    settings: TokenSettings,
) -> ExchangedToken:
    return ExchangedToken(url, tenant, source, detail, actor_token=actor, settings=settings)


def _narrowed(parent: ExchangedToken, detail: Access | Mapping[str, Any]) -> ExchangedToken:
    return parent.narrowed(detail)


def _given(source: str | TokenSource) -> str:
    return source if isinstance(source, str) else source()


def _origin(url: str) -> str:
    parts = httpx.URL(url)
    return f"{parts.scheme}://{parts.host}:{parts.port}"
