"""Exchanging one of our own tokens again: the new one is for the same or for less, never for more.

What the holder does not say it inherits: columns, path, purpose, stage, commit, budgets. What it says must lie within
every restriction of the token that it has.

>>> parent = AccessDetail("ostiary_dataset", "sales", ("dataset.read", "dataset.list"), purpose="training", prefix="a")
>>> narrowed(parent, AccessDetail("ostiary_dataset", "sales", ("dataset.read",), prefix="a/b")).purpose
'training'
"""

from typing import Final

import msgspec

from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.restrictions import HOLDS, Failure, Verdict, restrictions_of

INHERITED: Final = ("commit", "datatypes", "max_bytes", "max_objects", "prefix", "purpose", "stage")


def narrowed(parent: AccessDetail, wanted: AccessDetail) -> AccessDetail:
    """Return what is wanted with what it inherits; ``within`` says whether that is narrower."""
    told = {name: getattr(wanted, name) or getattr(parent, name) for name in INHERITED}
    return msgspec.structs.replace(wanted, **told)


def within(parent: AccessDetail, wanted: AccessDetail) -> Verdict:
    """Return whether all of ``wanted`` lies within ``parent``: the first restriction's word against it, or success."""
    verdicts = (restriction.contains(wanted) for restriction in restrictions_of(parent))
    return next((verdict for verdict in verdicts if isinstance(verdict, Failure)), HOLDS)
