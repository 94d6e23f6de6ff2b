"""Laws of the body parser: total, and strictly inside what the standard parser accepts."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.server.body import BodyLimits, parse_json, parse_object
from ostiary.server.requests import read_evaluation, read_evaluations

LIMITS = BodyLimits(max_bytes=2000, max_depth=6)
CODES = {"body_too_large", "body_too_deep", "body_duplicate_key", "body_malformed"}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
names = st.sampled_from(["subject", "action", "resource", "context", "evaluations", "options", "id", "type", "name"])
bodies = st.dictionaries(names, values | st.dictionaries(names, values, max_size=4), max_size=6)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(v) for v in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(v) for v in value), default=0)
    return 0


def code_of(read: Any, *given: Any) -> str:
    """Return the code of the fault, or an empty string when there is none."""
    try:
        read(*given)
    except FaultyInputError as fault:
        return fault.code
    return ""


@given(st.binary(max_size=300) | st.text(alphabet='{}[]",:\\u0d8fe1. ntaN-', max_size=80).map(str.encode))
def test_any_bytes_give_a_value_or_a_fault_with_a_known_code(body: bytes) -> None:
    code = code_of(parse_json, body, LIMITS)
    assert code in CODES | {""}
    assert code or json.loads(body) == parse_json(body, LIMITS)


@given(values)
def test_what_json_writes_is_read_back_unless_a_limit_forbids(value: Any) -> None:
    text = json.dumps(value).encode()
    code = code_of(parse_json, text, LIMITS)
    assert (code == "body_too_large") == (len(text) > LIMITS.max_bytes)
    assert (code == "body_too_deep") == (depth(value) > LIMITS.max_depth and code != "body_too_large")
    assert code or parse_json(text, LIMITS) == value


@given(bodies)
def test_any_object_is_a_request_or_a_fault(body: dict[str, Any]) -> None:
    assert code_of(read_evaluation, body) in {"request_invalid", ""}
    assert code_of(read_evaluations, body, 3) in {"request_invalid", ""}


@given(st.integers(1, 40))
def test_depth_is_counted_exactly(levels: int) -> None:
    body = b'{"a":' * levels + b"1" + b"}" * levels
    assert code_of(parse_object, body, LIMITS) == ("" if levels <= LIMITS.max_depth else "body_too_deep")
