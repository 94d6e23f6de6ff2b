"""The token itself: how old, how long it lives, whether it is bound to its holder, how much it may do and does."""

from math import isfinite, isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import flag, logged, within
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.profiles import Subject
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import TokenFacts

_AGE, _LIFE, _BOUND = ("token.age_s",), ("token.lifetime_s",), ("token.bound",)
_GRANTED, _BOTH = ("token.scopes_granted",), ("token.scopes_granted", "token.scopes_used")
_FEATURES: Final = (
    Feature("token_age", "since the token was issued", "ln(1+seconds)", 0, _AGE),
    Feature("token_age_share", "age of the token over its lifetime, at most 2", "share", 1, _AGE + _LIFE),
    Feature("token_expired", "1 when the token is older than it may become", "flag", 1, _AGE + _LIFE),
    Feature("token_lifetime", "how long the token lives", "ln(1+seconds)", 1, _LIFE),
    Feature("token_lifetime_unusual", "this lifetime against the subject's usual tokens", "deviations", 1, _LIFE),
    Feature("token_unbound", "1 when the token is told to be bound to no key", "flag", 1, _BOUND),
    Feature(
        "token_binding_dropped",
        "share of the subject's accesses with a bound token, when this is none",
        "share",
        1,
        _BOUND,
    ),
    Feature("token_scopes", "scopes granted", "ln(1+count)", 1, _GRANTED),
    Feature("token_scopes_unusual", "scopes granted against the subject's usual tokens", "deviations", 1, _GRANTED),
    Feature("token_scopes_unused", "scopes granted and never used", "ln(1+count)", 1, _BOTH),
    Feature(
        "token_delegation", "through how many hands the token was delegated", "count", 1, ("token.delegation_depth",)
    ),
    Feature("token_skew", "how far the issuer's clock is off", "ln(1+seconds)", 1, ("token.clock_skew_s",)),
)
_MISSING: Final = (NAN,) * len(_FEATURES)
_DEEPEST: Final = 8.0


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the twelve features."""
    token, own = event.token, history.own
    if token is None:
        return _MISSING
    life, scopes = logged(token.lifetime_s), logged(token.scopes_granted)
    share = _share(token)
    usual = own.bound_used / own.bound_told if own.bound_told else NAN
    unused = NAN
    if token.scopes_granted is not None and token.scopes_used is not None:
        unused = logged(token.scopes_granted - token.scopes_used)
    return (
        logged(token.age_s),
        share,
        NAN if isnan(share) else 1.0 if share > 1.0 else 0.0,
        life,
        unusual(usual_of(own, "lifetime"), life),
        flag(token.bound, bad=False),
        NAN if token.bound is None else 0.0 if token.bound else usual,
        scopes,
        unusual(usual_of(own, "scopes"), scopes),
        unused,
        within(token.delegation_depth, 0.0, _DEEPEST),
        NAN if token.clock_skew_s is None or not isfinite(token.clock_skew_s) else log1p(abs(token.clock_skew_s)),
    )


def _share(token: TokenFacts) -> float:
    age, life = token.age_s, token.lifetime_s
    if age is None or life is None or not (isfinite(age) and isfinite(life)) or life <= 0:
        return NAN
    return min(max(age / life, 0.0), 2.0)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the token is, against the subject's usual ones."""
    token, own = event.token, history.own
    if isnan(value) or token is None:
        return "the token does not tell"
    match name:
        case "token_unbound" | "token_binding_dropped":
            usual = f"; {own.bound_used} of your {own.bound_told} were" if own.bound_told else ""
            return f"the token is {'' if token.bound else 'not '}bound to a key of yours{usual}"
        case "token_delegation":
            return f"the token was handed on {plural(value, 'time')}"
        case "token_skew":
            return f"the clock of your token's issuer is {unlogged(value):,.0f} seconds off"
        case _:
            pass
    if name == "token_scopes_unused":
        return f"{plural(unlogged(value), 'scope')} of the {token.scopes_granted:,} that your token grants stay unused"
    return _scopes(token, own) if name.startswith("token_scopes") else _life(token, own)


def _scopes(token: TokenFacts, own: Subject) -> str:
    usual = usual_of(own, "scopes")
    known = f"; yours usually grant {unlogged(usual[1]):,.0f}" if usual[0] else ""
    return f"the token grants {plural(unlogged(logged(token.scopes_granted)), 'scope')}{known}"


def _life(token: TokenFacts, own: Subject) -> str:
    parts = []
    if not isnan(age := logged(token.age_s)):
        parts.append(f"the token is {span(unlogged(age))} old")
    if not isnan(life := logged(token.lifetime_s)):
        parts.append(f"it lives {span(unlogged(life))}")
    usual = usual_of(own, "lifetime")
    if usual[0]:
        parts.append(f"yours usually live {span(unlogged(usual[1]))}")
    return "; ".join(parts)


SIGNAL: Final = Signal(
    Family.SESSION,
    _FEATURES,
    (
        "token.age_s",
        "token.lifetime_s",
        "token.bound",
        "token.scopes_granted",
        "token.scopes_used",
        "token.delegation_depth",
        "token.clock_skew_s",
    ),
    ("subject",),
    extract,
    words,
    "token",
)
