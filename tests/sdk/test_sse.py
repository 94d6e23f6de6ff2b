"""The parser of the feed: the same events however the bytes are cut, and never more memory than its limit."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary_sdk.sse import SseError, SseEvent, SseParser

LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["", "data", "data:", "data: x", "data:  y", "event: e", "id: 7", "id: a\0b", ": beat", "retry: 1"]
        ),
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12),
    ),
    max_size=20,
)
ENDS = st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=21, max_size=21)


def parsed(pieces: list[bytes]) -> list[SseEvent]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@given(LINES, ENDS, st.lists(st.integers(0, 400), max_size=12))
def test_cutting_changes_nothing(lines: list[str], ends: list[str], cuts: list[int]) -> None:
    text = "".join(line + end for line, end in zip([*lines, ""], ends, strict=False)).encode()
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert parsed(pieces) == parsed([text])


@given(LINES)
def test_line_ends_mean_the_same(lines: list[str]) -> None:
    whole = [end.join([*lines, "", ""]).encode() for end in ("\n", "\r\n", "\r")]
    assert parsed([whole[0]]) == parsed([whole[1]])
    # A carriage return at the very end may be half of an end: nothing is lost, it only waits.
    assert parsed([whole[2] + b":\r"]) == parsed([whole[0] + b":\n"])


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_read(pieces: list[bytes]) -> None:
    for event in parsed(pieces):
        assert "\n" not in event.name + event.id


def test_it_is_what_the_standard_says() -> None:
    text = "\ufeffdata: YHOO\ndata: +2\ndata: 10\n\n: test stream\n\n"
    text += "data: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n"
    assert parsed([text.encode()]) == [
        SseEvent("message", "YHOO\n+2\n10", ""),
        SseEvent("message", "first", "1"),
        SseEvent("message", "second", ""),
        SseEvent("message", " third", ""),
    ]


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: x\n", b"event: e\n", b"id: 1\n"])
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    parser = SseParser(max_event=1000)
    refused = False
    for _ in range(1000):
        try:
            parser.feed(piece)
        except SseError:
            refused = True
            break
    assert refused


def test_comments_may_come_for_ever() -> None:
    parser = SseParser(max_event=1000)
    assert [parser.feed(b": still here\n\n") for _ in range(1000)] == [[]] * 1000
