"""The account itself: how long it is known, how much it did, how many places it uses, whether its groups changed."""

from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.signal import DEEPEST, LONGEST_DAYS, NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_MANY: Final = 20
_FEATURES: Final = (
    Feature("tenure", "since the subject was first seen, at most 90 days", "ln(1+days)", 0),
    Feature("history_sessions", "sittings of the subject so far, at most 200", "ln(1+count)", 0),
    Feature("known_resources", "different resources the subject has used, at most 20", "ln(1+count)", 0),
    Feature("known_collections", "different collections the subject has used, at most 20", "ln(1+count)", 0),
    Feature("known_networks", "different networks the subject has come from", "ln(1+count)", 0),
    Feature("known_timezones", "different offsets from UTC the subject has had", "ln(1+count)", 0),
    Feature("group_changed", "since the subject's groups last changed, at most 90 days", "ln(1+days)", -1, ("groups",)),
    Feature("workload", "1 for a service, job or machine, 0 for a person", "flag", 0),
)
_PEOPLE: Final = frozenset({"user", "person", "human", "employee"})


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eight features."""
    own, now, kinds = history.own, history.moment.now, history.my_kinds
    workload = 0.0 if event.subject_type in _PEOPLE else 1.0
    if not history.known:
        return (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, NAN, workload)
    changed = NAN
    if own.groups_since:
        changed = 0.0 if event.groups != own.groups else max(0, now - own.groups_since) / _DAY
    return (
        log1p(min(max(0, now - own.first) / _DAY, LONGEST_DAYS)),
        log1p(min(own.sittings, DEEPEST)),
        log1p(min(kinds[Dim.RESOURCE], _MANY)),
        log1p(min(kinds[Dim.COLLECTION], _MANY)),
        log1p(kinds[Dim.NETWORK]),
        log1p(kinds[Dim.TIMEZONE]),
        log1p(min(changed, LONGEST_DAYS)),
        workload,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is known of the account in words."""
    match name:
        case "tenure":
            return f"you are known here for {span(_DAY * unlogged(value))}" if value else "you are new here"
        case "group_changed":
            return (
                f"your groups changed {span(_DAY * unlogged(value))} ago"
                if value > 0
                else "your groups changed just now"
            )
        case "workload":
            return "this is a workload, not a person" if value else "this is a person"
        case _:
            pass
    noun = name.removeprefix("known_").removeprefix("history_").removesuffix("s")
    return f"{plural(unlogged(value), noun)} of yours {'is' if round(unlogged(value)) == 1 else 'are'} known"


SIGNAL: Final = Signal(Family.ACCOUNT, _FEATURES, ("subject_type", "time_ns"), ("subject",), extract, words, "account")
