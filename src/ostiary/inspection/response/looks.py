"""Whether a value looks drawn by a machine rather than written by somebody: for secrets without a shape of their own.

- Drawn values mix letters with digits (or capitals over and over), spread over them, and are not made of words.
- A word is a run of letters most pairs of which are pairs of words; of drawn letters, one pair in five is.
- Names of models, versions, dates and paths mix too, but only across their hyphens: a part must be mixed by itself.

>>> looks_drawn("q7Xw2Lr9Tz4Kp8Vn"), looks_drawn("claude-3-5-sonnet-20241022"), looks_drawn("getUserNameById2")
(True, False, False)
"""

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Final

LEAST: Final = 16  # shorter ones are names and numbers as often as not
_CODE: Final = re.compile(r"[(){}\[\]]|\$[A-Z_]{3}|::|->|://|^[.$%@]|^/(?:[a-z]+/|$)|^[^/]*/.*\.")
_DOTTED: Final = re.compile(r"\w\.([a-z]{3,})")  # an attribute, a domain
_WORDS: Final = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_HEX: Final = re.compile(r"[0-9a-f]{20,}|[0-9A-F]{20,}")
_DIGIT: Final = re.compile(r"[0-9]")
_ODD: Final = re.compile(r"[^\w.=-]")
_PARTS: Final = re.compile(r"[^A-Za-z0-9]+")
_GROUPS: Final = re.compile(r"[A-Za-z0-9]{4,8}(?:[-_.][A-Za-z0-9]{4,8}){2,}")
_NAMES: Final = re.compile(r"(?i)pbkdf|hmac|sha-?(?:1|256|512)|ieee|utf-?8|base64|x509|ed25519")  # of methods
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAIRS: Final = frozenset(  # the 150 most frequent of words in code and prose: 85 % of all
    re.findall(
        "..",
        "abacadagaialamanarasatavaybabeblbocacechciclcocrctcudadedieaecedeeelemeneresetevexfifofrfugegihahehi"
        "hoiaicidieigiliminioirisitivkelaldlelflilllolymambmemimompnancndnengninonsntocodolomonoooporosotouov"
        "owpapeplpoprpuqurardrerirmrnrorrrsrtrysascseshsisospssstsutatethtitotrtstutyueulunurusutveviwewhwiwo",
    )
)


def entropy(value: str) -> float:
    """Return the Shannon entropy of ``value``, in bits a character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


def is_mixed(value: str) -> bool:
    """Return whether letters stand among digits, or capitals among small letters over and over."""
    return (bool(_DIGIT.search(value)) and not value.isdigit()) or _both_cases(value)


def is_uuid(value: str) -> bool:
    """Return whether ``value`` is an identity: a secret only where it is called one."""
    return bool(_UUID.fullmatch(value))


def looks_drawn(value: str) -> bool:
    """Return whether a value looks drawn: no path, no call, no words."""
    if len(value) < LEAST or not is_mixed(value) or is_code(value) or _NAMES.search(value):
        return False
    if _HEX.fullmatch(value) or is_uuid(value):
        return entropy(value) >= 3.0  # noqa: PLR2004 - of sixteen digits, 4 at most
    if not any(len(part) >= 8 and _mixes(part) for part in _PARTS.split(value)):  # noqa: PLR2004 - a date has eight
        return False
    return _written(value) * 2 < len(value) and entropy(value) >= 3.2  # noqa: PLR2004 - measured on benign code


def looks_grouped(value: str) -> bool:
    """Return whether a value looks drawn and was written in groups, as keys for people are: half of them mixed."""
    groups = _PARTS.split(value) if _GROUPS.fullmatch(value) else []
    mixed = sum(_mixes(group) for group in groups)
    return bool(groups) and mixed * 2 >= len(groups) and _written(value) * 3 <= len(value) and not is_code(value)


def is_code(value: str) -> bool:
    """Return whether a value is a path, a call, an attribute."""
    dotted = _DOTTED.findall(value)
    return bool(_CODE.search(value)) or any(len(value) < 2 * LEAST or _is_word(part) for part in dotted)


def looks_chosen(value: str) -> bool:
    """Return whether a value looks like a password: several kinds of characters, and hardly a word among them."""
    kinds = any(map(str.islower, value)) + any(map(str.isupper, value)) + any(map(str.isdigit, value))
    kinds += bool(_ODD.search(value))
    written = _written(value)
    many = kinds >= 3 or (is_mixed(value) and not written)  # noqa: PLR2004 - of four
    return many and written * 3 <= len(value) and not is_code(value)


def _mixes(part: str) -> bool:
    letters = sum(map(str.isalpha, part))
    return 0 < letters < len(part) or _both_cases(part)


def _written(value: str) -> int:
    """Return how many letters belong to words."""
    return sum(len(word) for word in _WORDS.findall(value) if _is_word(word.lower()))


def _is_word(letters: str) -> bool:
    pairs = [one + other in _PAIRS for one, other in pairwise(letters)]
    return sum(pairs) * 10 >= len(pairs) * 7


def _both_cases(value: str) -> bool:
    """Return whether a long value without digits still looks drawn: capitals inside of it, over and over."""
    changes = sum(one.islower() and other.isupper() for one, other in pairwise(value))
    return len(value) >= 20 and changes * 6 >= len(value)  # noqa: PLR2004 - written names have one every eight or so
