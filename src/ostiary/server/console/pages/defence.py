"""Ostiary's own defences: who asks too much, who drifts slowly, what was refused, what leaked, what the red team found.

1. Everything comes from what is stored. Where nothing is, the page says by which command it would be.
2. Nobody reads here how near he himself is to a threshold: one's own rows are left out.
"""

from typing import Any, Final

from ostiary.server.admin.batches import show_quarantine
from ostiary.server.admin.defence import (
    AskBody,
    DriftingShown,
    ReplaceBody,
    ScoresShown,
    propose_baseline,
    replace_baseline,
    show_defence,
)
from ostiary.server.console.acting import check_not_own, text_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/defence"
_NS: Final = 1_000_000_000
_KEPT: Final = 20
_WORDS: Final = {
    "hour": "the hours of work",
    "amount": "how much an access takes",
    "accesses": "how often things are accessed",
}


def show(visit: Visit) -> Reply:
    """Show everything."""
    told, me = show_defence(visit.tenant, visit.desk), visit.own_names
    quarantine = show_quarantine(visit.tenant, visit.desk)
    return visit.page(
        "defence.html",
        HERE,
        questions=told.questions,
        hours=told.questions.window_s / 3600,
        askers=[one for one in told.questions.askers if one.subject not in me],
        drift=told.drift,
        rows=[_row(one) for one in told.drift.rows if one.subject not in me],
        refused=sum(quarantine.refused.values()),
        codes=quarantine.refused,
        kept=[{"one": one, "at": stamp(one.at * _NS)} for one in quarantine.kept[:_KEPT]],
        canaries=[{"one": one, "at": stamp(one.at_ns)} for one in told.canaries if one.subject not in me],
        redteam=told.redteam,
        ran=stamp(told.redteam.at_ns) if told.redteam and told.redteam.at_ns else "",
        attacks=_attacks(told.redteam),
    )


def propose(visit: Visit) -> Reply:
    """Ask people to let somebody's latest quiet days become the baseline."""
    check_not_own(visit, visit.told["subject"])
    body = AskBody(why=text_of(visit, "why", "say why"))
    made = propose_baseline(visit.tenant, visit.told["subject"], body, visit.who, visit.desk)
    return visit.done(f"/approvals/{made.proposal}", "People were asked to agree")


def replace(visit: Visit) -> Reply:
    """Put the baseline that people agreed to in its place."""
    check_not_own(visit, visit.told["subject"])
    body = ReplaceBody(proposal=visit.form.get("proposal", "").strip(), why=text_of(visit, "why", "say why"))
    made = replace_baseline(visit.tenant, visit.told["subject"], body, visit.who, visit.desk)
    return visit.done(HERE, f"Baseline {made.serial} of {made.subject} is in force")


def _row(one: DriftingShown) -> dict[str, Any]:
    alarms = [f"{_WORDS.get(name, name)} {way}" for name, _, way in (alarm.partition(":") for alarm in one.alarms)]
    return {"one": one, "alarms": alarms, "measure": _WORDS.get(one.measure, one.measure)}


def _attacks(told: ScoresShown | None) -> list[dict[str, Any]]:
    if told is None:
        return []
    return [
        {
            "one": one,
            "without": f"{100 * one.without:.3g} %",
            "guarded": f"{100 * one.guarded:.3g} %",
        }
        for one in told.attacks
    ]


_BASELINE: Final = f"{HERE}/baselines/{{subject}}"
ROUTES = (
    Route("GET", HERE, "defence", show),
    Route("POST", f"{_BASELINE}/propose", "defence", propose, "propose"),
    Route("POST", f"{_BASELINE}/replace", "defence", replace, "change"),
)
