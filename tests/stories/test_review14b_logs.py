"""Log files that are small and cost the reader minutes: strings without an end, and gzip of many small members."""

import io
import time
import zlib

import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.decoding import read_json
from ostiary.signals.opening import CHUNK, unpacked
from ostiary.signals.splitting import lines


def _member(data: bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


def test_a_string_without_an_end_is_looked_at_once() -> None:
    record = b'{"a":' + b"[" * 70 + b'"' + b'\\"' * 400_000
    began = time.process_time()
    with pytest.raises(FaultyInputError) as no:
        read_json(record)
    assert no.value.code in {"record_malformed", "record_too_deep"}
    assert time.process_time() - began < 2  # once for each of its quotes: a quarter of an hour


def test_brackets_inside_strings_are_no_levels() -> None:
    assert read_json(b'{"a": "' + b"[{" * 500 + b'\\""}')["a"] == "[{" * 500 + '"'
    with pytest.raises(FaultyInputError) as no:
        read_json(b'{"a":' + b"[" * 70 + b'"\\""' + b"]" * 70 + b"}")
    assert no.value.code == "record_too_deep"


def test_many_small_members_come_in_few_chunks() -> None:
    packed = _member(b"a") * 100_000 + _member(b"\nend")
    chunks = list(unpacked(io.BytesIO(packed)))
    assert [len(chunk) for chunk in chunks] == [CHUNK, 100_004 - CHUNK]
    assert [piece.data for piece in lines(chunks)] == [b"a" * 100_000, b"end"]


def test_what_came_before_a_fault_comes_before_it() -> None:
    given = unpacked(io.BytesIO(_member(b"one\n") + _member(b"two\n") + b"no gzip at all"))
    assert next(given) == b"one\ntwo\n"
    with pytest.raises(FaultyInputError) as no:
        next(given)
    assert no.value.code == "gzip_malformed"
