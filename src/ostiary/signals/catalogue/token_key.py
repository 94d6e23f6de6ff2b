"""Is the key and algorithm that signed the token the usual one?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.TOKEN_KEY,
    "token",
    "signing key of the token",
    ("token.algorithm", "token.key_id"),
    family=Family.SESSION,
    brief=True,
)
