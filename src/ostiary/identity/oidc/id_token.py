"""Verifies an id token and makes of it who somebody is here (OpenID Connect Core §3.1.3.7).

What must be true, beyond what ``identity.tokens`` checks of every token (envelope, algorithm, key, signature, issuer,
one audience that is us, dates):

1. ``azp``, where it is there, is us; 2. ``nonce`` is this attempt's; 3. ``at_hash``, where it is there, fits the access
token that came along; 4. the sign-in is as fresh as was asked for; 5. the claim that names the person is fit for it.

A name is what ``subject_claim`` says, with the provider's own name before it unless the operator wants it otherwise.
An e-mail address counts only where the provider has verified it; names have no letters that look like others.
"""

from typing import Any, Final

from ostiary.identity._seal import SEAL
from ostiary.identity.facts import TokenFacts
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.reasons import OidcRefusal, refusal
from ostiary.identity.oidc.types import VerifiedSignIn
from ostiary.identity.strict import b64url_encode
from ostiary.keys import equal, sha256

# OpenID Connect Core §3.1.3.6: the left half of the hash that the signature's algorithm uses.
_SHA256: Final = frozenset({"ES256", "PS256", "RS256", "EdDSA", "Ed25519"})
_HALF: Final = 16
_LONGEST: Final = 255
_VERIFIED: Final = "email_verified"


def check_id_token(
    facts: TokenFacts, config: ProviderConfig, *, nonce: str, access_token: str, fresh_since: int | None
) -> VerifiedSignIn:
    """Return who signed in, of a token whose signature, audience and dates have been checked.

    Args:
        facts: what the token says.
        config: the provider.
        nonce: the attempt's.
        access_token: what came with it.
        fresh_since: since when the person must have signed in, Unix seconds; ``None`` does not ask.

    Raises:
        RefusedError: ``oidc_authorized_party_wrong``, ``oidc_nonce_wrong``, ``oidc_access_token_hash_wrong``,
            ``oidc_not_fresh``, ``oidc_subject_invalid``, ``oidc_email_unverified``.
    """
    claims = facts.claims
    if claims.get("azp", config.client_id) != config.client_id:
        raise refusal(OidcRefusal.PARTY)
    told = claims.get("nonce")
    if not isinstance(told, str) or not equal(told.encode("utf-8", "replace"), nonce.encode()):
        raise refusal(OidcRefusal.NONCE)
    if "at_hash" in claims:
        _check_hash(claims["at_hash"], facts, access_token)
    if fresh_since is not None and (facts.auth_time is None or facts.auth_time < fresh_since - config.clock_skew_s):
        raise refusal(OidcRefusal.NOT_FRESH)
    return VerifiedSignIn(
        seal=SEAL,
        provider=config.name,
        tenant=config.tenant,
        issuer=config.issuer,
        subject_id=_subject(facts, config),
        sub=facts.subject_id,
        sid=facts.session_id,
        acr=facts.acr,
        amr=facts.amr,
        auth_time=facts.auth_time,
        claims=claims,
    )


def _check_hash(told: Any, facts: TokenFacts, access_token: str) -> None:
    algorithm = facts.traits.algorithm if facts.traits else ""
    if algorithm not in _SHA256:
        return  # PKCE binds the tokens to this attempt; the hash is one check more where it is SHA-256
    wanted = b64url_encode(sha256(access_token.encode())[:_HALF]).decode()
    if not access_token or told != wanted:
        raise refusal(OidcRefusal.HASH)


def _subject(facts: TokenFacts, config: ProviderConfig) -> str:
    name = config.subject_claim
    value = facts.subject_id if name == "sub" else facts.claims.get(name)
    if name == "email" and facts.claims.get(_VERIFIED) is not True:
        raise refusal(OidcRefusal.EMAIL)
    plain = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
    if not isinstance(value, str) or not plain or not 0 < len(value) <= _LONGEST:
        raise refusal(OidcRefusal.SUBJECT)
    if config.namespaced:
        return f"{config.name}:{value}"
    if ":" in value:  # it could be the name of another provider's person
        raise refusal(OidcRefusal.SUBJECT)
    return value
