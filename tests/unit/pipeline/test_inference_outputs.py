"""How much of an answer comes out, and what is no answer at all."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.inference.outputs import FULL, Coarse, OutputSpec, coarse_of, coarsen, outcomes, read_predictions

BINARY = OutputSpec(classes=("good", "bad"), threshold=0.5)
WHOLE = {"label": "bad", "scores": {"good": 0.1234, "bad": 0.8766}}


@pytest.mark.parametrize(
    ("one", "coarse", "wanted"),
    [
        (0.8766, FULL, 0.8766),
        (0.8766, Coarse("rounded", decimals=1), 0.9),
        (0.8766, Coarse("label"), "bad"),
        (0.1, Coarse("label"), "good"),
        (1, Coarse("label"), "bad"),
        ("bad", Coarse("label"), "bad"),
        (True, Coarse("label"), True),
        ([0.1234, 0.8766], Coarse("label"), "bad"),
        ([0.1234, 0.8766], Coarse("rounded"), [0.12, 0.88]),
        ([0.1234, 0.8766], Coarse("top_k", k=1), {"scores": {"bad": 0.88}}),
        (WHOLE, Coarse("label"), "bad"),
        (WHOLE, Coarse("rounded", decimals=1), {"label": "bad", "scores": {"good": 0.1, "bad": 0.9}}),
        (WHOLE, Coarse("top_k", k=1), {"scores": {"bad": 0.88}}),
        ({"scores": {"a": 0.5, "b": 0.5}}, Coarse("label"), "a"),
        ([0.2, 0.3, 0.5], Coarse("label"), "2"),
        (0.8766, Coarse("top_k"), "bad"),
    ],
)
def test_coarser(one: Any, coarse: Coarse, wanted: Any) -> None:
    assert coarsen([one], coarse, BINARY) == [wanted]


def test_a_number_without_a_threshold_has_no_label() -> None:
    with pytest.raises(FaultyInputError) as fault:
        coarsen([0.3], Coarse("label"), OutputSpec())
    assert fault.value.code == "output_not_coarse"
    assert outcomes([0.3, "x"], OutputSpec()) == ["0.3", "x"]


def test_of_several_obligations_the_coarsest_holds() -> None:
    assert coarse_of([]) == FULL
    assert coarse_of([{"level": "rounded", "decimals": 3}, {"level": "rounded", "decimals": 1}]).decimals == 1
    assert coarse_of([{"level": "label"}, {"level": "rounded"}]).level == "label"
    assert coarse_of([{"level": "top_k", "k": 5}, {"level": "top_k", "k": 1}]).k == 1
    for odd in ({}, {"level": "blurred"}, {"level": None}, {"level": ["full"]}):
        assert coarse_of([odd]).level == "label"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"predictions": [1]}',
        b'{"predictions": [1, 2, 3]}',
        b'{"predictions": {"0": 1, "1": 2}}',
        b'{"predictions": [null, 1]}',
        b'{"predictions": [[], 1]}',
        b'{"predictions": [["a"], 1]}',
        b'{"predictions": [{"explanation": "x"}, 1]}',
        b'{"predictions": [1e999, 1]}',
        b'{"predictions": [NaN, 1]}',
        b'{"predictions": [' + b"9" * 400 + b", 1]}",
        b'{"predictions": [1, ' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'{"predictions": ["' + b"a" * 5000 + b'", 1]}',
        b"\xff\xfe",
    ],
)
def test_answers_that_are_none(body: bytes) -> None:
    with pytest.raises(UnavailableError) as fault:
        read_predictions(body, 2)
    assert fault.value.code == "upstream_malformed"


def test_what_else_a_model_says_is_dropped() -> None:
    told = {"predictions": [{**WHOLE, "debug": "weights", "logits": [1, 2]}], "model_version": "7", "trace": []}
    assert read_predictions(json.dumps(told).encode(), 1) == [WHOLE]


@given(st.binary(max_size=80))
@settings(max_examples=tries(100, 200), deadline=None)
def test_any_bytes_are_predictions_or_refused(body: bytes) -> None:
    for text in (body, b'{"predictions": [' + body + b"]}"):
        with contextlib.suppress(UnavailableError):
            assert len(read_predictions(text, 1)) == 1
