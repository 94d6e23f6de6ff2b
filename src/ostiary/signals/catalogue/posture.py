"""The state of the device: what is switched off, how old its report is, and whether it got worse in this sitting."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import logged, logged_days
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import span, unlogged
from ostiary.signals.postures import CHECKS, checks_of, faults_of, named
from ostiary.signals.signal import LONGEST_DAYS, NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_FLAGS: Final = tuple(f"posture.{member}" for member, _, _ in CHECKS)
_AGES: Final = (
    ("attestation_age", "since the device was last attested"),
    ("report_age", "since the device last reported its state"),
    ("patch_age", "since the device was last patched"),
)
_FEATURES: Final = (
    *(
        Feature(
            f"posture_{words.replace(' ', '_')}", f"1 when the device is told to be so: {words}", "flag", 1, (source,)
        )
        for (_, _, words), source in zip(CHECKS, _FLAGS, strict=True)
    ),
    *(
        Feature(f"posture_{age}", f"{what}, at most 90 days", "ln(1+days)", 1, (f"posture.{age}_s",))
        for age, what in _AGES
    ),
    Feature("posture_faults", "how many checks of the device failed", "count", 1, _FLAGS),
    Feature("posture_faults_unusual", "the same against the subject's usual device", "deviations", 1, _FLAGS),
    Feature("posture_changed", "1 when the checks are not as they were when the sitting began", "flag", 1, _FLAGS),
    Feature("posture_worsened", "checks that failed only after the sitting began", "count", 1, _FLAGS),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return a flag per check, three ages, and four features of all checks."""
    posture = event.posture
    if posture is None:
        return _MISSING
    checked = [NAN if value is None else 1.0 if value is bad else 0.0 for value, bad in checks_of(posture)]
    faults, count, before = 0, NAN, -1
    if not all(map(isnan, checked)):
        faults, session = faults_of(posture), history.session
        count = float(faults.bit_count())
        before = -1 if session is None else session.posture
    return (
        *checked,
        logged_days(posture.attestation_age_s, LONGEST_DAYS),
        logged_days(posture.report_age_s, LONGEST_DAYS),
        logged_days(posture.patch_age_s, LONGEST_DAYS),
        count,
        unusual(usual_of(history.own, "faults"), logged(count)),
        NAN if before < 0 else 0.0 if before == faults else 1.0,
        NAN if before < 0 else float((faults & ~before).bit_count()),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the device's state in words."""
    if isnan(value) or event.posture is None:
        return "the state of the device is not told"
    if name.endswith("_age"):
        what = {"posture_attestation_age": "attested", "posture_patch_age": "patched"}.get(name, "heard of")
        return f"your device was last {what} {span(_DAY * unlogged(value))} ago"
    faults = named(faults_of(event.posture))
    if name in {"posture_changed", "posture_worsened"}:
        return f"the state of your device {'changed' if value else 'did not change'} during this session"
    usual = usual_of(history.own, "faults")
    known = f"; usually {unlogged(usual[1]):.0f} of its checks fail" if usual[0] else ""
    return f"your device: {', '.join(faults)}{known}" if faults else f"your device passes every check told{known}"


SIGNAL: Final = Signal(
    Family.POSTURE,
    _FEATURES,
    (*_FLAGS, *(f"posture.{age}_s" for age, _ in _AGES)),
    ("subject",),
    extract,
    words,
    "posture",
)
