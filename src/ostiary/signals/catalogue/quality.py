"""What is not known: which fields the event lacks and how deep the history is. Absent must never read as safe.

The outcome is left out on purpose: when an access is decided nobody knows it yet.
"""

from math import log1p
from typing import Final

from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import DEEPEST, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FIELDS: Final = ("network", "device", "agent", "timezone", "session", "login", "sensitivity", "amount")
_FEATURES: Final = (
    *(Feature(f"missing_{name}", f"1 when the event does not tell the {name}", "flag", 0) for name in _FIELDS),
    Feature("missing_total", "how many kinds of fields the event does not tell", "count", 0),
    Feature("history_depth", "accesses of the subject so far, at most 200", "ln(1+count)", 0),
    Feature("peer_depth", "accesses of the peer group so far, at most 200", "ln(1+count)", 0),
    Feature("tenant_depth", "accesses of the tenant so far, at most 200", "ln(1+count)", 0),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return a flag per kind of field, their sum, and three depths."""
    flags = [
        float(event.ip is None),
        float(event.device_id is None),
        float(event.ua_family is None),
        float(event.tz_offset_min is None),
        float(event.session_id is None),
        float(event.mfa is None and event.auth_method is None),
        float(event.sensitivity is None),
        float(event.count is None),
    ]
    return (
        *flags,
        sum(flags),
        log1p(min(history.own.events, DEEPEST)),
        log1p(min(history.peer_events, DEEPEST)),
        log1p(min(history.all_totals[0], DEEPEST)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is missing in words."""
    if name == "missing_total":
        return f"the request leaves out {plural(value, 'kind')} of information"
    if name.startswith("missing_"):
        return f"the {name.removeprefix('missing_')} is {'not ' if value else ''}told"
    whose = {"history_depth": "you", "peer_depth": "your peers"}.get(name, "your organisation")
    return f"{plural(unlogged(value), 'earlier access')} of {whose} {'is' if value < 1 else 'are'} known"


SIGNAL: Final = Signal(
    "quality",
    _FEATURES,
    ("ip", "device_id", "ua_family", "tz_offset_min", "session_id", "mfa", "sensitivity", "count"),
    ("subject", "peers", "tenant"),
    extract,
    words,
)
