"""Streams of pages: time that passes, room that ends, numbers that were left out; and the script's size and text."""

import gzip
import re
from typing import Any

import pytest

from ostiary.biometrics.window import Modality, window_of
from ostiary.errors import FaultyInputError
from ostiary.server.biometrics.asked import TOKEN, Told, agreed_of, opening_of
from ostiary.server.biometrics.rates import Rates
from ostiary.server.biometrics.refusing import BehaviourRefusal, WindowRefusedError
from ostiary.server.biometrics.script import integrity, scripts, source
from ostiary.server.biometrics.streams import Owner, Stream, Streams
from ostiary.server.settings.biometrics import CollectorSection

S = 1_000_000_000
ANN = Owner("acme", "user:ann", "s1", "key")
BOB = Owner("acme", "user:bob", "s2", "key")


def told(stream: Stream, sequence: int = 1, began_ms: float = 0, lasted_ms: float = 100, **more: Any) -> Told:
    window = window_of(Modality.KEYSTROKE, [[0, 90, 1]])
    given = {"nonce": stream.nonce, "session": "", "untrusted": 0, "window": window, **more}
    return Told(stream=stream.name, sequence=sequence, began_ms=began_ms, lasted_ms=lasted_ms, **given)


def no(streams: Streams, owner: Owner, said: Told, now_ns: int) -> WindowRefusedError:
    with pytest.raises(WindowRefusedError) as caught:
        streams.accept(owner, said, now_ns)
    return caught.value


def test_a_window_of_long_ago_says_nothing_of_now() -> None:
    streams = Streams(CollectorSection())
    stream = streams.open(ANN, 0)
    refused = no(streams, ANN, told(stream, began_ms=1_000), 60 * S)
    assert (refused.code, refused.nonce) == (BehaviourRefusal.WINDOW_STALE, stream.nonce)
    assert streams.accept(ANN, told(stream, began_ms=40_000), 60 * S).missed == 0


def test_clocks_may_differ_a_little_over_hours() -> None:
    streams = Streams(CollectorSection())
    stream = streams.open(ANN, 0)
    stream.seen_ns = 7_200 * S
    assert streams.accept(ANN, told(stream, began_ms=7_230_000), 7_200 * S).nonce == stream.nonce


def test_a_silent_stream_ends() -> None:
    streams = Streams(CollectorSection(idle_s=60))
    stream = streams.open(ANN, 0)
    assert no(streams, ANN, told(stream), 61 * S).code == BehaviourRefusal.STREAM_UNKNOWN
    later = streams.open(BOB, 50 * S)
    streams.sweep(61 * S)
    assert len(streams) == 1
    assert streams.accept(BOB, told(later, began_ms=10_000), 61 * S).nonce


def test_a_nonce_is_used_up_by_whatever_comes_with_it() -> None:
    streams = Streams(CollectorSection())
    stream = streams.open(ANN, 0)
    said = told(stream, lasted_ms=50_000)
    assert no(streams, ANN, said, S).code == BehaviourRefusal.WINDOW_AHEAD
    assert no(streams, ANN, said, S).code == BehaviourRefusal.NONCE_WRONG


def test_strangers_use_up_nothing() -> None:
    streams = Streams(CollectorSection())
    stream = streams.open(ANN, 0)
    for other in (BOB, Owner("umbrella", "user:ann", "s1", "key"), Owner("acme", "user:ann", "s1", "other")):
        assert no(streams, other, told(stream), S).code == BehaviourRefusal.STREAM_UNKNOWN
    assert streams.accept(ANN, told(stream), S).nonce


def test_a_subject_that_leaves_takes_its_streams_along() -> None:
    streams = Streams(CollectorSection())
    for _ in range(3):
        streams.open(ANN, 0)
    left = streams.open(BOB, 0)
    streams.close_all("acme", "user:ann")
    assert len(streams) == 1
    assert streams.accept(BOB, told(left), S).nonce


def test_the_quietest_page_of_a_session_goes_first() -> None:
    streams = Streams(CollectorSection(streams_per_session=2))
    first, second = streams.open(ANN, 0), streams.open(ANN, 1)
    streams.accept(ANN, told(first), S)
    streams.open(ANN, 2 * S)
    assert no(streams, ANN, told(second), 2 * S).code == BehaviourRefusal.STREAM_UNKNOWN
    assert streams.accept(ANN, told(first, 2, 200), 2 * S).nonce


def test_a_bucket_fills_again_and_the_oldest_is_forgotten() -> None:
    rates = Rates(per_minute=60, most=2)
    assert [rates.wait_s("a", 0) for _ in range(30)] == [0.0] * 30
    assert rates.wait_s("a", 0) == 1.0
    assert rates.wait_s("a", 10 * S) == 0.0
    for name in "bc":
        rates.wait_s(name, 10 * S)
    assert all(rates.wait_s("a", 10 * S) == 0.0 for _ in range(30)), "a stranger's crowd only ever helps"


@pytest.mark.parametrize("token", ["GET /", "GET /orders", "POST /v1/orders/{id}", "GET /orders/{id} order", "GET /{}"])
def test_templates_are_taken(token: str) -> None:
    assert TOKEN.match(token)


@pytest.mark.parametrize(
    "token",
    ["get /", "GET orders", "GET /orders/4711", "GET /Ann", "GET //", "GET /a/", "GET /a?b", "GET /a#b", "GET /a b c",
     "GET /a\n", "GET /5f2c9b7e", "GET /" + "/".join("a" * 13), "GET /{ann smith}"],
)  # fmt: skip
def test_what_could_be_somebodys_id_is_not(token: str) -> None:
    assert not TOKEN.match(token)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a": 1}', b'{"session": 1}', b'{"session": "' + b"x" * 300 + b'"}'])
def test_an_opening_is_small(body: bytes) -> None:
    with pytest.raises(FaultyInputError):
        opening_of(body)


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "\u00e9", "a\\n"])
def test_a_text_that_was_agreed_to_has_a_plain_name(text: str) -> None:
    with pytest.raises(FaultyInputError, match="text"):
        agreed_of(f'{{"text": "{text}"}}'.encode())


def test_the_script_is_small_and_reads_nothing_of_the_page() -> None:
    text = source().decode()
    assert len(gzip.compress(source(), 9)) < 6 * 1024
    code = "\n".join(line.partition("//")[0] for line in text.splitlines())
    forbidden = (
        "eval", "Function(", "innerHTML", "document.title", "location", "localStorage", "sessionStorage", "cookie",
        "event.key\\b", r"\.key\b(?!\.)(?=\s*[;,)])", "textContent", r"\.value\b", "screenX", "pageX", "import ",
        "document.URL", "document.referrer", "innerText", "sendBeacon", "XMLHttpRequest", "preventDefault",
    )  # fmt: skip
    assert [one for one in forbidden if re.search(one if "\\" in one else re.escape(one), code)] == []
    assert "passive: true" in code


def test_the_script_can_be_kept_and_checked() -> None:
    short, lasting = scripts().values()
    assert b"immutable" in dict(lasting.headers)[b"cache-control"]
    assert b"immutable" not in dict(short.headers)[b"cache-control"]
    assert integrity().startswith("sha256-")
    assert short.body == lasting.body
