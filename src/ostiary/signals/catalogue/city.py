"""Is the city usual for the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(Dim.CITY, "place", "city", ("place.city",), brief=True)
