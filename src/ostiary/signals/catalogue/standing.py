"""What the directory knows of the account: age, privilege, a leaving date, a ticket, and analysts' verdicts so far."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import flag, logged, logged_days
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.signal import LONGEST_DAYS, NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_FIELDS: Final = (
    ("account_age", "since the account was made, at most 90 days", "ln(1+days)", -1, "age_s"),
    ("role_changed", "since role or department changed, at most 90 days", "ln(1+days)", -1, "role_changed_s"),
    (
        "credential_changed",
        "since a password, factor or recovery address changed, at most 90 days",
        "ln(1+days)",
        -1,
        "credential_changed_s",
    ),
    ("account_privileged", "1 when the account may do much", "flag", 1, "privileged"),
    ("account_leaving", "1 when its owner leaves or has left", "flag", 1, "leaving"),
    ("account_unticketed", "1 when no approved ticket covers this access", "flag", 1, "ticket"),
    ("account_break_glass", "1 when it is an emergency account", "flag", 1, "break_glass"),
    ("alerts_confirmed", "alerts on the account that analysts confirmed", "ln(1+count)", 1, "confirmed_alerts"),
    ("alerts_false", "alerts on the account that analysts found false", "ln(1+count)", 0, "false_alerts"),
)
_FEATURES: Final = (
    *(Feature(name, text, unit, way, (f"account.{field}",)) for name, text, unit, way, field in _FIELDS),
    Feature(
        "alerts_confirmed_share",
        "confirmed share of the alerts on the account, two false ones taken for granted",
        "share",
        1,
        ("account.confirmed_alerts", "account.false_alerts"),
    ),
)
_MISSING: Final = (NAN,) * len(_FEATURES)
_PRIOR: Final = 2.0
_CHANGES: Final = {
    "account_age": "your account was made",
    "role_changed": "your role changed",
    "credential_changed": "what you log in with changed",
}
_SAID: Final = {
    "account_privileged": ("your account has no special rights", "your account may do much"),
    "account_leaving": ("you are not leaving", "you are leaving or have left"),
    "account_unticketed": ("an approved ticket covers what you do", "no approved ticket covers what you do"),
    "account_break_glass": ("yours is an ordinary account", "yours is an emergency account"),
}


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return the ten features."""
    account = event.account
    if account is None:
        return _MISSING
    right, wrong = account.confirmed_alerts, account.false_alerts
    share = NAN
    if right is not None and wrong is not None:
        share = max(right, 0) / (max(right, 0) + max(wrong, 0) + _PRIOR)
    return (
        logged_days(account.age_s, LONGEST_DAYS),
        logged_days(account.role_changed_s, LONGEST_DAYS),
        logged_days(account.credential_changed_s, LONGEST_DAYS),
        flag(account.privileged, bad=True),
        flag(account.leaving, bad=True),
        flag(account.ticket, bad=False),
        flag(account.break_glass, bad=True),
        logged(right),
        logged(wrong),
        share,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the directory says of the account."""
    if isnan(value):
        return "the directory does not tell that of your account"
    if name in _SAID:
        return _SAID[name][value > 0]
    if name in _CHANGES:
        days = unlogged(value)
        return f"{_CHANGES[name]} {span(_DAY * days)} ago{' or more' if days > LONGEST_DAYS - 0.01 else ''}"
    if name == "alerts_confirmed_share":
        return f"{value:.0%} of what was alerted of you was true"
    held = "true" if name == "alerts_confirmed" else "false"
    return f"{plural(unlogged(value), 'alert')} of you so far found {held}"


SIGNAL: Final = Signal(
    Family.ACCOUNT,
    _FEATURES,
    tuple(f"account.{field}" for *_, field in _FIELDS),
    ("subject",),
    extract,
    words,
    "standing",
)
