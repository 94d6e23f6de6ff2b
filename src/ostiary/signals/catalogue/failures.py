"""Failed and denied tries of the subject, and whether this access comes right after a row of them."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import Feature, Signal
from ostiary.signals.windows import SPAN_WORDS, Metric
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("failures_5m", "failed or denied tries of the last 5m", "ln(1+count)", 1),
    Feature("failures_1h", "failed or denied tries of the last 1h", "ln(1+count)", 1),
    Feature("failures_24h", "failed or denied tries of the last 24h", "ln(1+count)", 1),
    Feature("denials_1h", "denied tries of the last 1h", "ln(1+count)", 1),
    Feature("denials_7d", "denied tries of the last 7d", "ln(1+count)", 1),
    Feature("login_failures_1h", "failed log-ins of the last 1h", "ln(1+count)", 1),
    Feature("failures_in_row", "failed tries since the subject's last success", "ln(1+count)", 1),
    Feature("failure_share_24h", "share of the accesses of the last 24h that failed", "share", 1),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eight features."""
    five, hour, day, week = history.windows
    return (
        log1p(five[Metric.FAILURES]),
        log1p(hour[Metric.FAILURES]),
        log1p(day[Metric.FAILURES]),
        log1p(hour[Metric.DENIALS]),
        log1p(week[Metric.DENIALS]),
        log1p(hour[Metric.LOGIN_FAILURES]),
        log1p(history.own.failures_in_row),
        day[Metric.FAILURES] / (day[0] + 1.0),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the failures in words."""
    if name == "failure_share_24h":
        return f"{value:.0%} of your tries in the last 24 hours failed"
    if name == "failures_in_row":
        return f"{plural(unlogged(value), 'failed try')} in a row before this"
    stem, _, window = name.rpartition("_")
    noun = {"denials": "denied try", "login_failures": "failed log-in"}.get(stem, "failed try")
    place = ("5m", "1h", "24h", "7d").index(window)
    return f"{plural(unlogged(value), noun)} in the last {SPAN_WORDS[place]}"


SIGNAL: Final = Signal(Family.FAILURES, _FEATURES, ("outcome", "action_class", "time_ns"), ("subject",), extract, words)
