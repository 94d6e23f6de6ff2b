"""Does this issuer usually issue tokens for this audience to the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.TOKEN_AUDIENCE,
    "token",
    "audience of the token",
    ("issuer", "token.audience"),
    family=Family.SESSION,
    brief=True,
)
