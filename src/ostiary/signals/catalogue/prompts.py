"""What a conversation with a language model did so far: how fast, how suspicious, how much came out, how tainted."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import flag, logged, within
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import LanguageFacts

_RATE, _OUT, _READ = ("language.prompts_1m",), ("language.tokens_out",), ("language.retrieved_sensitivity",)
_FEATURES: Final = (
    Feature("prompts_1m", "prompts of the last minute", "ln(1+count)", 1, _RATE),
    Feature("prompts_unusual", "the same against the subject's usual", "deviations", 1, _RATE),
    Feature(
        "injection_score",
        "how much the text looks like an injection, 0 to 1",
        "score",
        1,
        ("language.injection_score",),
    ),
    Feature(
        "injection_flags_1h", "injections flagged in the last 1h", "ln(1+count)", 1, ("language.injection_flags_1h",)
    ),
    Feature("retrieved_sensitivity", "worst sensitivity of what was retrieved, 0 to 4", "level", 1, _READ),
    Feature("retrieved_unusual", "the same against what the subject usually works with", "deviations", 1, _READ),
    Feature("prompt_tokens", "tokens sent to the model", "ln(1+count)", 0, ("language.tokens_in",)),
    Feature("answer_tokens", "tokens that came out of the model", "ln(1+count)", 1, _OUT),
    Feature("answer_tokens_unusual", "the same against the subject's usual", "deviations", 1, _OUT),
    Feature("refused_1h", "calls that the gateway refused in the last 1h", "ln(1+count)", 1, ("language.refused_1h",)),
    Feature("tainted", "1 when an argument came from untrusted content", "flag", 1, ("language.tainted",)),
)
_MISSING: Final = (NAN,) * len(_FEATURES)
_COUNTED: Final = {
    "injection_flags_1h": ("injection", "flagged in your conversation within the hour"),
    "refused_1h": ("call", "of yours refused within the hour"),
    "prompt_tokens": ("token", "sent by you to the model"),
}
_LEVELS: Final = ("public", "internal", "confidential", "secret", "crown jewels")


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eleven features."""
    language, own = event.language, history.own
    if language is None:
        return _MISSING
    rate, out = logged(language.prompts_1m), logged(language.tokens_out)
    read = within(language.retrieved_sensitivity, 0.0, 4.0)
    return (
        rate,
        unusual(usual_of(own, "prompts"), rate),
        within(language.injection_score, 0.0, 1.0),
        logged(language.injection_flags_1h),
        read,
        unusual(own.sensitivity, read),
        logged(language.tokens_in),
        out,
        unusual(usual_of(own, "tokens_out"), out),
        logged(language.refused_1h),
        flag(language.tainted, bad=True),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the conversation in words, against the subject's usual."""
    language = event.language
    if isnan(value) or language is None:
        return "nothing of that is told of your conversation"
    if name in _COUNTED:
        noun, rest = _COUNTED[name]
        return f"{plural(unlogged(value), noun)} {rest}"
    match name:
        case "injection_score":
            return f"what you sent {'looks' if value > 0.5 else 'does not look'} like an injection"  # noqa: PLR2004
        case "retrieved_sensitivity" | "retrieved_unusual":
            return f"your model read what is rated {_LEVELS[round(within(language.retrieved_sensitivity, 0.0, 4.0))]}"
        case "tainted":
            return f"an argument of your call came from {'untrusted content' if value else 'you'}"
        case _:
            return _against_usual(name, language, history)


def _against_usual(name: str, language: LanguageFacts, history: History) -> str:
    answer = name.startswith("answer")
    usual = usual_of(history.own, "tokens_out" if answer else "prompts")
    count = unlogged(logged(language.tokens_out if answer else language.prompts_1m))
    known = f"; yours are usually {unlogged(usual[1]):,.0f}" if usual[0] else ""
    return (
        f"{plural(count, 'token')} out of the model{known}" if answer else f"{plural(count, 'prompt')} a minute{known}"
    )


SIGNAL: Final = Signal(
    Family.WORKLOAD,
    _FEATURES,
    tuple(dict.fromkeys(source for feature in _FEATURES for source in feature.sources)),
    ("subject",),
    extract,
    words,
    "language",
)
