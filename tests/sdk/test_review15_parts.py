"""What lies between the SDK and the door may know no ranges, or answer from elsewhere: nobody takes that for a part."""

import gc
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ostiary_sdk.datasets.doorway import Answer, Doorway
from ostiary_sdk.datasets.filesystem import OstiaryFileSystem

WHOLE = bytes(range(256)) * 40_000
Respond = Callable[[str, Mapping[str, str]], Answer]


class Tokens:
    def headers(self, _method: str, _url: str) -> dict[str, str]:
        return {}


def head(**more: str) -> dict[str, str]:
    return {
        "content-length": str(len(WHOLE)),
        "etag": '"x"',
        **{name.replace("_", "-"): it for name, it in more.items()},
    }


def honest(_method: str, asked: Mapping[str, str]) -> Answer:
    if "Range" not in asked:
        return Answer(200, head(), WHOLE)
    start, _, stop = asked["Range"].removeprefix("bytes=").partition("-")
    end = int(stop) + 1 if stop else len(WHOLE)
    return Answer(206, head(content_range=f"bytes {start}-{end - 1}/{len(WHOLE)}"), WHOLE[int(start) : end])


def no_ranges(_method: str, _asked: Mapping[str, str]) -> Answer:
    return Answer(200, head(), WHOLE)


def another_part(method: str, asked: Mapping[str, str]) -> Answer:
    return honest(method, {"Range": "bytes=7-16"} if "Range" in asked else {})


def too_few(method: str, asked: Mapping[str, str]) -> Answer:
    answer = honest(method, asked)
    return Answer(answer.status, answer.headers, answer.body[:-1])


@pytest.fixture
def fs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Respond], OstiaryFileSystem]:
    def made(respond: Respond) -> OstiaryFileSystem:
        def answered(_self: Doorway, method: str, *told: Any) -> Answer:
            return respond(method, told[3])

        monkeypatch.setattr(Doorway, "_answered", answered)
        return OstiaryFileSystem("http://127.0.0.1:1", tokens=Tokens(), skip_instance_cache=True)

    return made


def read_at(files: OstiaryFileSystem, start: int, count: int) -> bytes:
    with files.open("ostiary://sales/a", "rb") as file:
        file.seek(start)
        found: bytes = file.read(count)
        return found


def test_parts_come_as_they_are_asked_for(fs: Callable[[Respond], OstiaryFileSystem]) -> None:
    files = fs(honest)
    assert files.cat_file("ostiary://sales/a", 3, 9) == WHOLE[3:9]
    assert files.cat_file("ostiary://sales/a", -5) == WHOLE[-5:]
    assert read_at(files, 9_000_001, 5) == WHOLE[9_000_001:9_000_006]


@pytest.mark.parametrize("respond", [no_ranges, another_part])
def test_another_part_is_a_fault(fs: Callable[[Respond], OstiaryFileSystem], respond: Respond) -> None:
    files = fs(respond)
    with pytest.raises(OSError, match="another part"):
        files.cat_file("ostiary://sales/a", 3, 9)
    with pytest.raises(OSError, match="another part"):
        read_at(files, 9_000_001, 5)


def test_fewer_bytes_are_a_fault(fs: Callable[[Respond], OstiaryFileSystem]) -> None:
    with pytest.raises(OSError, match="other bytes"):
        read_at(fs(too_few), 9_000_001, 5)


def test_a_writer_that_nobody_closed_sends_nothing(fs: Callable[[Respond], OstiaryFileSystem]) -> None:
    sent: list[str] = []

    def respond(method: str, _asked: Mapping[str, str]) -> Answer:
        sent.append(method)
        return Answer(201, {"content-length": "0"}, b"")

    writer = fs(respond).open("ostiary://sales/a", "xb")
    writer.write(b"half of it")
    del writer
    gc.collect()
    assert sent == []
