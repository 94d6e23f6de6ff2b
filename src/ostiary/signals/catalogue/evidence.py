"""All that is unusual put together: the likelihood ratio of the whole access, now and gathered over days.

One odd thing is weak evidence, several at once are strong, and several days of them are stronger still.
"""

from math import log
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.surprise import odds
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent

_RESOURCE: Final = ("resource_type", "resource_id", "time_ns")
_SILENT: Final = "what is not told adds nothing"
_FEATURES: Final = (
    Feature(
        "odds",
        "ln of how much likelier the tenant than the subject is to show all this together",
        "nats",
        1,
        default=_SILENT,
    ),
    Feature("odds_unusual", "the same over the subject's usual worst of a sitting", "nats", 1, default=_SILENT),
    Feature("odds_session", "worst odds of the sitting so far, this access included", "nats", 1, default=_SILENT),
    Feature(
        "odds_lately", "recent level of the worst odds of a sitting over the usual level", "nats", 1, default=_SILENT
    ),
    Feature("odds_24h", "mean odds of the last 24h, this access included", "nats", 1, default=_SILENT),
    Feature("odds_7d", "mean odds of the last 7d, this access included", "nats", 1, default=_SILENT),
    Feature("surprise_24h", "mean resource surprise of the last 24h", "nats", 1, _RESOURCE),
    Feature("surprise_7d", "mean resource surprise of the last 7d", "nats", 1, _RESOURCE),
    Feature("hour_surprise_7d", "mean hour surprise of the sittings of the last 7d", "nats", 0, ("time_ns",)),
    Feature(
        "zone_surprise_7d", "mean time zone surprise of the sittings of the last 7d", "nats", 0, ("tz_offset_min",)
    ),
)
_HIGH: Final = 2.0


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the ten features."""
    own, session = history.own, history.session
    chance, _peers, of_all = history.hours
    total = odds(history.ratio) + log(of_all / chance)
    day, week = history.windows[2:]
    usual = own.odds[1] if own.odds[0] else NAN
    return (
        total,
        total - usual,
        total if session is None else max(total, session.odds_max),
        own.odds_lately - usual,
        (day[Metric.ODDS] + total) / (day[0] + 1.0),
        (week[Metric.ODDS] + total) / (week[0] + 1.0),
        day[Metric.SURPRISE] / day[0] if day[0] else NAN,
        week[Metric.SURPRISE] / week[0] if week[0] else NAN,
        week[Metric.HOUR_SURPRISE] / week[Metric.SESSIONS] if week[Metric.SESSIONS] else NAN,
        week[Metric.ZONE_SURPRISE] / week[Metric.SESSIONS] if week[Metric.SESSIONS] else NAN,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the evidence in words."""
    when = "this access is" if name in {"odds", "odds_unusual"} else "what you did lately is"
    return f"{when} {'far less' if value > _HIGH else 'not less'} like you than like others in your organisation"


SIGNAL: Final = Signal(
    Family.SURPRISE,
    _FEATURES,
    ("resource_type", "resource_id", "ip", "country", "device_id", "ua_family", "tz_offset_min", "time_ns"),
    ("subject", "peers", "tenant"),
    extract,
    words,
)
