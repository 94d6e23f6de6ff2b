"""Reads the claims of a token whose signature has been checked, and refuses what does not fit.

Rules:

- exactly one audience, ours: a token for us and for others could be replayed to us by those others;
- names are bounded strings without control or invisible characters;
- a claim that we use and that has the wrong type refuses the token: guessing would be believing;
- ``cnf`` may only bind in ways that we check (``jkt``, ``x5t#S256``): an unknown binding must not become none.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.dates import SECOND_NS, as_date_ns, check_age, check_dates
from ostiary.identity.facts import TokenFacts
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig
from ostiary.identity.strict import is_name
from ostiary.identity.types import freeze
from ostiary.identity.workloads.trust import Told

MAX_LIST: Final = 100
OWN_TYPE: Final = "sub_type"
_ACTING: Final = frozenset({"act", "may_act"})
_NOBODY: Final[Mapping[str, Any]] = MappingProxyType({})
_JKT: Final = "jkt"
_X5T: Final = "x5t#S256"
_THUMBPRINT_LENGTH: Final = 43  # base64url of SHA-256


def read_claims(claims: Mapping[str, Any], config: IssuerConfig, now_ns: int) -> TokenFacts:
    """Return what the token says.

    Raises:
        RefusedError: it is not for us, not good now, or malformed.
    """
    _check_audience(claims, config.audience)
    from_ns, until_ns = check_dates(claims, config, now_ns)
    auth_time = _auth_time(claims, config, now_ns)
    recent_until_ns = check_age(auth_time, config, now_ns)
    jkt, x5t = _binding(claims)
    told = config.workload.judge(claims) if config.workload else _told(claims, config)
    return TokenFacts(
        issuer=config.issuer,
        subject_type=_subject(claims, OWN_TYPE) if config.own else config.subject_type,
        subject_id=told.subject_id,
        acr=_text(claims, config.names.acr),
        amr=_texts(claims, config.names.amr),
        auth_time=auth_time,
        scopes=_scopes(claims, config.names.scopes),
        client_id=_text(claims, config.names.client_id),
        session_id=_text(claims, config.names.session),
        claims=freeze(told.claims),
        jkt=jkt,
        x5t=x5t,
        from_ns=from_ns,
        acting=_NOBODY if _ACTING.isdisjoint(claims) else freeze({n: claims[n] for n in _ACTING if n in claims}),
        until_ns=until_ns if recent_until_ns is None else min(until_ns, recent_until_ns),
    )


def _told(claims: Mapping[str, Any], config: IssuerConfig) -> Told:
    kept = {name: claims[name] for name in config.keep if name in claims}
    return Told(_subject(claims, config.names.subject), kept)


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    given = claims.get("aud")
    values = given if isinstance(given, list) else [given]
    if given is None or not values:
        _refuse(Refusal.TOKEN_AUDIENCE_MISSING, "the token has no audience")
    if len(values) > 1:
        _refuse(Refusal.TOKEN_AUDIENCE_MULTIPLE, "the token is for more than one audience")
    if values[0] != audience:
        _refuse(Refusal.TOKEN_AUDIENCE_WRONG, "the token is for somebody else")


def _subject(claims: Mapping[str, Any], name: str) -> str:
    if name not in claims:
        _refuse(Refusal.TOKEN_SUBJECT_MISSING, f"the token has no `{name}`")
    value = claims[name]
    if not is_name(value):
        _refuse(Refusal.TOKEN_SUBJECT_INVALID, f"`{name}` of the token is no proper name")
    return str(value)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name) if name else None
    if value is None:
        return ""
    if not is_name(value):
        _invalid(name)
    return str(value)


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name) if name else None
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_LIST or not all(map(is_name, value)):
        _invalid(name)
    return tuple(value)


def _scopes(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name) if name else None
    if isinstance(value, str):  # RFC 6749 §3.3; some issuers send a list instead
        value = [part for part in value.split(" ") if part]
    return _texts({name: value}, name)


def _auth_time(claims: Mapping[str, Any], config: IssuerConfig, now_ns: int) -> int | None:
    name = config.names.auth_time
    value = claims.get(name) if name else None
    if value is None:
        return None
    date_ns = as_date_ns(value)
    if date_ns is None or date_ns > now_ns + config.clock_skew_s * SECOND_NS:
        _invalid(name)
    return date_ns // SECOND_NS


def _binding(claims: Mapping[str, Any]) -> tuple[str, str]:
    binding = claims.get("cnf", {})
    if not isinstance(binding, dict) or not binding.keys() <= {_JKT, _X5T} or ("cnf" in claims and not binding):
        _refuse(Refusal.TOKEN_BINDING_UNKNOWN, "the token is bound in a way that cannot be checked")
    return _thumbprint(binding, _JKT), _thumbprint(binding, _X5T)


def _thumbprint(binding: Mapping[str, Any], name: str) -> str:
    value = binding.get(name, "")
    if name in binding and (not is_name(value) or len(value) != _THUMBPRINT_LENGTH):
        _refuse(Refusal.TOKEN_BINDING_UNKNOWN, f"`{name}` in the token is no thumbprint")
    return str(value)


def _invalid(name: str) -> NoReturn:
    _refuse(Refusal.TOKEN_CLAIM_INVALID, f"`{name}` of the token has the wrong type or form")


def _refuse(code: Refusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
