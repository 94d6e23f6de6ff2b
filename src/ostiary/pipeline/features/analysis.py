"""Reading a query before it runs: for the explanation, an early refusal and the record. It enforces nothing (ADR-0028).

- It is a function of the text alone: it never sees which columns there are, so it cannot tell a forbidden column from
  one that never was.
- ``needs`` are columns that the query surely reads from the feature set; ``may`` are names that could be the set's or
  something else's; ``whole`` says that it asks for rows as they are (``*``, ``t``, ``COLUMNS``).
- What is refused here is refused for its kind: more than one statement, anything but a query, a table that is not the
  set, a function that reads a table elsewhere. A query that cannot be read is refused.

>>> analyse("SELECT avg(amount) FROM f WHERE country = 'x'", "f").needs
('amount', 'country')
"""

from typing import Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, RefusedError

MAX_CHARS: Final = 65_536
MAX_TOKENS: Final = 10_000
MAX_DEPTH: Final = 500
MAX_SELECTS: Final = 256
MAX_SOURCES: Final = 512
NOT_UNDERSTOOD: Final = "query_not_understood"
NOT_A_QUERY: Final = "query_not_allowed"
UNKNOWN_TABLE: Final = "query_unknown_table"
Dialect = Literal["duckdb", "postgres"]
# Table functions that make rows out of values; every other one reads something.
_ROWS_OF_VALUES: Final = frozenset(
    {"exploding_generate_series", "generate_series", "generate_subscripts", "range", "unnest"}
)
# Functions that run text as SQL, tell of the server, or do something; and those that DuckDB cannot interrupt, of which
# one call on long texts runs for hours, or that reach a type by its name in a text, for one of those types is such too.
_NEVER_WORDS: Final = """
add_parquet_key checkpoint current_database current_query current_schema current_schemas current_setting currval
enable_logging force_checkpoint from_json from_json_strict getenv getvariable in_search_path jaro_similarity
jaro_winkler_similarity jarowinkler_similarity json_execute_serialized_sql json_serialize_plan json_transform
json_transform_strict lastval nextval parse_duckdb_log_message query query_table set_config setseed sleep_ms
sql_auto_complete txid_current write_log
"""
_NEVER: Final = frozenset(_NEVER_WORDS.split())
_NEVER_TYPES: Final = frozenset({"bignum", "varint"})
_NEVER_PREFIXES: Final = (
    "arrow_scan",
    "dblink",
    "duckdb_",
    "has_",
    "icu_",
    "lo_",
    "pandas_scan",
    "parquet_",
    "pg_",
    "pragma_",
    "python_",
    "read_",
    "seq_scan",
    "sniff_",
    "sqlite_",
)


class Analysis(msgspec.Struct, frozen=True):
    """What a query was found to need.

    Attributes:
        needs: columns that it surely reads from the set.
        may: names that could be columns of the set.
        whole: whether it asks for whole rows.
        canonical: for PostgreSQL the query as it was understood, written anew; else nothing.
    """

    needs: tuple[str, ...]
    may: tuple[str, ...]
    whole: bool
    canonical: str


def analyse(sql: str, table: str, dialect: Dialect = "duckdb") -> Analysis:
    """Return what ``sql`` needs of the feature set ``table``.

    Raises:
        FaultyInputError: ``query_not_understood``.
        RefusedError: ``query_not_allowed`` or ``query_unknown_table``.
    """
    from ostiary.pipeline.features.reading import Reading  # noqa: PLC0415 - needs an extra

    if len(sql) > MAX_CHARS:
        raise FaultyInputError(NOT_UNDERSTOOD, f"the query has {len(sql)} characters, {MAX_CHARS} are allowed")
    return Reading(sql, table, dialect).analysis()


def function_name(node: Any) -> str:
    """Return the name of a parsed function, in lower case."""
    return str(node.name or node.sql_name() if node.key == "anonymous" else node.sql_name()).lower()


def is_never(name: str) -> bool:
    """Return whether a function is refused whatever its arguments."""
    lower = name.lower()
    return lower in _NEVER or lower.startswith(_NEVER_PREFIXES)


def is_never_type(name: str) -> bool:
    """Return whether a type is refused: to make a number of a long text the engine takes hours, uninterrupted."""
    return name.strip('"').lower() in _NEVER_TYPES


def makes_rows(name: str) -> bool:
    """Return whether a function may stand where a table stands."""
    return name.lower() in _ROWS_OF_VALUES


def not_allowed(text: str) -> RefusedError:
    """Return the refusal of a query for its kind."""
    return RefusedError(NOT_A_QUERY, text)
