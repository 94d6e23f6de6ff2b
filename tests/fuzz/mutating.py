"""Changes inputs at random: bytes as bytes, JSON as JSON, lines as lines, and one input spliced into another.

>>> import random
>>> mutate(random.Random(1), b'{"a": 1}', [b'{"b": 2}']) != b'{"a": 1}'
True
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

MAX_BYTES: Final = 65_536
_MOST_AT_ONCE: Final = 4
_TOKENS: Final = (
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\x1b[0m", b"%00", b"%2e%2e%2f", b"../", b"//",
    b"\xed\xa0\x80", b"\\ud800", b"NaN", b"Infinity", b"-0", b"1e999", b"9" * 40, b"-1", b"null", b"true", b"[[[[[[[[",
    b"]]]]]]]]", b'{"a":', b'"', b"'", b"\\", b"=", b"&", b";", b":", b",", b".", b"..", b"@", b"%s", b"{}", b"${a}",
    b"\xe2\x80\xae", b"\xc2\x85", b"\xf4\x8f\xbf\xbf", b"\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x80" * 10, b"*",
    b"&a *a", b"!!python/object:x", b"<!--", b"$(", b"0x10", b"1_0", b"\xd9\xa1", b" " * 30, b"a" * 300,
)  # fmt: skip
_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, "", " ",
    "\x00", "a" * 300, "\u202e", "\ud800", "é" * 20, "../..", "*", "1", "-1", "1e9", "NaN", "null", "[]", [], {}, [[]],
    [None], {"": {}}, [1, "a", None, {}], ["a"] * 50,
)  # fmt: skip


def mutate(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return ``data`` changed in one to four places."""
    for _ in range(random.randint(1, _MOST_AT_ONCE)):
        change = random.choice(_CHANGES)
        data = change(random, data, others)[:MAX_BYTES]
    return data


def _json(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Change one value of a JSON document, or one member's name."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _token(random, data, _others)
    places = _places(document)
    changed = _put(document, random.choice(places), random)
    return json.dumps(changed, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found, waiting = [path], [(document, path)]
    while waiting and len(found) < 2_000:
        here, at = waiting.pop()
        inner = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        for name, value in inner:
            found.append((*at, name))
            waiting.append((value, (*at, name)))
    return found


def _put(document: Any, path: tuple[Any, ...], random: Random) -> Any:
    if not path:
        return random.choice((lambda: [document], lambda: random.choice(_ODD), lambda: {"a": document}))()
    holder = document
    for name in path[:-1]:
        holder = holder[name]
    last = path[-1]
    match random.randint(0, 5):
        case 0 if isinstance(holder, list):
            holder.insert(last, holder[last])
        case 0:
            holder[random.choice((*holder, "x", ""))] = holder.pop(last)
        case 1:
            del holder[last]
        case 2:
            holder[last] = [holder[last]] * random.randint(1, 3)
        case 3 if isinstance(holder[last], str):
            holder[last] = mutate(random, holder[last].encode(errors="surrogatepass")).decode("latin-1")
        case 3 if isinstance(holder[last], int):
            holder[last] += random.choice((-1, 1, 256, -(2**31)))
        case 4 if isinstance(holder, dict):
            holder[last + random.choice(("", "x", " "))] = random.choice(_ODD)
        case _:
            holder[last] = random.choice(_ODD)
    return document


def _flip(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _byte(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))]) + data[at + 1 :]


def _number(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Put a number of one to eight bytes somewhere: lengths and counts lie so."""
    size = random.choice((1, 2, 4, 8))
    number = random.choice((0, 1, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1))
    at = random.randrange(len(data) + 1)
    told: bytes = (number % (1 << 8 * size)).to_bytes(size, random.choice(("big", "little")))
    return data[:at] + told + data[at + size :]


def _cut(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    begin = random.randrange(len(data) + 1)
    return data[:begin] + data[begin + random.choice((1, 2, 8, 64, len(data))) :]


def _twice(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    begin = random.randrange(len(data) + 1)
    part = data[begin : begin + random.choice((1, 4, 32, 512))]
    return data[:begin] + part * random.choice((2, 3, 20)) + data[begin + len(part) :]


def _token(random: Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(_TOKENS) + data[at + random.choice((0, 1, 4)) :]


def _splice(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    if not others:
        return _twice(random, data, others)
    other = random.choice(others)
    here, there = random.randrange(len(data) + 1), random.randrange(len(other) + 1)
    return data[:here] + other[there:]


def _lines(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Drop, double or swap parts between separators."""
    mark = random.choice((b"\n", b".", b"&", b",", b"/", b":", b" ", b"\r\n"))
    parts = data.split(mark)
    if len(parts) == 1:
        return _byte(random, data, others)
    one, two = random.randrange(len(parts)), random.randrange(len(parts))
    match random.randrange(3):
        case 0:
            del parts[one]
        case 1:
            parts.insert(two, parts[one])
        case _:
            parts[one], parts[two] = parts[two], parts[one]
    return mark.join(parts)


_CHANGES: Final[tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...]] = (
    _json, _json, _json, _flip, _byte, _number, _cut, _twice, _token, _token, _splice, _lines,
)  # fmt: skip
