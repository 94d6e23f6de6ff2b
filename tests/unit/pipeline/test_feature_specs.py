"""What can be registered as a feature set, and what is refused with a word."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.pipeline.features.expressions import check_expression, evaluate, inputs_of, to_sql
from ostiary.pipeline.features.masks import Mask, MaskKey, apply, effective, read_mask
from ostiary.pipeline.features.predicates import arrow_filter, checked, read_rows
from ostiary.pipeline.features.spec import FeatureSpec, check_set_id, read_spec
from ostiary.pipeline.features.view import View, view_of

GOOD: dict[str, Any] = {
    "entities": ["k"],
    "event_time": "t",
    "columns": [
        {"name": "k", "type": "int64"},
        {"name": "t", "type": "timestamp"},
        {"name": "a", "type": "float64", "tags": ["feature"]},
        {"name": "s", "type": "string", "tags": ["pii"]},
    ],
    "derived": [
        {"name": "d", "expression": {"op": "mul", "args": [{"column": "a"}, 2]}, "tags": ["feature"]},
        {"name": "e", "expression": {"op": "neg", "args": [{"column": "d"}]}, "tags": ["feature"]},
    ],
    "offline": {"kind": "parquet"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def column(name: str, kind: str = "float64", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def derived(name: str, *reads: str) -> dict[str, Any]:
    tree: Any = 1
    for read in reads:
        tree = {"op": "add", "args": [tree, {"column": read}]}
    return {"name": name, "expression": tree}


def test_tags_and_closures_are_what_policy_sees() -> None:
    told = read_spec(GOOD).attributes()["columns"]
    assert told["k"] == {"tags": ["key"], "reads": []}
    assert told["t"]["tags"] == ["time"]
    assert told["e"]["reads"] == ["a", "d"]


@pytest.mark.parametrize(
    "change",
    [
        {"entities": []},
        {"entities": ["nosuch"]},
        {"entities": ["d"]},
        {"entities": ["a"]},
        {"entities": ["k", "k"]},
        {"event_time": "a"},
        {"event_time": "nosuch"},
        {"columns": [*GOOD["columns"], column("A")]},
        {"columns": [*GOOD["columns"], column("a b")]},
        {"columns": [*GOOD["columns"], column('a"')]},
        {"columns": [*GOOD["columns"], column("a;--")]},
        {"columns": [*GOOD["columns"], column("é")]},
        {"columns": [*GOOD["columns"], column("x", "blob")]},
        {"columns": [*GOOD["columns"], column("x", tags=["A B"])]},
        {"columns": [*GOOD["columns"], column("x", more=1)]},
        {"columns": [column(f"c{n}") for n in range(1001)]},
        {"derived": [derived("x", "nosuch")]},
        {"derived": [derived("x", "s")]},
        {"derived": [derived("x", "x")]},
        {"derived": [derived("x", "y"), derived("y", "x")]},
        {"derived": [{"name": "x", "expression": {"op": "exec", "args": [1]}}]},
        {"derived": [{"name": "x", "expression": {"op": "add", "args": [1]}}]},
        {"derived": [{"name": "x", "expression": {"column": "a", "op": "neg"}}]},
        {"offline": {"kind": "csv"}},
        {"offline": {"kind": "postgres", "source": "x", "table": 'a"; drop'}},
        {"offline": {"kind": "postgres", "table": "x"}},
        {"offline": {"kind": "parquet", "path": "a\x00b"}},
        {"more": 1},
    ],
)
def test_what_is_no_feature_set_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        read_spec({**GOOD, **change})
    assert fault.value.code == "feature_set_invalid"


@pytest.mark.parametrize("name", ["", "A", "a.b", "a-b", "1a", "a b", "../a", "a" * 64, 'a"'])
def test_a_set_is_named_like_a_table(name: str) -> None:
    with pytest.raises(FaultyInputError):
        check_set_id(name)


@given(JSON)
def test_anything_is_a_spec_or_a_fault(value: Any) -> None:
    for read in (read_spec, read_rows, read_mask):
        try:
            read(value)
        except FaultyInputError:
            continue
    try:
        check_expression(value)
    except FaultyInputError:
        return
    assert isinstance(inputs_of(value), tuple)
    assert "--" not in to_sql(value, lambda name: "x").replace("- -", "").replace("(-", "(")


def test_deep_and_wide_expressions_are_refused() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = {"op": "neg", "args": [deep]}
    wide: Any = 1
    for _ in range(6):
        wide = {"op": "add", "args": [wide, wide]}
    for tree in (deep, wide):
        with pytest.raises(FaultyInputError):
            check_expression(tree)


def test_what_has_no_answer_is_null() -> None:
    import pyarrow as pa  # noqa: PLC0415

    columns = {"a": pa.array([1.0, 0.0, -5.0, None])}

    def value(operator: str, *args: Any) -> list[float | None]:
        found: list[float | None] = evaluate({"op": operator, "args": list(args)}, columns.__getitem__, 4).to_pylist()
        return found

    a = {"column": "a"}
    assert value("div", 10, a) == [10.0, None, -2.0, None]
    assert value("log1p", a)[2:] == [None, None]
    assert value("if", {"op": "gt", "args": [a, 0]}, 1, 2) == [1.0, 2.0, 2.0, None]
    assert value("coalesce", a, 7) == [1.0, 0.0, -5.0, 7.0]


def spec() -> FeatureSpec:
    return read_spec(GOOD)


def told(**kinds: Any) -> Any:
    return lambda kind: kinds.get(kind, [])


ALL = [{"columns": ["k", "t", "a", "s", "d", "e"]}]


def test_a_view_is_token_and_policy_and_closure() -> None:
    assert view_of(spec(), ("*",), told(project=ALL)).columns == ("k", "t", "a", "s", "d", "e")
    assert view_of(spec(), ("e", "d", "k"), told(project=ALL)).columns == ("k",)
    assert view_of(spec(), ("e", "d", "a"), told(project=ALL)).columns == ("a", "d", "e")
    assert view_of(spec(), ("*",), told(project=[*ALL, {"columns": ["a", "d"]}])).columns == ("a", "d")
    masked = view_of(spec(), ("*",), told(project=ALL, mask=[{"columns": {"a": {"method": "null"}}}]))
    assert masked.columns == ("k", "t", "a", "s")
    assert view_of(spec(), ("*",), told(project=ALL, redact=[{"columns": ["s"]}])).masks == {"s": Mask("null")}


@pytest.mark.parametrize(
    "kinds",
    [
        {},
        {"project": [{}]},
        {"project": [{"columns": "a"}]},
        {"project": [*ALL, {"columns": []}]},
        {"project": ALL, "mask": [{}]},
        {"project": ALL, "mask": [{"columns": {"a": {"method": "rot13"}}}]},
        {"project": ALL, "mask": [{"columns": {"a": {"method": "bucket"}}}]},
        {"project": ALL, "redact": [{"columns": "s"}]},
        {"project": ALL, "row_filter": [{}]},
        {"project": ALL, "row_filter": [{"all": []}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "nosuch", "op": "eq", "value": 1}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "d", "op": "eq", "value": 1}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "a", "op": "like", "value": "x"}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "a", "op": "eq", "value": "x"}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "a", "op": "in", "value": 1}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "a", "op": "eq", "value": [1]}]}]},
        {"project": ALL, "row_filter": [{"all": [{"column": "t", "op": "ge", "value": "soon"}]}]},
        {"project": ALL, "row_limit": [{"rows": -1}]},
        {"project": ALL, "row_limit": [{"rows": True}]},
        {"project": ALL, "reduce": [{"privileges": ["fly"]}]},
    ],
)
def test_an_obligation_that_cannot_be_kept_shows_nothing(kinds: dict[str, Any]) -> None:
    with pytest.raises(OstiaryError):
        view_of(spec(), ("*",), told(**kinds))


def test_limits_add_up_to_the_smallest() -> None:
    limits = told(project=ALL, row_limit=[{"rows": 50}, {"rows": 20}], reduce=[{"privileges": ["rows<=30"]}])
    assert view_of(spec(), ("*",), limits).max_rows == 20


@pytest.mark.parametrize(
    ("comparison", "kept"),
    [
        ({"column": "a", "op": "gt", "value": 1}, [2]),
        ({"column": "a", "op": "ne", "value": 1}, [2]),
        ({"column": "a", "op": "in", "value": [1, 5]}, [1]),
        ({"column": "s", "op": "eq", "value": "x' OR '1'='1"}, []),
        ({"column": "s", "op": "ge", "value": "b"}, [2]),
        ({"column": "t", "op": "lt", "value": "2026-01-01T01:00:00+01:00"}, []),
        ({"column": "t", "op": "le", "value": "2026-01-01T01:00:00+01:00"}, [1]),
    ],
)
def test_a_row_filter_keeps_what_fits_and_no_null(comparison: dict[str, Any], kept: list[int]) -> None:
    from datetime import datetime  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415

    times = [datetime(2026, 1, 1), datetime(2026, 1, 2), None]  # noqa: DTZ001 - UTC without a zone
    rows = pa.table(
        {
            "k": [1, 2, 3],
            "t": pa.array(times, pa.timestamp("us")),
            "a": pa.array([1.0, 2.0, None]),
            "s": ["a", "b", None],
        }
    )
    found = checked(read_rows({"all": [comparison]}), spec().stored)
    assert rows.filter(arrow_filter(found, spec().stored)).column("k").to_pylist() == kept


def test_masks_show_what_they_say() -> None:
    import pyarrow as pa  # noqa: PLC0415

    key = MaskKey(b"k" * 32)
    texts = pa.chunked_array([["a", "b"], ["a", None]]).combine_chunks()
    hashed = apply(Mask("hash"), "string", texts, key).to_pylist()
    assert (hashed[0], hashed[3], len(set(hashed))) == (hashed[2], None, 3)
    assert apply(Mask("hash"), "string", texts, MaskKey(b"j" * 32)).to_pylist()[0] != hashed[0]
    numbers = pa.array([1, 19, -1, None])
    assert apply(Mask("bucket", width=10), "int64", numbers, key).to_pylist() == [0, 10, -10, None]
    assert apply(Mask("constant", value="x"), "string", texts, key).to_pylist() == ["x"] * 4
    assert apply(Mask("constant", value="x"), "int64", numbers, key).to_pylist() == [None] * 4
    assert effective(Mask("bucket", width=1), "string") == Mask("null")
    assert "k" not in repr(key).replace("MaskKey", "").replace("masks", "").replace("mask", "")


def test_a_view_of_some_columns_shows_no_others() -> None:
    view = View(("a", "d"))
    assert view.only(["a", "s", "e"]).columns == ("a",)
    assert view.inputs(spec()) == ("a",)
