"""What a pipeline proved of itself: who built it, who approved its commit, on what machine it runs."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import flag
from ostiary.signals.phrases import plural
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_PROOFS: Final = ("workload.ci_verified", "workload.commit_approved", "workload.runner_attested")
_FEATURES: Final = (
    Feature("ci_unverified", "1 when the pipeline is told not to be verified", "flag", 1, _PROOFS[:1]),
    Feature("commit_unapproved", "1 when nobody approved its commit", "flag", 1, _PROOFS[1:2]),
    Feature("runner_unattested", "1 when its machine is not attested", "flag", 1, _PROOFS[2:]),
    Feature("proofs_lacking", "how many of the three proofs failed or are not told", "count", 1, _PROOFS),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return the four features."""
    work = event.workload
    if work is None:
        return _MISSING
    proofs = (work.ci_verified, work.commit_approved, work.runner_attested)
    lacking = NAN if proofs == (None, None, None) else float(3 - proofs.count(True))
    return (
        flag(work.ci_verified, bad=False),
        flag(work.commit_approved, bad=False),
        flag(work.runner_attested, bad=False),
        lacking,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the pipeline could not prove."""
    if isnan(value):
        return "the pipeline does not tell where it comes from"
    match name:
        case "ci_unverified":
            return f"your pipeline is {'not ' if value else ''}verified"
        case "commit_unapproved":
            return f"your commit is {'not ' if value else ''}approved"
        case "runner_unattested":
            return f"the machine you run on is {'not ' if value else ''}attested"
        case _:
            return f"your pipeline lacks {plural(value, 'proof')} of three"


SIGNAL: Final = Signal(Family.WORKLOAD, _FEATURES, _PROOFS, ("subject",), extract, words, "workload")
