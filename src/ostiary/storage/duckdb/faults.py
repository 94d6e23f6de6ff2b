"""What is said of a fault of the engine: by kind, and in its own words only for faults of grammar and names.

Those can only name what was given to the engine: a hidden column is told like one that never was.
"""

import re
from typing import Final

import duckdb

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError

_FIRST: Final = 300
# Names that the engine makes anew for each database must not make two equal queries differ.
_INTERNAL: Final = re.compile(r"__duckdb_\w+")
_COLUMN: Final = re.compile(
    r'(?:Referenced column |(?:Table|Values list) "[^"]*" does not have a column named |Column )"([^"]{1,80})"'
)


def told(fault: Exception) -> OstiaryError:
    """Return what is said of a fault of the engine: the same for a hidden column as for one that never was."""
    text = str(fault)
    if isinstance(fault, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return _of_grammar(fault, text)
    if isinstance(fault, duckdb.InterruptException) or "INTERRUPT" in text:
        return RefusedError("query_too_long", "the query took too long and was ended")
    if isinstance(fault, duckdb.OutOfMemoryException | MemoryError):
        return RefusedError("query_too_large", "the query needs more memory than it may use")
    if isinstance(fault, duckdb.PermissionException):
        return RefusedError("query_not_allowed", "the query wants what is outside of the feature set")
    if isinstance(fault, duckdb.FatalException | duckdb.InternalException):
        return UnavailableError("engine_unavailable", "the engine for queries failed")
    return FaultyInputError("query_invalid", "the query cannot run on these values")


def _of_grammar(fault: Exception, text: str) -> OstiaryError:
    column = _COLUMN.search(text)
    if isinstance(fault, duckdb.BinderException) and column is not None:
        return FaultyInputError("query_unknown_column", f"the query needs `{column[1]}`, which you do not have")
    if isinstance(fault, duckdb.CatalogException) and "Table with name" in text:
        return FaultyInputError("query_unknown_table", "the query names a table that is not there")
    first = _INTERNAL.sub("", text.partition("\n")[0])[:_FIRST]
    return FaultyInputError("query_invalid", f"the query cannot run: {first}")
