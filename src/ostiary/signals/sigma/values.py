"""One field against one value, by Sigma's modifiers; a value becomes a predicate over texts, numbers and nothing.

Rules:
- Texts are compared without regard to case, unless ``cased``; ``*`` and ``?`` are wildcards, a backslash takes it away.
- Regular expressions are RE2: time is linear in the text whatever they say. At most 1 KiB each and 1 MiB compiled.
- What is in no table here is not supported, and never passed over.

>>> from ostiary.signals.sigma.document import Node
>>> test = tests_of(["contains"], [Node("r.yml", 1, "DROP")])[0]
>>> test("please drop table"), test("select"), test(None)
(True, False, False)
"""

import base64
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.signals.sigma.document import Node

Fact = str | int | float | bool | None
Test = Callable[[Fact], bool]
MAX_PATTERN: Final = 1_024
MAX_COMPILED: Final = 1 << 20
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
_PLACES: Final = ("contains", "endswith", "startswith")
_ENCODINGS: Final = ("base64", "base64offset")
KNOWN: Final = frozenset({"all", "cased", "cidr", "exists", "i", "re", *_ORDERS, *_PLACES, *_ENCODINGS})


def tests_of(modifiers: Sequence[str], values: Sequence[Node]) -> list[Test]:
    """Return one test for each value.

    Raises:
        FaultyInputError: ``sigma_invalid``, ``sigma_unsupported``, with the line.
        UnavailableError: ``re2_missing``.
    """
    return [_test(frozenset(modifiers) - {"all"}, one) for one in values]


def _test(how: frozenset[str], node: Node) -> Test:
    kinds = how - {"cased", "i"}
    if "i" in how and "re" not in how:
        raise node.unknown("`i` without `re`")
    for name, make in (("re", _pattern), ("cidr", _network), ("exists", _exists)):
        if name in kinds:
            if kinds != {name}:
                raise node.unknown(f"`{name}` together with other modifiers")
            return make(node, how)
    orders = kinds & _ORDERS.keys()
    if orders:
        return _ordered(node, kinds)
    if kinds & set(_ENCODINGS):
        return _encoded(node, kinds)
    if len(kinds) > 1:
        raise node.unknown(f"`{'|'.join(sorted(kinds))}`")
    return _text(node, next(iter(kinds), ""), cased="cased" in how)


def _text(node: Node, where: str, *, cased: bool) -> Test:
    value = node.value
    if isinstance(value, dict | list):
        raise node.wrong("a value is wanted here")
    if not isinstance(value, str):
        if where:
            raise node.wrong(f"`{where}` wants a text")
        return _same(value)
    pieces = _pieces(value if cased else value.lower())
    if where in {"contains", "endswith"} and pieces[:1] != ["*"]:
        pieces = ["*", *pieces]
    if where in {"contains", "startswith"} and pieces[-1:] != ["*"]:
        pieces = [*pieces, "*"]
    return _wild(pieces, cased=cased, node=node)


def _same(value: float | bool | None) -> Test:  # noqa: FBT001 - a value of a rule
    if value is None:
        return lambda fact: fact is None or fact == ""
    if isinstance(value, bool):
        return lambda fact: fact is value or (isinstance(fact, str) and fact.lower() == str(value).lower())
    return lambda fact: not isinstance(fact, bool) and (fact == value or fact == str(value))


def _pieces(text: str) -> list[str]:
    r"""Return a text as literals and wildcards; a literal star is marked by a backslash before it.

    >>> _pieces(r"a*b\*c")
    ['=a', '*', '=b*c']
    """
    found, place = list[str](), 0
    while place < len(text):
        char, after = text[place], text[place + 1 : place + 2]
        if char in "*?":
            found.append(char)
        else:
            escaped = char == "\\" and after in {"*", "?", "\\"} and bool(after)
            place += escaped
            piece = text[place]
            if found and found[-1].startswith("="):
                found[-1] += piece
            else:
                found.append("=" + piece)
        place += 1
    return found


