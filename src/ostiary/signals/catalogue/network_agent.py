"""Does the subject usually use this client software from this network? Each may be known, and the pair still new."""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.NETWORK_AGENT, "network", "client software on this network", ("ip", "ua_family", "ua_os"), brief=True
)
