"""Is this class of action on this collection (reading here, deleting there) usual for the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim, collection_of
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _called(event: AccessEvent, _: str) -> str:
    where = collection_of(event.resource_type, event.resource_id).replace(":", " ", 1)
    return f"`{event.action_class.value}` on {shown(where)}"


SIGNAL: Final[Signal] = of_dimension(
    Dim.DEED, "sequence", "deed", ("action_class", "resource_type", "resource_id"), _called, family=Family.SEQUENCE
)
