"""Effects, ordered from the mildest to the harshest, and the controls that carry them.

The order is the law's spine: combining is ``max`` and ``min`` over it (HOUSE.md §1).

>>> max(Effect.REDUCE, Effect.STEP_UP).name
'STEP_UP'
"""

from enum import IntEnum, StrEnum


class Effect(IntEnum):
    """What is done about one request; a larger value is harsher."""

    ALLOW = 0
    REDUCE = 1
    STEP_UP = 2
    DENY = 3
    TERMINATE = 4

    @property
    def permits(self) -> bool:
        """Whether the enforcement point may let the request through (with its obligations)."""
        return self <= Effect.REDUCE


class Control(StrEnum):
    """A switch through which a model may cause an effect; each has its own phase."""

    DENY = "deny"
    REDUCE = "reduce"
    SESSION_LIFETIME = "session_lifetime"
    STEP_UP = "step_up"
    TERMINATE = "terminate"


class Phase(IntEnum):
    """How far a control has been rolled out; a later phase includes the earlier ones."""

    TELEMETRY = 0
    SHADOW = 1
    LOW_RISK = 2
    HIGH_IMPACT = 3


EFFECT_OF_CONTROL: dict[Control, Effect] = {
    Control.SESSION_LIFETIME: Effect.REDUCE,
    Control.REDUCE: Effect.REDUCE,
    Control.STEP_UP: Effect.STEP_UP,
    Control.DENY: Effect.DENY,
    Control.TERMINATE: Effect.TERMINATE,
}

LIVE_FROM: dict[Control, Phase] = {
    Control.SESSION_LIFETIME: Phase.LOW_RISK,
    Control.REDUCE: Phase.LOW_RISK,
    Control.STEP_UP: Phase.LOW_RISK,
    Control.DENY: Phase.HIGH_IMPACT,
    Control.TERMINATE: Phase.HIGH_IMPACT,
}
