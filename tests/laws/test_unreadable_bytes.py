"""Whoever catches what msgspec raises for malformed bytes also catches what it raises for text that is no UTF-8."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.openai.events import decoded
from ostiary.identity.strict import b64url_encode
from ostiary.inspection.learned.thresholds import parse_thresholds
from ostiary.pipeline.inference.outputs import read_predictions
from ostiary.server.console.said import NAME, read_said
from ostiary.vocabulary.unreadable import UNREADABLE

BROAD = {"MsgspecError", "DecodeError"}
ENOUGH = {"UnicodeDecodeError", "UnicodeError", "ValueError", "Exception", "UNREADABLE"}


def handlers(tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            named = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            yield node.lineno, {ast.unparse(one).rsplit(".", 1)[-1] for one in named}


def test_nobody_forgets_text_that_is_no_text(repo: Path) -> None:
    forgetful = [
        f"{place.relative_to(repo)}:{line}"
        for folder in ("src", "sdk/src")
        for place in sorted((repo / folder).rglob("*.py"))
        if "msgspec" in (text := place.read_text())
        for line, caught in handlers(ast.parse(text))
        if caught & BROAD and not caught & ENOUGH
    ]
    assert forgetful == [], "msgspec raises UnicodeDecodeError too: catch `ostiary.vocabulary.unreadable.UNREADABLE`"


@pytest.mark.parametrize("data", [b"{", b'"\xff"', b'{"\xff": 1}', b"[" * 100_000, b'{"a": "\xed\xa0\x80"}'])
def test_unreadable_is_all_there_is(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(data)


@pytest.mark.parametrize("data", [b'{"version": "\xff"}', b'{"\x80": 1, "version": 1}', b"[" * 100_000])
def test_a_stranger_s_byte_is_refused_and_breaks_nothing(data: bytes) -> None:
    """Each of these broke on it: the detector's thresholds, a model's answer, an event of an upstream, a cookie."""
    for read in (parse_thresholds, decoded, lambda given: read_predictions(given, 1)):
        with pytest.raises((FaultyInputError, OstiaryError)):
            read(data)
    cookie = NAME.encode() + b"=" + b64url_encode(data[:400])
    assert read_said([(b"cookie", cookie)]) is None
