"""Tells everybody of a change of phases: every sink of the tenant, a line in the log of events, a counter.

Whoever changes and whoever sees the change may both tell: a letter's key is the statement's number, so it is one.
"""

from typing import Final

from ostiary.errors import OstiaryError
from ostiary.response.outbox import Letter, Outbox
from ostiary.server.rollout.chain import OnFault
from ostiary.server.rollout.statement import Change, State

_DONE: Final = {
    "auto": "was taken down by its gate",
    "demote": "was taken down",
    "kill": "was switched off",
    "promote": "was promoted",
    "revive": "was revived",
}


def words(change: Change) -> str:
    """Return one sentence about a change.

    >>> words(Change("auto", "deny", before="high_impact", after="low_risk", by="gate", why="people are interrupted"))
    'deny for everybody was taken down by its gate, from high_impact to low_risk: people are interrupted'
    """
    moved = f"from {change.before} to {change.after}" if change.before else f"to {change.after}"
    control = "everything of the models" if change.control == "*" else change.control
    reason = f": {change.why}" if change.why else ""
    return f"{control} for {change.scope.text} {_DONE.get(change.what, change.what)}, {moved}{reason}"


def post(outbox: Outbox, state: State, on_fault: OnFault) -> int:
    """Post a letter about a state to every sink of its tenant; return how many there are. Never raises."""
    change, names = state.change, outbox.names(state.tenant)
    facts = {
        "what": change.what,
        "control": change.control,
        "scope": change.scope.text,
        "before": change.before,
        "after": change.after,
        "by": change.by,
        "number": str(state.number),
    }
    for sink in names:
        letter = Letter("", state.tenant, sink, f"phases-{change.what}", words(change), facts, state.at_ns)
        try:
            outbox.post(letter, f"phases/{state.number}")
        except OstiaryError as fault:  # one full sink must not keep the others from being told
            on_fault("phases_untold", fault)
    return len(names)
