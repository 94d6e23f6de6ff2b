"""One provider as we use it: send a browser there, take its answer, verify its word. Blocks; not for an event loop.

The order of ``finish``, after the attempt has been found in the browser and used up by its ``state``:

1. the answer names the provider that was asked (RFC 9207), or came to an address that is this provider's alone ·
2. it holds a code and no error · 3. the code is redeemed with the attempt's verifier · 4. the id token is verified.

What the discovery document says is fetched anew after five minutes; while that fails, the last good one serves for an
hour. Keys are kept as all issuers' keys are (``jwks``).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.issuers import Issuer, IssuerBook
from ostiary.identity.jwks import IssuerKeys
from ostiary.identity.oidc.attempts import Attempt, Attempts
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.endpoints import Endpoints, read_endpoints
from ostiary.identity.oidc.id_token import check_id_token
from ostiary.identity.oidc.logout_token import check_logout_token, logout_tokens
from ostiary.identity.oidc.reasons import OidcRefusal, refusal
from ostiary.identity.oidc.talking import Redeem, post_form, redeem, unavailable
from ostiary.identity.oidc.types import VerifiedLogout, VerifiedSignIn
from ostiary.identity.ports import KeySource, ReplayMemory
from ostiary.identity.settings import IssuerConfig, JwksSettings
from ostiary.identity.sources import open_discovered, open_document
from ostiary.identity.tokens import TokenVerifier
from ostiary.identity.types import UnverifiedToken

CODE_LONGEST: Final = 4096
_NS: Final = 1_000_000_000


@dataclass(slots=True)
class _Kept:
    """The last good discovery document."""

    endpoints: Endpoints | None = None
    fetched_ns: int = 0
    failed_until_ns: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class OidcClient:
    """We as a client of one provider. Thread-safe."""

    def __init__(
        self,
        config: ProviderConfig,
        redirect_uri: str,
        *,
        alone: bool = True,
        send: Redeem = post_form,
        settings: JwksSettings | None = None,
    ) -> None:
        """Fetch nothing yet.

        Args:
            config: the provider.
            redirect_uri: where its answers come to.
            alone: whether no other provider's answers come there.
            send: redeems codes.
            settings: how its documents are fetched.

        Raises:
            FaultyInputError: ``identity_config_invalid``.
        """
        self.config = config
        self.redirect_uri = redirect_uri
        self._alone = alone
        self._send = send
        self._settings = settings or JwksSettings(timeout_s=5.0)
        place = config.place()
        self._document: KeySource = open_document(place, self._settings)
        self._keys = IssuerKeys(open_discovered(place, self._settings, config.own_hosts), self._settings)
        self._id_tokens = self._verifier(config.tokens())
        self._logout_tokens = self._verifier(logout_tokens(config))
        self._kept = _Kept()

    def address(self, attempts: Attempts, attempt: Attempt, now_ns: int) -> str:
        """Return where a browser goes to sign in.

        Raises:
            UnavailableError: ``oidc_provider_unavailable``.
        """
        config, again = self.config, bool(attempt.session)
        wanted = (config.step_up_acr_values or config.acr_values) if again else config.acr_values
        asked = {
            "response_type": "code",
            "client_id": config.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(config.scopes),
            "state": attempts.state(attempt),
            "nonce": attempts.nonce(attempt),
            "code_challenge": attempts.challenge(attempt),
            "code_challenge_method": "S256",
            "acr_values": " ".join(wanted),
            "prompt": "login" if again else config.prompt,
            "max_age": "0" if again else str(config.max_age_s or ""),
        }
        return _with(self.endpoints(now_ns).authorization, {name: value for name, value in asked.items() if value})

    def finish(self, attempts: Attempts, attempt: Attempt, answer: Mapping[str, str], now_ns: int) -> VerifiedSignIn:
        """Return who signed in; the attempt was used up before.

        Raises:
            RefusedError: one ``oidc_…`` or ``token_…`` code for each way to fail.
            UnavailableError: ``oidc_provider_unavailable``, ``jwks_unavailable``.
        """
        endpoints = self.endpoints(now_ns)
        self._check_issuer(answer.get("iss"), endpoints)
        if "error" in answer:
            raise refusal(OidcRefusal.REFUSED)
        code = answer.get("code", "")
        if not 0 < len(code) <= CODE_LONGEST or not code.isascii() or not code.isprintable():
            raise refusal(OidcRefusal.ANSWER)
        told = redeem(self.config, endpoints.token, code, attempts.verifier(attempt), self.redirect_uri, self._send)
        facts, _, _ = self._id_tokens.verify(UnverifiedToken(told.id_token), self.config.tenant, now_ns)
        return check_id_token(
            facts,
            self.config,
            nonce=attempts.nonce(attempt),
            access_token=told.access_token,
            fresh_since=self._fresh_since(attempt, now_ns),
        )

    def ended(self, text: str, used: ReplayMemory, now_ns: int) -> VerifiedLogout:
        """Return which sessions a logout token ends.

        Raises:
            RefusedError: one ``oidc_…`` or ``token_…`` code for each way to fail.
            UnavailableError: ``jwks_unavailable``, ``dpop_replay_memory_full``.
        """
        facts, _, _ = self._logout_tokens.verify(UnverifiedToken(text), self.config.tenant, now_ns)
        return check_logout_token(facts, self.config, used, now_ns)

    def leave_address(self, back: str, now_ns: int) -> str:
        """Return where a browser goes to sign out there, too; empty when the provider has no such place.

        No token is kept for this: the provider is told who we are, and asks the person where it wants to be sure.

        Raises:
            UnavailableError: ``oidc_provider_unavailable``.
        """
        place = self.endpoints(now_ns).end_session
        told = {"client_id": self.config.client_id, "post_logout_redirect_uri": back}
        return _with(place, told) if place else ""

    def endpoints(self, now_ns: int) -> Endpoints:
        """Return where the provider takes what.

        Raises:
            UnavailableError: ``oidc_provider_unavailable``.
        """
        kept, settings = self._kept, self._settings
        with kept.lock:
            due = now_ns >= kept.fetched_ns + settings.refresh_s * _NS
            if (kept.endpoints is None or due) and now_ns >= kept.failed_until_ns:
                try:
                    kept.endpoints = read_endpoints(self._document.fetch(), self.config)
                    kept.fetched_ns = now_ns
                except UnavailableError as fault:
                    kept.failed_until_ns = now_ns + settings.retry_s * _NS
                    if self._is_stale(now_ns):
                        raise UnavailableError(OidcRefusal.UNAVAILABLE, fault.message) from fault
            if kept.endpoints is None or self._is_stale(now_ns):
                raise unavailable()
            return kept.endpoints

    def _is_stale(self, now_ns: int) -> bool:
        return self._kept.endpoints is None or now_ns >= self._kept.fetched_ns + self._settings.max_stale_s * _NS

    def _check_issuer(self, told: str | None, endpoints: Endpoints) -> None:
        """Refuse an answer of another provider: its code would be shown to this one (RFC 9700 §4.4)."""
        silent_is_well = self._alone and not endpoints.names_itself
        if told != self.config.issuer and not (told is None and silent_is_well):
            raise refusal(OidcRefusal.MIXED_UP)

    def _fresh_since(self, attempt: Attempt, now_ns: int) -> int | None:
        if attempt.session:
            return attempt.began_ns // _NS
        return now_ns // _NS - self.config.max_age_s if self.config.max_age_s else None

    def _verifier(self, config: IssuerConfig) -> TokenVerifier:
        issuer = Issuer(config, self._keys)

        def find(tenant: str, name: str) -> Issuer | None:
            return issuer if (tenant, name) == (config.tenant, config.issuer) else None

        return TokenVerifier(IssuerBook([], own=find))


def issuer_and_audience(text: str) -> tuple[Any, Any]:
    """Return which issuer and client an unverified logout token names, to find who has to verify it.

    Raises:
        RefusedError: ``token_…``: it is no token.
    """
    from ostiary.identity.codes import TOKEN  # noqa: PLC0415 - with its reader
    from ostiary.identity.compact import parse_compact  # noqa: PLC0415
    from ostiary.identity.tokens import MAX_LENGTH  # noqa: PLC0415

    try:
        payload = parse_compact(text, MAX_LENGTH, TOKEN).payload
    except RefusedError as no:
        raise refusal(OidcRefusal.LOGOUT) from no
    audience = payload.get("aud")
    return payload.get("iss"), audience[0] if isinstance(audience, list) and len(audience) == 1 else audience


def _with(url: str, told: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(told, quote_via=quote)}"
