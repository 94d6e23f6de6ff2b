import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.datasets.ranges import Span, read_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, Span(0, 100)),
        ("bytes=0-", Span(0, 100)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=10-19", Span(10, 10)),
        ("bytes=90-1000", Span(90, 10)),
        ("bytes=-5", Span(95, 5)),
        ("bytes=-1000", Span(0, 100)),
    ],
)
def test_one_range_of_bytes(header: str | None, span: Span) -> None:
    assert read_range(header, 100) == span


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=0-1,3-4", "bytes=5-4", "items=0-1", "bytes=a-b", "bytes=+1-2", "bytes=0x1-2",
     "bytes=0-" + "9" * 19, "bytes=\u0660-\u0669", "bytes = 0-1"],
)  # fmt: skip
def test_anything_else_is_malformed(header: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        read_range(header, 100)
    assert no.value.code == "range_invalid"


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 100), ("bytes=-1", 0)])
def test_nothing_lies_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(RefusedError) as no:
        read_range(header, size)
    assert no.value.code == "range_unsatisfiable"
