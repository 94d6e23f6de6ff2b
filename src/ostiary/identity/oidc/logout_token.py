"""Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6): a provider ends sessions at our door.

Beyond what ``identity.tokens`` checks of every token: it says that it is a sign-out and nothing else, bears no
``nonce`` (an id token has one, and can never pass for this), names a person or a session, and comes once.

The claim ``jti`` is read as the token's subject, since that is the one claim that must be there.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ostiary.identity._seal import SEAL
from ostiary.identity.facts import TokenFacts
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.reasons import OidcRefusal, refusal
from ostiary.identity.oidc.types import VerifiedLogout
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.settings import ClaimNames, IssuerConfig
from ostiary.identity.strict import is_name

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_S: Final = 3600
_TYPES: Final = ("", "jwt", "logout+jwt")
_NAMES: Final = ClaimNames(subject="jti", acr="", amr="", auth_time="", client_id="", scopes="", session="sid")


def logout_tokens(config: ProviderConfig) -> IssuerConfig:
    """Return how a provider's logout tokens are verified."""
    return replace(
        config.tokens(),
        token_types=_TYPES,
        names=_NAMES,
        keep=("sub", "events", "nonce"),
        max_lifetime_s=LONGEST_S,
    )


def check_logout_token(facts: TokenFacts, config: ProviderConfig, used: ReplayMemory, now_ns: int) -> VerifiedLogout:
    """Return whose session ends, of a token whose signature, audience and dates have been checked.

    Raises:
        RefusedError: ``oidc_logout_token_invalid``, ``oidc_replayed``.
        UnavailableError: ``dpop_replay_memory_full``: too many are remembered.
    """
    claims = facts.claims
    events = claims.get("events")
    sub = claims.get("sub", "")
    named = bool(facts.session_id) if sub == "" else is_name(sub)
    ours = isinstance(events, Mapping) and set(events) == {EVENT} and isinstance(events[EVENT], Mapping)
    if not ours or "nonce" in claims or not named:
        raise refusal(OidcRefusal.LOGOUT)
    if not used.remember(f"logout:{config.name}", facts.subject_id.encode(), facts.until_ns, now_ns):
        raise refusal(OidcRefusal.REPLAYED)
    return VerifiedLogout(seal=SEAL, provider=config.name, tenant=config.tenant, sub=sub, sid=facts.session_id)
