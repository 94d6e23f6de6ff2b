import json
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.body import BodyLimits, parse_json, parse_object, printable

LIMITS = BodyLimits(max_bytes=4096, max_depth=8)

FAULTY: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "body_malformed"),
    "blank": (b" \n", "body_malformed"),
    "byte order mark": (b"\xef\xbb\xbf{}", "body_malformed"),
    "utf-16": ("{}".encode("utf-16"), "body_malformed"),
    "not utf-8": (b'{"a":"\xff"}', "body_malformed"),
    "overlong utf-8": (b'{"a":"\xc0\xaf"}', "body_malformed"),
    "utf-8 surrogate": (b'{"a":"\xed\xa0\x80"}', "body_malformed"),
    "escaped lone surrogate": (b'{"a":"\\ud800"}', "body_malformed"),
    "escaped lone surrogate as a name": (b'{"\\udfff":1}', "body_malformed"),
    "NaN": (b'{"a":NaN}', "body_malformed"),
    "Infinity": (b'{"a":-Infinity}', "body_malformed"),
    "infinite by exponent": (b'{"a":1e999}', "body_malformed"),
    "integer of 65 bits": (b'{"a":18446744073709551616}', "body_malformed"),
    "integer of 4,000 digits": (b'{"a":' + b"9" * 4000 + b"}", "body_malformed"),
    "duplicate member": (b'{"a":1,"a":1}', "body_duplicate_key"),
    "duplicate by escape": (b'{"a":1,"\\u0061":2}', "body_duplicate_key"),
    "duplicate deep inside": (b'{"x":[{"y":{"a":1,"b":2,"a":3}}]}', "body_duplicate_key"),
    "too deep by arrays": (b"[" * 9 + b"]" * 9, "body_too_deep"),
    "too deep by objects": (b'{"a":' * 9 + b"1" + b"}" * 9, "body_too_deep"),
    "too deep and never closed": (b"[" * 4000, "body_too_deep"),
    "too large": (b'"' + b"x" * 4096 + b'"', "body_too_large"),
    "two values": (b"{} {}", "body_malformed"),
    "trailing comma": (b'{"a":1,}', "body_malformed"),
    "single quotes": (b"{'a':1}", "body_malformed"),
    "comment": (b'{"a":1}//', "body_malformed"),
    "control character in a string": (b'{"a":"\x01"}', "body_malformed"),
    "nothing but brackets closing": (b"]" * 100, "body_malformed"),
    "unterminated string": (b'{"a":"' + b"[" * 50, "body_malformed"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_bodies_are_refused_by_name(name: str) -> None:
    body, code = FAULTY[name]
    with pytest.raises(FaultyInputError) as caught:
        parse_json(body, LIMITS)
    assert caught.value.code == code
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_only_an_object_is_a_body(body: bytes) -> None:
    with pytest.raises(FaultyInputError, match="must be a JSON object"):
        parse_object(body, LIMITS)


@pytest.mark.parametrize(
    "value",
    [
        {"a": "[[[[[[[[[[[[[[[[[[[[" + '\\"{{{{{{{{{'},
        {"emoji": "\U0001f600", "nul": "\x00"},
        {"n": [0, -1, 2**63 - 1, -(2**63), 0.5, 1e300]},
        {"a": [[[[[[[1]]]]]]]},
        {"wide": [{} for _ in range(200)]},
        {"__proto__": {"constructor": 1}},
    ],
)
def test_honest_values_come_through(value: dict[str, Any]) -> None:
    for escaped in (True, False):
        assert parse_object(json.dumps(value, ensure_ascii=escaped).encode(), LIMITS) == value


def test_messages_hold_no_control_characters() -> None:
    assert printable("a\x1b[31m\n\u202eb" + "x" * 200) == ("a\ufffd[31m\ufffd\ufffdb" + "x" * 71)
