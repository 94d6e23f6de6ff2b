"""Has the calls judged that a model wants made: one that is denied never leaves, one that needs more asks for it."""

from typing import Final

from typing_extensions import override

from ostiary.gateway.inspectors.turn import PASS, Action, Ask, Block, Quiet, Turn
from ostiary.gateway.ports import CallAsked, CallJudged, ToolJudge

NOT_OFFERED: Final = "tool_not_offered"
DENIED: Final = "tool_call_denied"
STEP_UP: Final = "tool_call_step_up"


class ToolInspector(Quiet):
    """The last in the list."""

    def __init__(self, judge: ToolJudge | None) -> None:
        """Ask ``judge``; without one only what was offered may be called."""
        self._judge = judge

    @override
    def on_response(self, turn: Turn) -> Action:
        """Judge all calls; ``turn.calls`` keeps those that may leave."""
        if not turn.calls:
            return PASS
        calls = list(turn.calls.items())
        judged = self._judged(turn)
        turn.judged = judged
        turn.calls = {name: call for (name, call), one in zip(calls, judged, strict=True) if one.effect == "ALLOW"}
        if any(one.effect == "STEP_UP" for one in judged):
            return Ask(STEP_UP)
        return PASS if turn.calls else Block(DENIED)

    def _judged(self, turn: Turn) -> list[CallJudged]:
        calls = list(turn.calls.values())
        offered = set(turn.asked.tools)
        fine = [call for call in calls if call.name in offered]
        said = iter(self._asked(turn, fine) if fine else ())
        return [next(said) if call.name in offered else CallJudged(call.name, "DENY", (NOT_OFFERED,)) for call in calls]

    def _asked(self, turn: Turn, calls: list[CallAsked]) -> list[CallJudged]:
        if self._judge is None:
            return [CallJudged(call.name, "ALLOW") for call in calls]
        said = list(self._judge.judge(turn.tenant, turn.subject, turn.asked.messages, turn.label, calls))
        if len(said) != len(calls):
            return [CallJudged(call.name, "DENY", (DENIED,)) for call in calls]
        return said
