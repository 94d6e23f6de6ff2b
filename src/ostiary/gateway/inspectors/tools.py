"""Lets those calls leave that were judged fit: one that is denied never leaves, one that needs more asks for it.

Who judges is asked before (``judged_calls`` of the door, a decision for each call): this inspector does no I/O.
"""

from typing import Final

from typing_extensions import override

from ostiary.gateway.inspectors.turn import PASS, Action, Ask, Block, Quiet, Turn

NOT_OFFERED: Final = "tool_not_offered"
DENIED: Final = "tool_call_denied"
STEP_UP: Final = "tool_call_step_up"


class ToolInspector(Quiet):
    """The last in the list."""

    @override
    def on_response(self, turn: Turn) -> Action:
        """Keep in ``turn.calls`` what may leave; a call that nobody judged may not."""
        if not turn.calls:
            return PASS
        effects = [one.effect for one in turn.judged]
        if len(effects) != len(turn.calls):
            turn.calls = {}
            return Block(DENIED)
        kept = zip(turn.calls.items(), effects, strict=True)
        turn.calls = {name: call for (name, call), effect in kept if effect == "ALLOW"}
        if "STEP_UP" in effects:
            return Ask(STEP_UP)
        return PASS if turn.calls else Block(DENIED)
