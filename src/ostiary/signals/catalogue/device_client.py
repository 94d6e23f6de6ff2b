"""Does the subject usually use this application on this device?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.DEVICE_CLIENT, "device", "application on this device", ("device_id", "client_id"), brief=True
)
