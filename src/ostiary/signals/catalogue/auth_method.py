"""Is the way in which the subject authenticated usual for it?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(Dim.AUTH_METHOD, "account", "way of logging in", ("auth_method",))
