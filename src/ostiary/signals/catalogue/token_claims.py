"""Does the token hold the claims that it usually holds? A forged or foreign one often looks different."""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal

SIGNAL: Final[Signal] = of_dimension(
    Dim.TOKEN_CLAIMS, "token", "shape of token", ("token.claims",), family=Family.SESSION, brief=True
)
