"""Joins the labels of all texts to the label of the session; it never loosens."""

from typing_extensions import override

from ostiary.gateway.inspectors.turn import PASS, Action, Quiet, Turn
from ostiary.vocabulary.labels import join


class LabelInspector(Quiet):
    """The first in the list: everybody after it sees the joined label."""

    @override
    def on_prompt(self, turn: Turn) -> Action:
        """Join."""
        turn.label = join(turn.tenant, (piece.label for piece in turn.asked.pieces), turn.label)
        return PASS
