"""Check digits: the arithmetic that tells a number from a number.

>>> luhn("4111111111111111"), luhn("4111111111111112")
(True, False)
>>> verhoeff("234123412346"), mod97("GB82WEST12345698765432")
(True, True)
"""

from itertools import pairwise
from typing import Final

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_TEN: Final = 10


def luhn(digits: str) -> bool:
    """Return whether ISO/IEC 7812-1 annex B holds."""
    total = sum(_DOUBLED[int(d)] if index % 2 else int(d) for index, d in enumerate(reversed(digits)))
    return total % 10 == 0


def mod97(number: str) -> bool:
    """Return whether ISO 7064 mod 97-10 holds for an IBAN without spaces (ISO 13616)."""
    turned = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Return the weighted sum of ``digits``."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def mod11_10(digits: str) -> bool:
    """Return whether ISO 7064 mod 11,10 holds; the last digit is the check."""
    product = _TEN
    for digit in digits[:-1]:
        product = ((int(digit) + product) % _TEN or _TEN) * 2 % 11
    return (11 - product) % _TEN == int(digits[-1])


# The dihedral group of order 10, and the permutation (Verhoeff 1969).
_GROUP: Final = tuple(
    tuple(
        ((i + j) % 5 + (0 if i < 5 else 5)) if j < 5 and i < 5  # noqa: PLR2004 - five turns, five mirrors
        else ((i + j) % 5 + 5) if i < 5  # noqa: PLR2004
        else ((i - j) % 5 + 5) if j < 5  # noqa: PLR2004
        else (i - j) % 5
        for j in range(10)
    )
    for i in range(10)
)  # fmt: skip
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(digits: str) -> bool:
    """Return whether the check of Verhoeff holds."""
    check, turns = 0, [tuple(range(10))]
    for _ in range(7):
        turns.append(tuple(_TURN[digit] for digit in turns[-1]))
    for index, digit in enumerate(reversed(digits)):
        check = _GROUP[check][turns[index % 8][int(digit)]]
    return check == 0


def runs_or_repeats(digits: str) -> bool:
    """Return whether all digits are the same or count up: then it is a number for forms, nobody's."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps <= {0} or steps <= {1}
