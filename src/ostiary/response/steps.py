"""What a response may do: a closed list of steps, none of which gives anybody anything.

Rules:

- Every kind tightens, tells or asks a person. There is no kind that grants, lifts, releases or forgets: a playbook
  cannot be written that does (``tests/laws/test_response_laws.py``).
- A high-impact step that a model's proposal set off needs a person, or a phase that allows it.
- What can be undone is undone by an administrator, never by a playbook.

>>> StepKind("revoke_subject") in HIGH_IMPACT, StepKind("notify") in HIGH_IMPACT
(True, False)
"""

from enum import StrEnum
from typing import Final

import msgspec


class StepKind(StrEnum):
    """Everything that a step may do."""

    BLOCK_MODEL = "block_model"
    DEMAND_STEP_UP = "demand_step_up"
    DISABLE_TOKEN = "disable_token"  # noqa: S105 - no password
    NOTIFY = "notify"
    OPEN_CASE = "open_case"
    QUARANTINE_DEVICE = "quarantine_device"
    REDUCE_SESSION = "reduce_session"
    REVOKE_SUBJECT = "revoke_subject"
    TERMINATE_SESSION = "terminate_session"


# Ending a session is of high impact for a model here as it is in a decision (vocabulary.effects.LIVE_FROM).
HIGH_IMPACT: Final = frozenset(
    {
        StepKind.BLOCK_MODEL,
        StepKind.DISABLE_TOKEN,
        StepKind.QUARANTINE_DEVICE,
        StepKind.REVOKE_SUBJECT,
        StepKind.TERMINATE_SESSION,
    }
)
UNDOABLE: Final = frozenset({StepKind.BLOCK_MODEL, StepKind.DISABLE_TOKEN, StepKind.QUARANTINE_DEVICE})


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a playbook.

    Attributes:
        do: what it does.
        approval: whether a person must agree first, whatever set it off.
        sink: with ``notify``: the one sink to tell; empty tells all of the tenant's.
        text: with ``notify`` and ``open_case``: words for a person, fixed by the playbook.
        acr_values: with ``demand_step_up``: classes of authentication that satisfy it.
        privileges: with ``reduce_session``: what is taken away.
        lifetime_s: with ``reduce_session``: how long the session may still live.
    """

    do: StepKind
    approval: bool = False
    sink: str = ""
    text: str = ""
    acr_values: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()
    lifetime_s: int | None = None
