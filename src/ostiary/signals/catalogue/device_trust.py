"""Is the device managed as usual, and does it belong to somebody else?"""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import LONGEST_DAYS, NAN, Feature, Signal
from ostiary.signals.things import fading
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_MANY: Final = 30
_MANAGED: Final = ("device_managed",)
_DEVICE: Final = ("device_id",)
_FEATURES: Final = (
    Feature("device_unmanaged", "1 when the device is told to be unmanaged", "flag", 1, _MANAGED),
    Feature(
        "device_trust_dropped",
        "share of the subject's accesses from managed devices, when this one is not",
        "share",
        1,
        _MANAGED,
    ),
    Feature("device_users", "subjects of the tenant that ever used this device, at most 30", "ln(1+count)", 1, _DEVICE),
    Feature("device_failures_1h", "failed tries from this device, fading by the hour", "ln(1+count)", 1, _DEVICE),
    Feature("device_tenant_age", "since the tenant first saw this device, at most 90 days", "ln(1+days)", -1, _DEVICE),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    own, managed = history.own, event.device_managed
    unmanaged = NAN if managed is None else 0.0 if managed else 1.0
    usual = own.managed_used / own.managed_told if own.managed_told else NAN
    dropped = NAN if managed is None else 0.0 if managed else usual
    if event.device_id is None:
        return (unmanaged, dropped, NAN, NAN, NAN)
    thing, now = history.device, history.moment.now
    if thing is None:
        return (unmanaged, dropped, 0.0, 0.0, 0.0)
    failures = log1p(fading(thing.failures, now - thing.last))
    return (
        unmanaged,
        dropped,
        log1p(min(thing.users, _MANY)),
        failures,
        log1p(min(max(0, now - thing.first) / _DAY, LONGEST_DAYS)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is known of the device in words."""
    match name:
        case "device_unmanaged" | "device_trust_dropped" if event.device_managed is not None:
            own = history.own
            usual = f"; {own.managed_used} of your {own.managed_told} accesses came from managed ones"
            return f"the device is {'managed' if event.device_managed else 'not managed'}{usual}"
        case "device_users" if event.device_id is not None:
            return f"{plural(unlogged(value), 'person')} used this device before"
        case "device_failures_1h" if event.device_id is not None:
            return f"{plural(unlogged(value), 'failed try')} from this device within the hour"
        case "device_tenant_age" if event.device_id is not None:
            return "your organisation knows this device" if value else "your organisation never saw this device before"
    return "nothing is told of the device"


SIGNAL: Final = Signal(
    Family.POSTURE, _FEATURES, ("device_id", "device_managed"), ("subject", "device"), extract, words, "device"
)
