"""``ostiary risk certify --labels``: prove that attacks which a model catches stay caught in the attacker's box."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.risk.shared import book_for, check, need_extra
from ostiary.errors import RefusedError

if TYPE_CHECKING:
    from ostiary.risk.model import RiskModel
    from ostiary.vocabulary.events import AccessEvent

_NS: Final = 1_000_000_000


class Limits(NamedTuple):
    """From which Unix time on, of how many attacks at most, and for how many seconds each."""

    since: float
    most: int
    timeout: float


def certify_evasion(
    scorer: "RiskModel",
    accesses: Sequence["AccessEvent"],
    verdicts: dict[str, int],
    tenant: str,
    limits: Limits,
    *,
    json: bool,
) -> None:
    """Tell what can be proven of the attacks among ``accesses`` that ``scorer`` catches."""
    need_extra()
    check(limits.most >= 1 and limits.timeout > 0, "--most from 1, --timeout above 0")
    from ostiary.risk.measure.certify import certified  # noqa: PLC0415 - the risk extra is heavy and may be absent

    rows, spread = _rows(scorer, accesses, verdicts, tenant, int(limits.since * _NS))
    some = rows[:: max(1, len(rows) // limits.most)][: limits.most]
    found = {"model": scorer.digest, "accesses": len(rows), **certified(_answers(scorer, some, spread, limits.timeout))}
    if json:
        print_json(found)
        return
    shown = [{"what": what, "figure": f"{figure}"} for what, figure in found.items()]
    print_table("attacks that are caught", ["what", "figure"], shown)
    out.print("the attacker's box: docs/explanation/evasion.md", markup=False)


def _rows(
    scorer: "RiskModel", events: Sequence["AccessEvent"], verdicts: dict[str, int], tenant: str, from_ns: int
) -> tuple[list[tuple["AccessEvent", list[float]]], list[float]]:
    """Return the attacks' accesses with their features, and how widely each feature is spread over all accesses."""
    import numpy as np  # noqa: PLC0415 - the risk extra

    from ostiary.signals.features import extract  # noqa: PLC0415

    book = book_for(tenant, scorer)
    attacks: list[tuple[AccessEvent, list[float]]] = []
    own: list[list[float]] = []
    for number, event in enumerate(events):
        attack = verdicts.get(event.event_id) == 1 and event.time_ns >= from_ns
        if attack or not number % 10:
            row = extract(event, book.view(event))
            if attack:
                attacks.append((event, row))
            else:
                own.append(row)
        book.learn(event)
    with warnings.catch_warnings():
        # A feature that none of these accesses tells has no spread; numpy says NaN, and complains on standard error.
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.nanstd(np.array(own, dtype=np.float64), axis=0) if own else np.zeros(0)
    return attacks, [float(one) if one == one else 0.0 for one in spread]  # noqa: PLR0124 - NaN is not itself


def _answers(
    scorer: "RiskModel", rows: Sequence[tuple["AccessEvent", list[float]]], spread: Sequence[float], timeout: float
) -> list[Any]:
    from ostiary.risk.calibration import sigmoid  # noqa: PLC0415 - the risk extra
    from ostiary.risk.measure.certify import Certifier, least_margin  # noqa: PLC0415

    provers: dict[int, tuple[Any, float]] = {}
    answers = []
    for number, (event, row) in enumerate(rows):
        access = scorer.wing(event).access
        if access.score(event, row).level == "low":
            continue
        if access.walker is None:
            raise RefusedError("model_votes", "forests that vote are certified by sources: leave `--labels` out")
        if id(access) not in provers:
            scaling = access.scaling
            from_ = least_margin(lambda margin, by=scaling: sigmoid(by.logit(margin)) >= by.event.medium)  # type: ignore[misc]
            provers[id(access)] = Certifier(access.walker, spread, timeout_s=timeout), from_
        one, threshold = provers[id(access)]
        answers.append(one.certify(row, threshold))
        if not number % 100:
            err.print(f"{number} of {len(rows)}", markup=False)
    return answers
