"""The walk of opcodes against Python's own unpicklers, whose every import gives an inert stub and is written down.

Law 1: what the scanner lets through imports and calls nothing but what the walk told.
Law 2: what ``runs_code`` takes for no pickle makes neither unpickler import anything.

The programs are made of opcodes at random, with operands that are sometimes too long, too short, or text.
"""

import io
import pickle  # noqa: TID251 - the oracle; nothing of a program can be reached but stubs
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.artifacts.pickles import runs_code, walk
from ostiary.artifacts.scanning import scan_bytes


class Stub:
    """What every name stands for: it takes anything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return

    def __call__(self, *_: Any, **__: Any) -> "Stub":
        return self

    def __setstate__(self, _: Any) -> None:
        return

    def append(self, _: Any) -> None:
        return

    def extend(self, _: Any) -> None:
        return

    def add(self, _: Any) -> None:
        return

    def __setitem__(self, _: Any, __: Any) -> None:
        return

    def __hash__(self) -> int:
        return 1


def _told(base: Any, data: bytes) -> list[tuple[str, str]]:
    """Return what an unpickler imports before it ends or fails."""
    names: list[tuple[str, str]] = []

    class Written(base):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            names.append((module, name))
            return Stub

        def persistent_load(self, _: Any) -> Any:
            return Stub()

    try:
        Written(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - an unpickler fails in any way it likes
        return names
    return names


WORDS = re.compile(r"[\w.]+")  # what can be the name of a module
UNPICKLERS = [pickle._Unpickler, pickle.Unpickler]
NAMES = [
    b"os",
    b"system",
    b"collections",
    b"OrderedDict",
    b"torch._utils",
    b"_rebuild_tensor_v2",
    b"",
    b"a b",
    b"\xff",
    b"x" * 300,
]
LINES = [
    b"1",
    b"01",
    b"-1",
    b"1L",
    b"0x1",
    b" 1",
    b"1_0",
    b"'os'",
    b'"system"',
    b"os",
    b"1.5",
    b"nan",
    b"",
    b"abc",
    b"'",
    b"\\x6fs",
]


def _operand(luck: Random, code: int) -> bytes:
    text, mark = luck.choice(NAMES), chr(code)
    honest = luck.random() < 0.9
    if mark in "ci":
        return luck.choice(NAMES) + b"\n" + text + b"\n"
    if mark in "ILFSVPgp":
        return luck.choice(LINES) + b"\n"
    for marks, width in (("\x8cUC\x8a", 1), ("XTB\x8b", 4), ("\x8d\x8e\x95", 8)):
        if mark in marks:
            most = 256**width - 1
            length: int = min(len(text), most) if honest else luck.choice([0, 9, most, most // 2])
            return length.to_bytes(width, "little") + text[:255]
    for marks, width in (("Khq\x82\x80", 1), ("M\x83", 2), ("Jjr\x84", 4), ("G", 8)):
        if mark in marks:
            number: int = luck.choice([0, 1, 2, 3, 5, 255])
            return number.to_bytes(width, "little")
    return b""


CODES = b"(.012FINKJLMPQRSTUVXabcdegjhi}lop qrstuB])GC" + bytes(range(0x80, 0x96))
LIKELY = b"(c\x93Rb\x81tN]}q\x94h0e\x85\x8c."


def _program(seed: int) -> bytes:
    luck = Random(seed)  # noqa: S311 - repeatable
    out = b"\x80\x04" if luck.random() < 0.5 else b""
    for _ in range(luck.randint(1, 25)):
        code = luck.choice(LIKELY) if luck.random() < 0.6 else luck.choice(CODES)
        out += bytes([code]) + _operand(luck, code)
    return out + (b"." if luck.random() < 0.8 else b"")


def _agrees(data: bytes) -> None:
    seen = walk(memoryview(data))
    clean = scan_bytes("m.pkl", data).verdict == "quarantined"
    if any("remembers under the number" in event.text for event in seen.events):
        assert not clean  # a real unpickler would make a table of that many places
        assert runs_code(memoryview(data))
        return
    for base in UNPICKLERS:
        imported = _told(base, data)
        if clean:
            assert {".".join(pair) for pair in imported} <= set(seen.names), (data, imported)
        if not runs_code(memoryview(data)):
            assert [module for module, _ in imported if WORDS.fullmatch(module)] == [], (data, imported)


@given(st.integers(0, 2**32))
@settings(max_examples=tries(300, 1_500), deadline=None)
def test_programs_of_opcodes(seed: int) -> None:
    _agrees(_program(seed))


@given(st.binary(max_size=60), st.sampled_from([b"", b"cos\nsystem\n", b"\x80\x04", b"(", b"N"]))
@settings(max_examples=tries(150, 500), deadline=None)
def test_any_bytes_before_and_behind(data: bytes, put: bytes) -> None:
    _agrees(put + data)
    _agrees(data + put)
    _agrees(data + put + b".")


@pytest.mark.parametrize("base", UNPICKLERS)
def test_the_oracle_sees_an_import(base: Any) -> None:
    assert _told(base, b"cos\nsystem\n(S'id'\ntR.") == [("os", "system")]
