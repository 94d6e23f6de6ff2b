"""Refused proofs within minutes, a log-in that came after many of them, and a weaker factor than usual.

Prompting somebody until they give in (MFA fatigue, ATT&CK T1621) leaves denials of the second factor close together;
guessing leaves a success after a row of failures; a downgrade asks for the weaker proof that a phisher can relay.
"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.factors import strength
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import ebbing, usual_of
from ostiary.signals.things import fading
from ostiary.vocabulary.events import AccessEvent

_PROOF: Final = ("auth_method", "mfa")
_PAST: Final = ("outcome", "action_class", "time_ns")
_FEATURES: Final = (
    Feature("refused_10m", "failed log-ins of the subject, halving every ten minutes", "ln(1+count)", 1, _PAST),
    Feature("factor_refused_10m", "second factors refused, halving every ten minutes", "ln(1+count)", 1, _PAST),
    Feature("login_after_failures", "failures before the last log-in, fading by the hour", "ln(1+count)", 1, _PAST),
    Feature(
        "factor_strength", "strength of the log-in: 1 secret, 2 code, 3 key, 4 bound to origin", "level", -1, _PROOF
    ),
    Feature("factor_downgrade", "how much weaker than the subject's usual log-in", "levels", 1, _PROOF),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    own, now = history.own, history.moment.now
    refused = log1p(ebbing(own.refused, now)) if own.refused[0] else 0.0
    factors = log1p(ebbing(own.factor_refused, now)) if own.factor_refused[0] else 0.0
    after, then = own.after_failures
    guessed = log1p(fading(after, now - then)) if after else 0.0
    level = strength(event.auth_method, event.mfa)
    if level is None:
        return (refused, factors, guessed, NAN, NAN)
    seen, usual, _ = usual_of(own, "factor")
    return (refused, factors, guessed, level, max(0.0, unlogged(usual) - level) if seen else NAN)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the proofs in words."""
    if isnan(value):
        return "it is not told how you proved who you are"
    match name:
        case "refused_10m":
            return f"{plural(unlogged(value), 'failed log-in')} of yours within minutes"
        case "factor_refused_10m":
            return f"{plural(unlogged(value), 'second factor')} of yours refused within minutes"
        case "login_after_failures":
            return f"you logged in after {plural(unlogged(value), 'failed try')}"
        case "factor_strength":
            return (
                f"you proved who you are with {('nothing', 'a secret', 'a code', 'a key', 'a bound key')[round(value)]}"
            )
        case _:
            return f"your log-in is {'weaker than' if value >= 1 else 'about as strong as'} it usually is"


SIGNAL: Final = Signal(Family.FAILURES, _FEATURES, (*_PROOF, *_PAST), ("subject",), extract, words, "account")
