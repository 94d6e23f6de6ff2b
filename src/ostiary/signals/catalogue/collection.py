"""Is the collection that holds the resource (repository, bucket, database) usual for the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim, collection_of
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _called(event: AccessEvent, _: str) -> str:
    name = collection_of(event.resource_type, event.resource_id).removeprefix(f"{event.resource_type}:")
    return f"{shown(event.resource_type)} `{shown(name)}`"


SIGNAL: Final[Signal] = of_dimension(Dim.COLLECTION, "novelty", "collection", ("resource_type", "resource_id"), _called)
