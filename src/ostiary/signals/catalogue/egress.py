"""Does the workload usually reach this host outside?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.EGRESS, "workload", "destination", ("workload.egress",), family=Family.WORKLOAD, brief=True
)
