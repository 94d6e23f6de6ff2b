"""Is the client program and its operating system usual for the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(Dim.AGENT, "device", "client software", ("ua_family", "ua_os"))
