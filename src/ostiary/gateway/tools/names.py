r"""Names that can be taken for each other: the skeleton of a tool's name.

Two names with one skeleton look or sound alike to a person or a model: other case, other separators, letters of another
script, characters nobody sees, a prefix of a server. Calls go by exact names; a likeness is only ever a warning.

>>> skeleton("Send-Email"), skeleton("send\u200b_ema\u0456l"), skeleton("send_emall") == skeleton("send_email")
('sendemaii', 'sendemaii', True)
"""

from typing import Final

from ostiary.gateway.tools.shapes import compact
from ostiary.inspection.text import normalise

_LIKE: Final = str.maketrans({"0": "o", "1": "i", "l": "i", "|": "i", "5": "s"})


def skeleton(name: str) -> str:
    """Return what is the same of all names that look like ``name``."""
    plain = name if name.isascii() else normalise(name[:512]).text
    return compact(plain).translate(_LIKE).replace("rn", "m")
