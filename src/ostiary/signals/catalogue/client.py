"""Is the application through which the subject comes usual for it?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(Dim.CLIENT, "account", "application", ("client_id",))
