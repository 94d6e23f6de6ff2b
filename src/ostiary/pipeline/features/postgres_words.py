"""What a query for PostgreSQL may hold: a list of functions and types, and nothing that is not on it.

In DuckDB the engine holds nothing but the view. A PostgreSQL role can always read the catalogues, and a function of the
server may do anything; so here, beside a role that owns nothing, only what is known to be harmless is sent, and it is
sent as it was understood, written anew.

PostgreSQL reads `g.f` as `f(g)` where `g` has no column `f`: a name that stands for one value, as that of a function
among the tables does, is followed by nothing but the columns that it surely has. What takes a whole row is harmless.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlglot import exp

from ostiary.pipeline.features.analysis import function_name, not_allowed

# Aggregates and windows; numbers; text; conditions; time; values of several parts; changes of type.
_FUNCTION_WORDS: Final = """
approx_distinct array_agg avg bit_and bit_or bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
first_value group_concat lag last_value lead logical_and logical_or max min mode nth_value ntile percent_rank
percentile_cont percentile_disc rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope row_number stddev
stddev_pop stddev_samp string_agg sum var_pop var_samp variance variance_pop

abs ceil ceiling exp floor greatest least ln log mod pow power round sign sqrt trunc width_bucket

ascii btrim char_length chr concat concat_ws initcap left length lower ltrim md5 position regexp_like repeat replace
reverse right rtrim split_part starts_with str_position strpos substr substring trim upper

and case coalesce exists if is_nan not nullif or xor

age current_date current_timestamp date date_part date_trunc extract now time_to_str timestamp_trunc to_char

array array_length array_size cardinality explode exploding_generate_series generate_series json_agg json_array_agg
json_build_object json_object_agg jsonb_agg jsonb_build_object row row_to_json struct to_json to_jsonb tuple unnest

cast try_cast
"""
_TYPE_WORDS: Final = """
ARRAY BIGINT BOOLEAN CHAR DATE DECIMAL DOUBLE FLOAT INT INTERVAL JSON JSONB SMALLINT TEXT TIME TIMESTAMP TIMESTAMPTZ
VARCHAR
"""
FUNCTIONS: Final = frozenset(_FUNCTION_WORDS.split())
_TYPES: Final = frozenset(exp.DataType.Type[name] for name in _TYPE_WORDS.split())
_SERIAL: Final = "user functions and types are not allowed here"


def check(nodes: Sequence[exp.Expr]) -> None:
    """Accept the nodes of a query.

    Raises:
        RefusedError: ``query_not_allowed``.
    """
    _check_calls(nodes)
    for node in nodes:
        if isinstance(node, exp.Func):
            name = function_name(node)
            if name.lower() not in FUNCTIONS or isinstance(node.parent, exp.Dot):
                raise not_allowed(f"the function `{name[:60].lower()}` is not allowed here")
        if isinstance(node, exp.DataType) and node.this not in _TYPES:
            raise not_allowed(_SERIAL)
        if isinstance(node, exp.Dot):
            raise not_allowed(_SERIAL)


def _check_calls(nodes: Iterable[exp.Expr]) -> None:
    """Refuse a function that is called as if it were a column."""
    rows: set[str] = set()
    made: dict[str, set[str]] = {}
    columns: list[exp.Expr] = []
    for node in nodes:
        if isinstance(node, exp.Column) and node.text("table"):
            columns.append(node)
        if _is_row(node):
            rows.add(node.alias_or_name.lower())
        elif isinstance(node, exp.TableAlias) and not (_is_row(node.parent) or isinstance(node.parent, exp.CTE)):
            own = {one.name.lower() for one in node.args.get("columns") or ()} or {node.name.lower()}
            # Of two values with one name nobody knows which is meant: only what both have.
            made[node.name.lower()] = own & made.get(node.name.lower(), own)
    for column in columns:
        of, name = column.text("table").lower(), column.name.lower()
        if of in rows - made.keys() or name in made.get(of, {of}) or isinstance(column.this, exp.Star):
            continue
        raise not_allowed(f"`{name[:60]}` is no column of `{of[:60]}`, and functions are called by their parentheses")


def _is_row(node: exp.Expr | None) -> bool:
    """Whether a source stands for rows of several values, never for one value."""
    if isinstance(node, exp.Table):
        return isinstance(node.this, exp.Identifier)
    return isinstance(node, exp.Subquery | exp.Values)
