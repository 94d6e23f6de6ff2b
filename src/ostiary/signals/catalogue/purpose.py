"""Is this the purpose for which the subject usually asks for data?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.PURPOSE, "data", "purpose", ("data.purpose",), family=Family.RESOURCE, brief=True
)
