"""The three dates of a token and the age of the authentication, with bounded skew (RFC 7519 §4.1.4-4.1.6).

Rules: a date is a number (never a bool or a string) between 1970 and 9999. ``exp`` and ``iat`` are required, because
without both nobody can say how long a token was meant to live; ``nbf`` is optional. The skew helps only at the ends;
it never lengthens what ``max_lifetime_s`` allows.

>>> from ostiary.identity.settings import JwksSource
>>> config = IssuerConfig(tenant="acme", issuer="i", audience="a", jwks=JwksSource(inline="{}"))
>>> check_dates({"iat": 1000, "exp": 1300}, config, now_ns=1_100 * SECOND_NS)
(940000000000, 1360000000000)
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig

SECOND_NS: Final = 1_000_000_000
LAST_DATE: Final = 253_402_300_799  # 9999-12-31T23:59:59Z


def as_date_ns(value: object) -> int | None:
    """Return a NumericDate in nanoseconds, or ``None`` when it is not one."""
    if type(value) is int and 0 <= value <= LAST_DATE:
        return value * SECOND_NS
    if type(value) is float and 0 <= value <= LAST_DATE:
        return int(value * SECOND_NS)
    return None


def check_dates(claims: Mapping[str, Any], config: IssuerConfig, now_ns: int) -> tuple[int, int]:
    """Return from when until when the token is good, skew included.

    Raises:
        RefusedError: it is not good now, or its dates make no sense.
    """
    skew = config.clock_skew_s * SECOND_NS
    expiry = _required(claims, "exp", Refusal.TOKEN_EXPIRY_MISSING, Refusal.TOKEN_EXPIRY_INVALID)
    issued = _required(claims, "iat", Refusal.TOKEN_ISSUED_AT_MISSING, Refusal.TOKEN_ISSUED_AT_INVALID)
    begins = as_date_ns(claims["nbf"]) if "nbf" in claims else issued
    if begins is None:
        _refuse(Refusal.TOKEN_NOT_BEFORE_INVALID, "`nbf` of the token is no date")
    if issued - skew > now_ns:
        _refuse(Refusal.TOKEN_FROM_FUTURE, "the token was issued in the future")
    if begins - skew > now_ns:
        _refuse(Refusal.TOKEN_NOT_YET_VALID, "the token is not valid yet")
    if expiry + skew <= now_ns:
        _refuse(Refusal.TOKEN_EXPIRED, "the token has expired")
    _check_lifetime(issued, max(issued, begins), expiry, config)
    return max(issued, begins) - skew, expiry + skew


def check_age(auth_time: int | None, config: IssuerConfig, now_ns: int) -> int | None:
    """Return until when the authentication is recent enough (``None``: for ever).

    Raises:
        RefusedError: ``token_authentication_too_old``.
    """
    if not config.max_age_s:
        return None
    until_ns = 0 if auth_time is None else (auth_time + config.max_age_s + config.clock_skew_s) * SECOND_NS
    if until_ns <= now_ns:
        message = f"the subject must have authenticated within {config.max_age_s} s"
        _refuse(Refusal.TOKEN_AUTHENTICATION_TOO_OLD, message)
    return until_ns


def _check_lifetime(issued: int, begins: int, expiry: int, config: IssuerConfig) -> None:
    if expiry <= begins:
        _refuse(Refusal.TOKEN_LIFETIME_INVALID, "the token expires before it begins")
    if expiry - issued > config.max_lifetime_s * SECOND_NS:
        _refuse(Refusal.TOKEN_LIFETIME_TOO_LONG, f"the token lives longer than {config.max_lifetime_s} s")


def _required(claims: Mapping[str, Any], name: str, missing: Refusal, invalid: Refusal) -> int:
    if name not in claims:
        _refuse(missing, f"the token has no `{name}`")
    date = as_date_ns(claims[name])
    if date is None:
        _refuse(invalid, f"`{name}` of the token is no date")
    return date


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
