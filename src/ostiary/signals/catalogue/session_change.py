"""Did network, device or country change inside one sitting? A stolen session moves; a person seldom does."""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("session_network_changed", "1 when the network is not the one the sitting began on", "flag", 1, ("ip",)),
    Feature(
        "session_device_changed", "1 when the device is not the one the sitting began on", "flag", 1, ("device_id",)
    ),
    Feature(
        "session_country_changed", "1 when the country is not the one the sitting began in", "flag", 1, ("country",)
    ),
)


def _changed(now: str | None, before: str | None) -> float:
    return NAN if now is None or before is None else 0.0 if now == before else 1.0


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three flags."""
    session = history.session
    if session is None:
        return (NAN, NAN, NAN)
    return (
        _changed(history.values[Dim.NETWORK], session.network),
        _changed(event.device_id, session.device),
        _changed(event.country, session.country),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the change in words."""
    what = name.removeprefix("session_").removesuffix("_changed")
    return f"the {what} {'changed' if value == 1.0 else 'did not change'} during this session"


SIGNAL: Final = Signal(
    Family.SESSION, _FEATURES, ("session_id", "ip", "device_id", "country"), ("subject",), extract, words
)
