"""Is this the image that the workload usually runs?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.IMAGE, "workload", "image", ("workload.image",), family=Family.WORKLOAD, brief=True
)
