"""Does the subject usually go from the collection it touched last to this one?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _called(_: AccessEvent, value: str) -> str:
    before, _arrow, after = value.partition(">")
    return f"going from `{shown(before)}` to `{shown(after)}`"


SIGNAL: Final[Signal] = of_dimension(
    Dim.STEP, "sequence", "step", ("resource_type", "resource_id"), _called, family=Family.SEQUENCE
)
