"""Does this client software usually speak TLS like this? What calls itself a browser and is none does not."""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.JA4_AGENT, "device", "TLS fingerprint with this client software", ("place.ja4", "ua_family"), brief=True
)
