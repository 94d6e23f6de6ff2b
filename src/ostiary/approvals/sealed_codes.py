"""Sealed offline codes: what opens a break-glass when the approvers' keys are out of reach.

Rules:

- Made at a ceremony, several codes of several people; each person takes his own, in an envelope. Only hashes are kept.
- A code belongs to one person. So many *people* are needed: two codes of one person are one voice.
- A code is good once, whatever came of it, and until the set's end.
- What codes may open was agreed at the ceremony: which denies, where, for whom, how long.
- Every wrong answer is the same answer: nobody learns which of his codes was good, or that a set is there at all; to
  ask for more than they open is wrong as well. Which it was is on record.
  A code that nobody has is checked against a hash that nobody can meet, so that it takes as long.

>>> made = new_code("bgc_1", 0, "user:ann", bytes(16))
>>> made.text
'bgc_1.0.AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA'
>>> read_code(" bgc_1.0.aaaa aaaaaaaa-AAAA-AAAA-AAAA-AA ").number
0
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from ostiary.approvals.glass import MAX_NAME, MAX_NAMES, Limits
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import hash_secret, verify_secret

SECRET_BYTES: Final = 16
MAX_CODES: Final = 16
MAX_TEXT: Final = 160
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTERS: Final = 26
_NOBODYS: Final = "0" * 64
# What a tired person writes for a letter of base32: 0, 1 and 8 are not in it.
_MISREAD: Final = str.maketrans("018", "OIB")


class SealedCode(msgspec.Struct, frozen=True):
    """One code as it is kept: whose it is, and its hash."""

    person: str
    secret_hash: str


class CodeSet(msgspec.Struct, frozen=True):
    """The codes of one ceremony.

    Attributes:
        need: of so many different people codes are needed.
        codes: by their number.
        limits: what they may open.
        made_ns, until_ns: good in ``[made_ns, until_ns)``.
        made_by: the administrator who made them.
        proposal: what people agreed to, where there are people.
    """

    id: str
    tenant: str
    need: int
    codes: tuple[SealedCode, ...]
    limits: Limits
    made_ns: int
    until_ns: int
    made_by: str
    proposal: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Whose codes there are."""
        return tuple(dict.fromkeys(code.person for code in self.codes))


class FreshCode(msgspec.Struct, frozen=True):
    """A code as it is shown, this once."""

    person: str
    text: str
    secret_hash: str


class ReadCode(msgspec.Struct, frozen=True):
    """What somebody typed."""

    set_id: str
    number: int
    secret: str


class Redeemed(msgspec.Struct, frozen=True):
    """Codes that are good now: of which set, which ones, whose."""

    codes: CodeSet
    numbers: tuple[int, ...]
    people: tuple[str, ...]


def new_code(set_id: str, number: int, person: str, random: bytes) -> FreshCode:
    """Make one code from 16 random bytes."""
    if len(random) != SECRET_BYTES:
        msg = f"a code needs {SECRET_BYTES} random bytes"
        raise ValueError(msg)
    value = int.from_bytes(random, "big") << 2
    letters = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))
    grouped = "-".join(letters[start : start + 4] for start in range(0, _LETTERS, 4))
    return FreshCode(person, f"{set_id}.{number}.{grouped}", hash_secret(letters))


def read_code(text: str) -> ReadCode:
    """Read a code as people type it: letters of either case, hyphens and blanks anywhere."""
    head = text.strip()[:MAX_TEXT]
    set_id, _, rest = head.partition(".")
    number, _, letters = rest.partition(".")
    clean = "".join(letters.split()).replace("-", "").upper().translate(_MISREAD)
    found = int(number) if number.isascii() and number.isdigit() and len(number) <= len(str(MAX_CODES)) else -1
    return ReadCode(set_id if set_id.isascii() else "", found, clean if clean.isascii() else "")


def check_ceremony(people: Sequence[str], need: int, limits: Limits) -> None:
    """Check what a ceremony is to make.

    Raises:
        FaultyInputError: ``break_glass_codes_invalid``.
    """
    if need < 2:  # noqa: PLR2004 - one person's code would be one person's break-glass
        raise _invalid("codes of at least two people are needed")
    if len(set(people)) < need or not 0 < len(people) <= MAX_CODES:
        raise _invalid(f"name at least {need} people and {MAX_CODES} codes at most")
    if not (limits.replaces and limits.resources and limits.subjects):
        raise _invalid("say what the codes may open: rules, resources and subjects")
    names = (*people, *limits.replaces, *limits.resources, *limits.subjects)
    if max(map(len, (limits.replaces, limits.resources, limits.subjects))) > MAX_NAMES:
        raise _invalid(f"name {MAX_NAMES} rules, resources and subjects at most")
    if any(not name or len(name) > MAX_NAME or not name.isprintable() for name in names):
        raise _invalid("a name is empty, too long or not printable")


def redeem(
    sets: Iterable[CodeSet], texts: Sequence[str], now_ns: int, counts: Callable[[str], bool] = lambda _person: True
) -> Redeemed:
    """Return the codes behind what was typed; whether they were used before is for the caller to say.

    ``counts`` tells whether somebody is still one of those whose codes count.

    Raises:
        RefusedError: ``break_glass_codes_wrong``, whatever was wrong.
    """
    known = {one.id: one for one in sets}
    typed = [read_code(text) for text in texts[:MAX_CODES]]
    good = [_verified(known.get(one.set_id), one) for one in typed]  # all of them, whatever the first one was
    found = known.get(typed[0].set_id) if typed else None
    numbers = tuple(sorted({one.number for one in typed}))
    if found is None or not all(good) or len(texts) > MAX_CODES or {one.set_id for one in typed} != {found.id}:
        raise wrong_codes()
    people = tuple(dict.fromkeys(one for number in numbers if counts(one := found.codes[number].person)))
    if len(people) < found.need or not found.made_ns <= now_ns < found.until_ns:
        raise wrong_codes()
    return Redeemed(found, numbers, people)


def wrong_codes() -> RefusedError:
    """Return what is said to every wrong set of codes."""
    text = "these are not enough: unused codes of one set, still good, of as many people as needed, for what they open"
    return RefusedError("break_glass_codes_wrong", text)


def _verified(codes: CodeSet | None, typed: ReadCode) -> bool:
    there = codes is not None and 0 <= typed.number < len(codes.codes)
    kept = codes.codes[typed.number].secret_hash if codes is not None and there else _NOBODYS
    return verify_secret(typed.secret, kept) and there


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError("break_glass_codes_invalid", text)
