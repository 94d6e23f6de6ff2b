"""What is asked for inside the resource: columns, personal ones among them, production, somebody else's data."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import flag, logged
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent

_ALL, _PERSONAL = ("data.columns",), ("data.personal_columns",)
_FEATURES: Final = (
    Feature("columns", "columns asked for", "ln(1+count)", 1, _ALL),
    Feature("columns_unusual", "the same against what the subject usually asks for", "deviations", 1, _ALL),
    Feature("columns_personal", "columns of personal data asked for", "ln(1+count)", 1, _PERSONAL),
    Feature("columns_personal_unusual", "the same against the subject's usual", "deviations", 1, _PERSONAL),
    Feature("columns_personal_share", "personal share of the columns", "share", 1, _ALL + _PERSONAL),
    Feature("data_production", "1 when it is production data", "flag", 1, ("data.production",)),
    Feature(
        "data_foreign", "1 when it belongs to a team that is not the subject's", "flag", 1, ("data.owner", "groups")
    ),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the seven features."""
    data, own = event.data, history.own
    if data is None:
        return _MISSING
    columns, personal = logged(data.columns), logged(data.personal_columns)
    share = NAN
    if data.columns is not None and data.personal_columns is not None:
        share = min(1.0, max(0, data.personal_columns) / max(data.columns, 1))
    department = event.account.department if event.account else None
    teams = event.groups if department is None else (*event.groups, department)
    return (
        columns,
        unusual(usual_of(own, "columns"), columns),
        personal,
        unusual(usual_of(own, "personal"), personal),
        share,
        flag(data.production, bad=True),
        NAN if data.owner is None or not teams else 0.0 if data.owner in teams else 1.0,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is asked for, against the subject's usual."""
    if isnan(value) or event.data is None:
        return "it is not told what is asked for inside the resource"
    match name:
        case "data_production":
            return f"it is {'' if value else 'not '}production data"
        case "data_foreign":
            return f"the data belongs to `{shown(event.data.owner or '')}`, {'not ' if value else ''}a team of yours"
        case "columns_personal_share":
            return f"{value:.0%} of the columns that you ask for are about people"
        case _:
            pass
    personal = "personal" in name
    usual = usual_of(history.own, "personal" if personal else "columns")
    count = event.data.personal_columns if personal else event.data.columns
    known = f"; you usually ask for {unlogged(usual[1]):,.0f}" if usual[0] else ""
    return f"{plural(max(count or 0, 0), 'personal column' if personal else 'column')}{known}"


SIGNAL: Final = Signal(
    Family.RESOURCE,
    _FEATURES,
    (*_ALL, *_PERSONAL, "data.production", "data.owner", "groups"),
    ("subject",),
    extract,
    words,
    "data",
)
