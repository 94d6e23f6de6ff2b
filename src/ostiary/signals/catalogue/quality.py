"""What is not known: which fields the event lacks and how deep the history is. Absent must never read as safe.

The outcome is left out on purpose: when an access is decided nobody knows it yet.
"""

from math import log1p
from operator import attrgetter
from typing import Final

import msgspec

from ostiary.signals.absence import FIELDS, GROUPS, MEMBERS
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import DEEPEST, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_PLAIN: Final = {"device_managed": "device's management", "ua_family": "client software", "ua_os": "operating system"}
_DEPTHS: Final = (
    Feature("history_depth", "accesses of the subject so far, at most 200", "ln(1+count)", 0, ("time_ns",)),
    Feature("peer_depth", "accesses of the peer group so far, at most 200", "ln(1+count)", 0, ("time_ns",)),
    Feature("tenant_depth", "accesses of the tenant so far, at most 200", "ln(1+count)", 0, ("time_ns",)),
)
_FEATURES: Final = (
    *(
        Feature(
            f"missing_{called}",
            f"1 when the event does not tell the {_PLAIN.get(field, called.replace('_', ' '))}",
            "flag",
            1,
            (field,),
            default="1",
        )
        for field, called in FIELDS.items()
    ),
    *(
        Feature(
            f"missing_{group}",
            f"share of the {group} facts that the event does not tell",
            "share",
            1,
            (group,),
            default="1",
        )
        for group in GROUPS
    ),
    Feature("missing_total", "how many kinds of fields the event does not tell", "count", 1, default="counts it"),
    *_DEPTHS,
)
_fields_of: Final = attrgetter(*FIELDS)
_groups_of: Final = attrgetter(*GROUPS)
_SIZES: Final = tuple(len(MEMBERS[group]) for group in GROUPS)
_astuple: Final = msgspec.structs.astuple


def extract(event: AccessEvent, history: History) -> list[float]:
    """Return a flag per field, a share per group of facts, their sum, and three depths."""
    row = [1.0 if value is None or value == () else 0.0 for value in _fields_of(event)]
    row += [
        1.0 if group is None else _astuple(group).count(None) / size
        for group, size in zip(_groups_of(event), _SIZES, strict=True)
    ]
    row.append(sum(row))
    row.append(log1p(min(history.own.events, DEEPEST)))
    row.append(log1p(min(history.peer_events, DEEPEST)))
    row.append(log1p(min(history.all_totals[0], DEEPEST)))
    return row


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is missing in words."""
    if name == "missing_total":
        return f"the request leaves out {plural(value, 'kind')} of information"
    if name.startswith("missing_"):
        what = name.removeprefix("missing_")
        if what in GROUPS:
            return f"{value:.0%} of what could be told of the {what} is not told"
        return f"the {what.replace('_', ' ')} is {'not ' if value else ''}told"
    whose = {"history_depth": "you", "peer_depth": "your peers"}.get(name, "your organisation")
    return f"{plural(unlogged(value), 'earlier access')} of {whose} {'is' if value < 1 else 'are'} known"


SIGNAL: Final = Signal(Family.QUALITY, _FEATURES, (*FIELDS, *GROUPS), ("subject", "peers", "tenant"), extract, words)
