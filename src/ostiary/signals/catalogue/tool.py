"""Does the subject's language model usually call this tool?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.TOOL, "language", "tool", ("language.tool",), family=Family.WORKLOAD, brief=True
)
