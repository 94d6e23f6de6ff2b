"""How the action ended, where the record tells it: refused, failed, and of what kind the error was.

When an access is decided nobody knows how it will end: these are missing then, and known when a log is read.
"""

from functools import lru_cache
from typing import Final

from ostiary.signals.deeds import deed_of, words_of
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent, EventOutcome

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "proof": (
        "a wrong or missing proof of identity",
        (
            "password credential credentials authentication authenticate auth token signature mfa factor otp passcode "
            "login signin invalid unknown user principal identity expired 50126 50053 50076 50074 401 unauthenticated "
            "unauthorized jwt assertion fingerprint incorrect wrong 390100 390144"
        ),
    ),
    "right": (
        "a missing right",
        (
            "denied deny forbidden permission privilege access accessdenied authorization authorized "
            "unauthorizedoperation 403 forbid grant not scope policy explicitdeny "
            "consent insufficient blocked block"
        ),
    ),
    "absent": (
        "something that is not there",
        "notfound nosuch exist found missing 404 nxdomain nosuchkey nosuchbucket unknown gone 410 5",
    ),
    "limit": (
        "a limit, lock or throttle",
        "limit throttling throttled rate quota exceeded locked lock 429 too many lockout count maximum 50053",
    ),
    "risk": (
        "suspicion of the product itself",
        (
            "risk suspicious fraud malware malicious phish phishing threat anomalous anomaly leaked compromised spam "
            "bot unsafe attack impostor intervened guardrail guardrails violation blocked tor anonymous "
            "virus quarantine abuse"
        ),
    ),
}
_SAYS: Final = {
    "begin": "switching on",
    "change": "a change",
    "fail": "a failure or refusal",
    "grant": "a right given",
    "make": "something made",
    "remove": "something removed",
    "stop": "switching off, an exception or a release",
    "alert": "something suspicious",
}
_FEATURES: Final = (
    Feature("ended_denied", "1 when it was refused", "flag", 0),
    Feature("ended_failed", "1 when it was refused or failed", "flag", 0),
    *(
        Feature(f"error_{name}", f"1 when what it says of its end speaks of {text}", "flag", 0)
        for name, (text, _) in _KINDS.items()
    ),
    *(
        Feature(f"says_{name}", f"1 when what it says of itself speaks of {text}", "flag", 0)
        for name, text in _SAYS.items()
    ),
    Feature("detail_told", "1 when the record says more of how it ended", "flag", 0),
)
_SETS: Final = tuple(frozenset(words.split()) for _, words in _KINDS.values())
_UNTOLD: Final = (NAN,) * (len(_SETS) + len(_SAYS))


@lru_cache(maxsize=16_384)
def _errors(detail: str) -> tuple[float, ...]:
    words = words_of(detail)
    verbs = deed_of(detail).verbs
    kinds = [0.0 if kind.isdisjoint(words) else 1.0 for kind in _SETS]
    return (*kinds, *[1.0 if name in verbs else 0.0 for name in _SAYS])


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return the features."""
    outcome, detail = event.outcome, event.detail
    known = outcome is not EventOutcome.UNKNOWN
    denied = float(outcome is EventOutcome.DENIED) if known else NAN
    failed = float(outcome is not EventOutcome.SUCCESS) if known else NAN
    return (denied, failed, *(_UNTOLD if detail is None else _errors(detail)), float(detail is not None))


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the end in words."""
    if name.startswith("error_"):
        text = _KINDS[name.removeprefix("error_")][0]
        return f"how it ended speaks of {text}" if value == 1.0 else f"nothing speaks of {text}"
    if name.startswith("says_"):
        text = _SAYS[name.removeprefix("says_")]
        return f"what it says of itself speaks of {text}" if value == 1.0 else f"nothing speaks of {text}"
    if name == "detail_told":
        return "the record says how it ended" if value else "the record says nothing of how it ended"
    if event.outcome is EventOutcome.UNKNOWN:
        return "how it ended is not known"
    return f"it {'was refused' if event.outcome is EventOutcome.DENIED else 'failed' if value else 'succeeded'}"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, ("outcome", "detail"), ("subject",), extract, words)
