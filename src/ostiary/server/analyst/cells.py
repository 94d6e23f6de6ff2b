"""Cells of a table that a person opens in a spreadsheet: none of them is a formula, whoever wrote it.

>>> guarded("=HYPERLINK(1)"), guarded("user:ann")
("'=HYPERLINK(1)", 'user:ann')
"""

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