def _wild(pieces: list[str], *, cased: bool, node: Node) -> Test:
    literals = [piece[1:] for piece in pieces if piece[0] == "="]
    shape = tuple("=" if piece[0] == "=" else piece for piece in pieces)
    simple: dict[tuple[str, ...], Callable[[str], bool]] = {
        (): lambda text: text == "",
        ("*",): lambda _text: True,
    }
    if len(literals) == 1:
        word = literals[0]
        simple |= {
            ("=",): lambda text: text == word,
            ("*", "="): lambda text: text.endswith(word),
            ("=", "*"): lambda text: text.startswith(word),
            ("*", "=", "*"): lambda text: word in text,
        }
    judge = simple.get(shape) or _matcher(_regex(pieces), node)
    return lambda fact: (text := _written(fact)) is not None and judge(text if cased else text.lower())


def _regex(pieces: list[str]) -> str:
    words = {"*": "(?s:.*)", "?": "(?s:.)"}
    return "^" + "".join(words.get(piece) or _quoted(piece[1:]) for piece in pieces) + r"\z"


def _quoted(text: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else f"\\x{{{ord(char):x}}}" for char in text)


def _written(fact: Fact) -> str | None:
    return fact if isinstance(fact, str) else None if fact is None else str(fact).lower()


def _pattern(node: Node, how: frozenset[str]) -> Test:
    judge = _matcher(("(?i)" if "i" in how else "") + node.text(), node)
    return lambda fact: (text := _written(fact)) is not None and judge(text)


def _matcher(pattern: str, node: Node) -> Callable[[str], bool]:
    try:
        import re2  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise UnavailableError("re2_missing", "Sigma rules need the extra `gateway`") from missing
    if len(pattern) > MAX_PATTERN:
        raise node.wrong(f"a pattern has at most {MAX_PATTERN} characters")
    options: Any = re2.Options()
    options.max_mem, options.log_errors = MAX_COMPILED, False
    try:
        compiled = re2.compile(pattern, options=options)
    except (re2.error, UnicodeEncodeError) as fault:
        raise node.wrong("the regular expression is none of RE2") from fault

    def judge(text: str) -> bool:
        return compiled.search(text.encode("utf-8", "replace").decode()) is not None

    return judge


def _network(node: Node, how: frozenset[str]) -> Test:
    del how
    try:
        network = ip_network(node.text(), strict=False)
    except ValueError as fault:
        raise node.wrong("a network in CIDR form is wanted here") from fault

    def inside(fact: Fact) -> bool:
        try:
            return isinstance(fact, str) and ip_address(fact) in network
        except ValueError:
            return False

    return inside


def _exists(node: Node, how: frozenset[str]) -> Test:
    del how
    if not isinstance(node.value, bool):
        raise node.wrong("`exists` wants true or false")
    wanted = node.value
    return lambda fact: (fact is not None) is wanted


def _ordered(node: Node, kinds: frozenset[str]) -> Test:
    value = node.value
    if len(kinds) > 1 or isinstance(value, bool) or not isinstance(value, int | float):
        raise node.wrong("a comparison wants one number")
    judge, bound = _ORDERS[next(iter(kinds))], value
    return lambda fact: isinstance(fact, int | float) and not isinstance(fact, bool) and judge(fact, bound)


def _encoded(node: Node, kinds: frozenset[str]) -> Test:
    raw = node.text().encode()
    if kinds == {"base64"}:
        word = base64.b64encode(raw).decode()
        return lambda fact: fact == word
    if kinds == {"base64", "contains"}:
        words = [base64.b64encode(raw).decode()]
    elif kinds == {"base64offset", "contains"}:
        # What precedes shifts the text by 0, 1 or 2 bytes; what depends on its neighbours is cut off at both ends.
        starts, ends = (0, 2, 3), (None, -3, -2)
        words = [
            base64.b64encode(b" " * shift + raw).decode()[starts[shift] : ends[(len(raw) + shift) % 3]]
            for shift in range(3)
        ]
    else:
        raise node.unknown(f"`{'|'.join(sorted(kinds))}`")
    return lambda fact: isinstance(fact, str) and any(word in fact for word in words)
