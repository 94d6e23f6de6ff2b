"""Does the subject usually do this action right after its last one?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _called(_: AccessEvent, value: str) -> str:
    before, _arrow, after = value.partition(">")
    return f"doing `{shown(after, 40)}` after `{shown(before, 40)}`"


SIGNAL: Final[Signal] = of_dimension(
    Dim.MOVE, "sequence", "order of actions", ("action",), _called, family=Family.SEQUENCE, brief=True
)
