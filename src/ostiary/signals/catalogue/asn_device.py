"""Does this device usually come through this network operator?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.ASN_DEVICE, "network", "device on this network operator", ("asn", "device_id"), brief=True
)
