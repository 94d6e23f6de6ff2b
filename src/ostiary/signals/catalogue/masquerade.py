"""Is the client what it says it is? TLS fingerprint, client software and operating system have to fit together."""

from math import isnan, log
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent

_LEAST: Final = 10
_HIGH: Final = 2.0
_APPLE: Final = frozenset({"Mac OS X", "iOS"})
_ONLY_ON: Final = {
    "Safari": _APPLE,
    "Mobile Safari": frozenset({"iOS"}),
    "Chrome Mobile iOS": frozenset({"iOS"}),
    "Firefox iOS": frozenset({"iOS"}),
    "Chrome Mobile": frozenset({"Android", "Chrome OS"}),
    "Chrome Mobile WebView": frozenset({"Android"}),
    "Samsung Internet": frozenset({"Android"}),
    "IE": frozenset({"Windows", "Windows Phone"}),
}
"""Client software that exists on these systems only."""
_PROGRAMS: Final = (
    "curl", "wget", "python", "go-http", "java", "okhttp", "axios", "node", "ruby", "perl", "libwww", "powershell",
    "headless", "phantom", "selenium", "playwright", "puppeteer", "bot", "scrapy", "httpie", "postman", "aiohttp",
    "httpx",
)  # fmt: skip
_PEOPLE: Final = frozenset({"user", "person", "human", "employee"})
_FEATURES: Final = (
    Feature(
        "ja4_mismatch",
        "-ln share of this TLS fingerprint's uses in the tenant that had this client software",
        "nats",
        1,
        ("place.ja4", "ua_family"),
    ),
    Feature(
        "agent_impossible",
        "1 when this client software does not exist on this system",
        "flag",
        1,
        ("ua_family", "ua_os"),
    ),
    Feature("agent_program", "1 when a person comes with a program that is no browser", "flag", 1, ("ua_family",)),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three features."""
    family = event.ua_family
    if family is None:
        return _MISSING
    systems = _ONLY_ON.get(family)
    impossible = 0.0 if systems is None or event.ua_os in systems else 1.0
    return (
        _mismatch(history) if event.place is not None else NAN,
        NAN if event.ua_os is None else impossible,
        1.0 if event.subject_type in _PEOPLE and family.lower().startswith(_PROGRAMS) else 0.0,
    )


def _mismatch(history: History) -> float:
    prints, both = history.everyone[Dim.JA4], history.everyone[Dim.JA4_AGENT]
    if prints is None or prints[0] < _LEAST or history.values[Dim.JA4] is None:
        return NAN
    return -log(min(1.0, ((both[0] if both else 0) + 0.5) / (prints[0] + 1.0)))


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how client and system fit."""
    if isnan(value):
        return "too little is told of the client to see whether it is what it says"
    client = shown(event.ua_family or "the client")
    match name:
        case "ja4_mismatch":
            return f"`{client}` {'does not speak' if value > _HIGH else 'speaks'} TLS like yours and others' usually do"
        case "agent_impossible":
            fits = "does not exist" if value else "exists"
            return f"`{client}` {fits} on `{shown(event.ua_os or '?')}`, which your client says it runs on"
        case _:
            return f"you came with {'a program' if value else 'what people use'}: `{client}`"


SIGNAL: Final = Signal(
    Family.NETWORK, _FEATURES, ("place.ja4", "ua_family", "ua_os"), ("tenant",), extract, words, "device"
)
