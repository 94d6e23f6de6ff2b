"""Whatever JSON a caller sends: it is refused with a code of ours, or what reaches the model is inside the schema."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError
from ostiary.pipeline.inference.describing import describe
from ostiary.pipeline.inference.endpoint import read_spec, spec_document
from ostiary.pipeline.inference.rows import check_request
from ostiary.pipeline.inference.schema import read_schema
from ostiary.pipeline.inference.sketching import sketches

SCHEMA = {
    "columns": [
        {"name": "amount", "type": "number", "min": 0, "max": 1000, "typical": [1, 100]},
        {"name": "age", "type": "integer", "min": 0, "max": 130, "missing": True},
        {"name": "channel", "type": "category", "values": ["app", "web"]},
        {"name": "known", "type": "boolean"},
    ],
    "max_rows": 3,
    "near": 0.01,
}
GOOD = {"amount": 12.5, "age": 40, "channel": "app", "known": True}
CODES = {
    "input_malformed",
    "input_rows",
    "input_column_missing",
    "input_column_unknown",
    "input_type",
    "input_range",
    "input_category",
    "input_missing",
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner, max_size=5),
    max_leaves=12,
)
rows = st.fixed_dictionaries(dict.fromkeys(GOOD, anything)) | anything


@given(st.lists(rows, max_size=4) | anything)
@settings(max_examples=tries(100, 300), deadline=None)
def test_refused_with_a_code_or_inside_the_schema(instances: Any) -> None:
    schema = read_schema(SCHEMA)
    try:
        batch = check_request(schema, {"instances": instances})
    except FaultyInputError as fault:
        known = fault.code in CODES
        assert known
        return
    told = json.loads(batch.document())["instances"]
    assert len(told) == len(instances)
    for row in told:
        assert list(row) == list(GOOD)
        assert isinstance(row["amount"], float)
        assert math.isfinite(row["amount"])
        assert 0 <= row["amount"] <= 1000
        assert row["age"] is None or (type(row["age"]) is int and 0 <= row["age"] <= 130)
        assert row["channel"] in {"app", "web"}
        assert type(row["known"]) is bool
    assert len({len(one.cells) for one in sketches(batch)}) == 1


@given(anything)
@settings(max_examples=tries(100, 300), deadline=None)
def test_schemas_and_specs_are_read_or_refused_with_a_code(told: Any) -> None:
    for read in (read_schema, read_spec):
        with pytest.raises(FaultyInputError, match=r".") as fault:
            read(told)
        assert fault.value.code in {"schema_invalid", "endpoint_invalid"}


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from("abc"), st.none() | st.integers(-9, 9)), min_size=1))
@settings(max_examples=60, deadline=None)
def test_what_was_described_fits_its_own_description(made: list[tuple[float, str, int | None]]) -> None:
    training = [{"x": x, "c": c, "n": n, "one": 1} for x, c, n in made]
    if all(row["n"] is None for row in training):
        training.append({"x": 0.0, "c": "a", "n": 1, "one": 1})
    schema = describe(training)
    for row in training:
        check_request(schema, {"instances": [row]})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "12.5"}, "input_type"),
        ({"amount": "١٢"}, "input_type"),
        ({"amount": True}, "input_type"),
        ({"amount": [12.5]}, "input_type"),
        ({"amount": {"$gt": 0}}, "input_type"),
        ({"amount": float("nan")}, "input_type"),
        ({"amount": float("inf")}, "input_type"),
        ({"amount": 1e308}, "input_range"),
        ({"amount": 10**400}, "input_range"),
        ({"amount": -0.001}, "input_range"),
        ({"amount": 1000.0000001}, "input_range"),
        ({"amount": None}, "input_missing"),
        ({"age": 40.5}, "input_type"),
        ({"age": 2**63}, "input_range"),
        ({"age": "40"}, "input_type"),
        ({"channel": "App"}, "input_category"),
        ({"channel": "app\u200b"}, "input_category"),
        ({"channel": "\uff41\uff50\uff50"}, "input_category"),
        ({"channel": 0}, "input_type"),
        ({"known": 1}, "input_type"),
        ({"known": "true"}, "input_type"),
        ({"Amount": 1}, "input_column_unknown"),
        ({"amount ": 1}, "input_column_unknown"),
        ({"__proto__": {}}, "input_column_unknown"),
    ],
)
def test_evasions_of_the_schema(change: dict[str, Any], code: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        check_request(read_schema(SCHEMA), {"instances": [GOOD, {**GOOD, **change}]})
    assert fault.value.code == code
    assert "row 1" in fault.value.message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "input_malformed"),
        ({}, "input_malformed"),
        ({"instances": {}}, "input_malformed"),
        ({"instances": []}, "input_rows"),
        ({"instances": [GOOD] * 4}, "input_rows"),
        ({"instances": [GOOD], "parameters": {"explain": True}}, "input_malformed"),
        ({"instances": [[12.5, 40, "app", True]]}, "input_malformed"),
        ({"instances": [{key: GOOD[key] for key in ("amount", "age", "channel")}]}, "input_column_missing"),
    ],
)
def test_bodies_that_are_no_requests(body: Any, code: str) -> None:
    with pytest.raises(FaultyInputError) as fault:
        check_request(read_schema(SCHEMA), body)
    assert fault.value.code == code


def test_one_number_is_one_question() -> None:
    digests = {
        check_request(read_schema(SCHEMA), {"instances": [{**GOOD, "amount": amount}]}).digest()
        for amount in (0, 0.0, -0.0)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [{"name": "x", "type": "number"}],
        [{"name": "x", "type": "number", "min": 0, "max": float("inf")}],
        [{"name": "x", "type": "number", "min": 1, "max": 1}],
        [{"name": "x", "type": "integer", "min": 0, "max": 2**60}],
        [{"name": "x", "type": "number", "min": 0, "max": 1, "typical": [0.5, 2]}],
        [{"name": "x", "type": "number", "min": 0, "max": 1, "typical": [0.5]}],
        [{"name": "x", "type": "number", "min": 0, "max": 1, "values": ["a"]}],
        [{"name": "x", "type": "category"}],
        [{"name": "x", "type": "category", "values": ["a", "a"]}],
        [{"name": "x", "type": "boolean", "min": 0}],
        [{"name": "x", "type": "tensor", "min": 0, "max": 1}],
        [{"name": "x\n", "type": "boolean"}],
        [{"name": "x", "type": "boolean", "default": True}],
        [{"name": "x", "type": "boolean"}, {"name": "x", "type": "boolean"}],
        [{"name": f"x{n}", "type": "boolean"} for n in range(1025)],
    ],
)
def test_schemas_that_say_nothing_certain(columns: list[dict[str, Any]]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        read_schema({"columns": columns})
    assert fault.value.code == "schema_invalid"


def test_a_spec_is_read_back_as_it_was_written() -> None:
    told = {"schema": SCHEMA, "url": "https://model.example/predict", "subject": {"limit": 5, "window_s": 60}}
    spec = read_spec({**told, "output": {"classes": ["good", "bad"], "threshold": 0.5}, "model": "sha256:" + "0" * 64})
    assert read_spec(json.loads(json.dumps(spec_document(spec)))) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"model": "latest"},
        {"subject": {"limit": -1, "window_s": 60}},
        {"subject": {"limit": 1, "window_s": 0}},
        {"rate": {"limit": 1, "window_s": 10**9}},
        {"timeout_s": 0},
        {"headers": {"authorization": "x"}},
        {"max_answer": 2**40},
    ],
)
def test_specs_that_ask_too_much(change: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError) as fault:
        read_spec({"schema": SCHEMA, **change})
    assert fault.value.code in {"endpoint_invalid", "budget_invalid"}
