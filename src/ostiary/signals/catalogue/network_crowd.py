"""Who else comes from this network, and how many tries from it failed: spraying and shared exits show here."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.network import network_of
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.signal import LONGEST_DAYS, NAN, Feature, Signal
from ostiary.signals.things import fading
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_MANY: Final = 30
_FEATURES: Final = (
    Feature("network_users", "subjects of the tenant that ever came from this network, at most 30", "ln(1+count)", 0),
    Feature("network_crowd_1h", "changes of subject on this network, fading by the hour", "ln(1+count)", 1),
    Feature("network_failures_1h", "failed tries from this network, fading by the hour", "ln(1+count)", 1),
    Feature("network_tenant_age", "since the tenant first saw this network, at most 90 days", "ln(1+days)", -1),
    Feature("network_public", "1 when the address is on the public internet", "flag", 0),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    if event.ip is None:
        return (NAN,) * len(_FEATURES)
    kind = network_of(event.ip).kind
    public = NAN if kind == "invalid" else 1.0 if kind == "public" else 0.0
    thing, now = history.network, history.moment.now
    if thing is None:
        return (0.0, 0.0, 0.0, 0.0, public)
    quiet = now - thing.last
    return (
        log1p(min(thing.users, _MANY)),
        log1p(fading(thing.crowd, quiet)),
        log1p(fading(thing.failures, quiet)),
        log1p(min(max(0, now - thing.first) / _DAY, LONGEST_DAYS)),
        public,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is known of the network in words."""
    if event.ip is None:
        return "the address is not told"
    match name:
        case "network_users":
            return f"{plural(unlogged(value), 'person')} ever came from this network"
        case "network_crowd_1h":
            return f"this network changed hands {unlogged(value):.1f} times within the hour"
        case "network_failures_1h":
            return f"{plural(unlogged(value), 'failed try')} from this network within the hour"
        case "network_tenant_age":
            return (
                f"your organisation has known this network for {span(_DAY * unlogged(value))}"
                if value
                else ("your organisation never saw this network before")
            )
        case _:
            pass
    return "the address is on the public internet" if value else "the address is inside a private network"


SIGNAL: Final = Signal(Family.NETWORK, _FEATURES, ("ip",), ("network",), extract, words)
