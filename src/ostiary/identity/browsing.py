"""Who a browser is that signed in at the console: a session that was begun by a passkey or by another provider's word.

1. A cookie names the session and holds its secret; only the secret's hash is kept, and that is kept signed.
2. What a person may is looked up at each request: a role that was taken away is gone with the next click.
3. Whatever does not fit is one refusal: a session that never was, is over, or is another tenant's.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.identity._seal import SEAL
from ostiary.identity.reasons import Refusal
from ostiary.identity.types import VerifiedIdentity, freeze
from ostiary.keys import verify_secret

ISSUER: Final = "urn:ostiary:console"
_NS: Final = 1_000_000_000
_PEOPLE: Final = ("user", "identity")


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """What another provider said of a person, kept with the session that it began.

    Attributes:
        name: our name for the provider.
        subject: the person's id there.
        session: the session's name there; empty when it was not told.
        granted: claims and values that a mapping to roles asked for, and that the person had.
        proved_s: when the person signed in there, Unix seconds; ``None`` when it was not told.
    """

    name: str
    subject: str
    session: str = ""
    granted: tuple[tuple[str, str], ...] = ()
    proved_s: int | None = None


class BrowserSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the console as it is kept, signed.

    Attributes:
        subject_type, subject_id: who signed in.
        secret_hash: of the secret in the cookie.
        acr, amr: how the person proved who it is (RFC 8176).
        provider: the issuer that vouched; empty for a passkey of our own.
        began_ns: when it began.
        seen_ns: when the session was last noted as used.
        expires_ns: not to be used from this moment on.
        vouched: what the provider said; ``None`` for a passkey of our own, which was proved as the session began.
    """

    tenant: str
    session_id: str
    subject_type: str
    subject_id: str
    secret_hash: str
    acr: str
    amr: tuple[str, ...]
    began_ns: int
    seen_ns: int
    expires_ns: int
    provider: str = ""
    vouched: Vouched | None = None

    @property
    def subject(self) -> str:
        """Who signed in, as ``type:id``."""
        return f"{self.subject_type}:{self.subject_id}"

    @property
    def names(self) -> frozenset[str]:
        """Every name by which records may speak of this person: its own, and those in its provider's tokens."""
        if self.vouched is None:
            return frozenset({self.subject})
        ids = {self.vouched.subject, self.subject_id.removeprefix(f"{self.vouched.name}:")}
        return frozenset({self.subject, *(f"{kind}:{one}" for kind in _PEOPLE for one in ids)})

    @property
    def proved_s(self) -> int | None:
        """When the person proved who it is, Unix seconds; ``None`` when nobody says."""
        return self.vouched.proved_s if self.vouched else self.began_ns // _NS


def identity_of_browser(
    kept: BrowserSession | None, secret: str, claims: Mapping[str, Any], now_ns: int, idle_ns: int
) -> VerifiedIdentity:
    """Return who a browser is.

    Args:
        kept: the session that its cookie names, verified where it is kept; ``None`` when there is none.
        secret: the secret in its cookie.
        claims: what is known of the person now, for policy.
        now_ns: the time.
        idle_ns: how long a session may lie unused.

    Raises:
        RefusedError: ``token_expired``, ``token_missing``.
    """
    known = verify_secret(secret, kept.secret_hash if kept else "0" * 64)
    if kept is None or not known:
        raise RefusedError(Refusal.TOKEN_MISSING, "nobody is signed in here")
    if not kept.began_ns <= now_ns < min(kept.expires_ns, kept.seen_ns + idle_ns):
        raise RefusedError(Refusal.TOKEN_EXPIRED, "this session is over: sign in again")
    return VerifiedIdentity(
        seal=SEAL,
        tenant=kept.tenant,
        subject_type=kept.subject_type,
        subject_id=kept.subject_id,
        assurance="token",
        issuer=kept.provider or ISSUER,
        acr=kept.acr,
        amr=kept.amr,
        auth_time=kept.proved_s,
        session_id=kept.session_id,
        expires_ns=kept.expires_ns,
        claims=freeze({"console": dict(claims)}),
    )
