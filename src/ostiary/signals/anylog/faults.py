"""What is wrong with a mapping, where, and what was probably meant.

>>> hint("resorce_id", ("resource_id", "resource_type"))
': did you mean `resource_id`?'
>>> at(12, "mapping_key", "`x` is no key").pointer
'12'
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.signals.texts import shown

_MAX_WORD: Final = 64
_LISTED: Final = 16
_LIKENESS: Final = 0.6
MAX_FAULTS: Final = 20


class FaultyMappingError(FaultyInputError):
    """A mapping with faults; the code is the first one's, the message tells them all, a line each.

    Attributes:
        faults: each with its line as ``pointer``.
    """

    def __init__(self, name: str, faults: Iterable[FaultyInputError]) -> None:
        """Join what was found in the mapping called ``name``."""
        self.faults = tuple(sorted(faults, key=lambda fault: int(fault.pointer or 1)))[:MAX_FAULTS]
        told = [f"{shown(name, 256)}:{fault.pointer or 1}: {fault.message}" for fault in self.faults]
        super().__init__(self.faults[0].code, "\n".join(told), self.faults[0].pointer)


def at(line: int, code: str, text: str) -> FaultyInputError:
    """Return a fault of the mapping's line ``line``."""
    return FaultyInputError(code, text, str(line))


def hint(word: str, choices: Iterable[str]) -> str:
    """Return what was probably meant by ``word``, or what there is to choose from."""
    known = sorted(choices)
    near = get_close_matches(word[:_MAX_WORD], known, 1, _LIKENESS)
    if near:
        return f": did you mean `{near[0]}`?"
    more = ", …" if len(known) > _LISTED else ""
    return f": use one of {', '.join(known[:_LISTED])}{more}"
