"""What follows what: how surprising the next action is, lately and against usual, breadth before depth, error codes.

An intruder who finds his way asks for many things once, lists more than he reads, and runs into errors of every kind.
"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent

_HOUR: Final = 3_600
_HIGH: Final = 2.0
_BREADTH: Final = {
    "breadth_first_1h": "{:.0%} of the resources that you touched in the last hour lie in collections of their own",
    "session_breadth": "{:.0%} of your accesses in this session went to another collection each",
    "session_once": "{:.0%} of your accesses in this session went to another resource each",
}
_FEATURES: Final = (
    Feature("next_action_surprise", "-ln chance of this action after the subject's last one", "nats", 1, ("action",)),
    Feature("next_action_peer_surprise", "the same for the peer group", "nats", 1, ("action",)),
    Feature("next_action_lately", "mean surprise of about the last twenty actions", "nats", 1, ("action",)),
    Feature("next_action_strange", "the same over the subject's usual", "nats", 1, ("action",)),
    Feature("breadth_first_1h", "different collections for each different resource of the last 1h", "share", 1),
    Feature("session_breadth", "different collections for each access of the sitting so far", "share", 1),
    Feature("session_once", "different resources for each access of the sitting so far", "share", 0),
    Feature("error_codes_1h", "different error codes of the last 1h", "ln(1+count)", 1, ("detail", "outcome")),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eight features."""
    own, session, hour = history.own, history.session, history.windows[1]
    seen, usual, _variance = own.step_surprise
    resources = hour[Metric.RESOURCES]
    codes = 0
    if own.codes:
        since = history.moment.now - _HOUR
        codes = sum([then >= since for _code, then in own.codes])
    return (
        *history.step,
        own.step_lately if seen else NAN,
        own.step_lately - usual if seen else NAN,
        hour[Metric.COLLECTIONS] / resources if resources else NAN,
        NAN if session is None else session.collections / session.events,
        NAN if session is None else session.resources / session.events,
        log1p(codes),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the order of things in words."""
    if name == "error_codes_1h":
        return f"{plural(unlogged(value), 'different error')} of yours within the hour"
    if isnan(value):
        return "there is too little before this to say what usually follows"
    if name in {"next_action_surprise", "next_action_peer_surprise"}:
        whose = "you" if name == "next_action_surprise" else "your peers"
        return f"{whose} {'rarely' if value > _HIGH else 'often'} do this after what you did before"
    if name.startswith("next_action"):
        strange = value > (1.0 if name == "next_action_strange" else _HIGH)
        return f"the order in which you do things lately is {'unlike' if strange else 'like'} you"
    return _BREADTH[name].format(value)


SIGNAL: Final = Signal(
    Family.SEQUENCE,
    _FEATURES,
    ("action", "resource_type", "resource_id", "time_ns"),
    ("subject", "peers", "tenant"),
    extract,
    words,
)
