"""Whatever a server sends is a reply or a refusal to read on; it never takes more than its bounds."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.storage.valkey.replies import MOST_BYTES, ErrorReply, MalformedReplyError, Replies, Reply
from ostiary.storage.valkey.wire import packed


def fed(*pieces: bytes) -> Replies:
    feed = iter([*pieces, b""])
    return Replies(lambda: next(feed, b""))


def written(reply: Reply) -> bytes:
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%s\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n" % len(reply) + b"".join(map(written, reply))


plain = st.none() | st.integers(-(2**62), 2**62) | st.binary(max_size=40)
replies = plain | st.lists(plain | st.lists(plain, max_size=4), max_size=5)


@given(replies, st.data())
def test_a_reply_is_read_as_it_was_written_however_it_is_cut(reply: Reply, data: st.DataObject) -> None:
    sent = written(reply) + b"+OK\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True) if a != b]
    reader = fed(*pieces)
    assert reader.read() == reply
    assert reader.read() == b"OK"


@given(st.binary(max_size=200) | st.text("*$:+-0123456789\r\na", max_size=60).map(str.encode))
def test_anything_else_is_refused_and_no_other_error_escapes(sent: bytes) -> None:
    reader = fed(sent)
    try:
        for _ in range(50):
            reader.read()
    except MalformedReplyError:
        pass
    else:
        pytest.fail("the bytes ended, so the reading must")


def endless(piece: bytes) -> Callable[[], bytes]:
    return lambda: piece


@pytest.mark.parametrize(
    "sent",
    [
        b"$%d\r\n" % (MOST_BYTES + 1),
        b"$-2\r\n",
        b"*-2\r\n",
        b"*100001\r\n",
        b"*1\r\n" * 6,
        b":12a\r\n",
        b":" + b"9" * 30 + b"\r\n",
        b"$3\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"\r\n",
    ],
)
def test_what_is_too_large_too_deep_or_no_reply_is_refused(sent: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        fed(sent).read()


def test_what_never_ends_is_read_no_further_than_its_bound() -> None:
    taken = 0

    def more() -> bytes:
        nonlocal taken
        taken += 4096
        return b"a" * 4096

    with pytest.raises(MalformedReplyError):
        Replies(more).read()
    assert taken <= 3 * 4096
    many = Replies(endless(b"*40000\r\n"))
    with pytest.raises(MalformedReplyError):
        many.read()


def test_members_of_one_reply_share_one_bound_of_bytes() -> None:
    half = b"$%d\r\n" % (MOST_BYTES // 2) + b"x" * (MOST_BYTES // 2) + b"\r\n"
    pieces: Iterable[bytes] = [b"*3\r\n", half, half, half]
    with pytest.raises(MalformedReplyError):
        fed(*pieces).read()


def test_the_servers_own_error_is_a_value_with_a_code() -> None:
    reply = fed(b"-NOSCRIPT No matching script.\r\n").read()
    assert isinstance(reply, ErrorReply)
    assert reply.code == "NOSCRIPT"


@given(st.lists(st.binary(max_size=20) | st.text(max_size=10) | st.integers(-5, 5), min_size=1, max_size=5))
def test_no_part_of_a_command_can_be_another(parts: list[bytes | str | int]) -> None:
    sent = packed(tuple(parts))
    said = [one if isinstance(one, bytes) else str(one).encode("utf-8", "surrogatepass") for one in parts]
    assert fed(sent).read() == said
