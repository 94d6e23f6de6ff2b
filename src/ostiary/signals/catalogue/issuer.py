"""Is the issuer of the subject's token or session usual for it?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(Dim.ISSUER, "account", "token issuer", ("issuer",))
