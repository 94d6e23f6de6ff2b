"""What the behavioural biometrics say of the session: the score of another model, with how far it may be believed."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import logged, within
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.vocabulary.events import AccessEvent

_LLR, _SURE, _DRIFT = ("behaviour.llr",), ("behaviour.confidence",), ("behaviour.drift",)
_MOST_NATS: Final = 50.0
_FEATURES: Final = (
    Feature(
        "behaviour_llr", "ln of how much likelier another person than the subject types and moves so", "nats", 1, _LLR
    ),
    Feature("behaviour_weighed", "the same times its confidence", "nats", 1, _LLR + _SURE),
    Feature("behaviour_confidence", "how well the subject's behaviour is known, 0 to 1", "score", 0, _SURE),
    Feature("behaviour_drift", "distance of the adaptive template from its anchor", "ln(1+deviations)", 1, _DRIFT),
    Feature("behaviour_drift_unusual", "the same against the subject's usual", "deviations", 1, _DRIFT),
    Feature("behaviour_replayed", "how little the behaviour looks live, 0 to 1", "score", 1, ("behaviour.liveness",)),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the six features."""
    behaviour = event.behaviour
    if behaviour is None:
        return _MISSING
    llr, sure = within(behaviour.llr, -_MOST_NATS, _MOST_NATS), within(behaviour.confidence, 0.0, 1.0)
    drift = logged(behaviour.drift)
    return (
        llr,
        llr * sure,
        sure,
        drift,
        unusual(usual_of(history.own, "drift"), drift),
        1.0 - within(behaviour.liveness, 0.0, 1.0),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the behaviour says, against the subject's own."""
    if isnan(value):
        return "nothing is told of how you type and move"
    match name:
        case "behaviour_confidence":
            return f"how you type and move is {'well' if value > 0.5 else 'little'} known"  # noqa: PLR2004 - the middle
        case "behaviour_drift" | "behaviour_drift_unusual":
            usual = usual_of(history.own, "drift")
            known = f"; usually {unlogged(usual[1]):.1f}" if usual[0] else ""
            away = unlogged(logged(event.behaviour.drift if event.behaviour else None))
            return f"you type and move {away:.1f} deviations from how you did when you were enrolled{known}"
        case "behaviour_replayed":
            return f"how you type and move {'looks replayed' if value > 0.5 else 'looks live'}"  # noqa: PLR2004
        case _:
            return f"you type and move {'less like yourself than like others' if value > 0 else 'like yourself'}"


SIGNAL: Final = Signal(
    Family.BIOMETRICS,
    _FEATURES,
    (*_LLR, *_SURE, *_DRIFT, "behaviour.liveness"),
    ("subject",),
    extract,
    words,
    "behaviour",
)
