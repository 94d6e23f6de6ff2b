"""How well, and how long ago, the subject proved who it is, against how it usually does."""

from math import isfinite, isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import span, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("mfa_absent", "1 when the subject is told to have used no second factor", "flag", 1, ("mfa",)),
    Feature(
        "mfa_dropped",
        "share of the subject's accesses with a second factor, when this one has none",
        "share",
        1,
        ("mfa",),
    ),
    Feature("auth_age", "since the subject last authenticated", "ln(1+seconds)", 1, ("auth_age_s",), Family.SESSION),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three features."""
    own, mfa, age = history.own, event.mfa, event.auth_age_s
    usual = own.mfa_used / own.mfa_told if own.mfa_told else NAN
    return (
        NAN if mfa is None else 0.0 if mfa else 1.0,
        NAN if mfa is None else 0.0 if mfa else usual,
        NAN if age is None or not isfinite(age) else log1p(max(0.0, age)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the strength of the log-in in words."""
    if name == "auth_age":
        told = not isnan(value)
        return f"you last proved who you are {span(unlogged(value))} ago" if told else "the time of log-in is not told"
    if event.mfa is None:
        return "it is not told whether you used a second factor"
    own = history.own
    usual = f"; you did in {own.mfa_used} of {own.mfa_told} accesses" if own.mfa_told else ""
    return f"you used {'a' if event.mfa else 'no'} second factor{usual}"


SIGNAL: Final = Signal(Family.FAILURES, _FEATURES, ("mfa", "auth_age_s"), ("subject",), extract, words, "account")
