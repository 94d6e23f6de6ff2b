"""Shapes of values: addresses, numbers and dates found in text, each in one canonical form.

- Canonical means comparable: an address without case, an account without spaces, a link without its scheme.
- Two texts are folded alike before they are compared loosely: compatibility forms, case, characters nobody sees.
- All work is linear in the text.

>>> found = addresses_in("write to Bob@Corp.example, see HTTPS://www.a.example/b?c, pay DE89 3704 0044 0532 0130 00")
>>> sorted(found.all)
['DE89370400440532013000', 'a.example/b?c', 'bob@corp.example']
>>> sorted(dates_in("from May 3rd to 2024-06-10")), sorted(numbers_in("1,200.50 and 7"))
([(5, 3), (6, 10)], ['1200.5', '7'])
"""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

import msgspec

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_URL: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://[^\s<>\"'`)\]}\\]+)"
    r"|(?<![\w@.-])(?:[\w-]{1,63}\.){1,8}(?!txt\b|md\b|pdf\b|docx?\b|xlsx?\b|csv\b|pptx?\b|json\b|ya?ml\b|py\b|png\b|jpe?g\b)"
    r"[a-z]{2,18}(?![\w@.-]*@)(?::\d{1,5})?(?:/[^\s<>\"'`)\]}\\]*)?",
    re.IGNORECASE,
)
_GLUED: Final = re.compile(r"(\.[a-z]{2,18})\.(?=[A-Z][a-z])")  # a sentence that follows a link without a space
_ACCOUNT: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){8,30}(?![A-Za-z0-9])")
_TIGHT_ACCOUNT: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[A-Za-z0-9]{8,30}(?![A-Za-z0-9])")
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?\d{1,15}(?:,\d{3})*(?:\.\d{1,9})?(?!\w)")
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero gennaio janeiro januari",
            "feb february februar fevrier février febrero febbraio fevereiro februari",
            "mar march marz märz mars marzo março maart",
            "apr april avril abril aprile",
            "may mai mayo maggio maio mei",
            "jun june juni juin junio giugno junho",
            "jul july juli juillet julio luglio julho",
            "aug august aout août agosto augustus",
            "sep sept september septembre septiembre settembre setembro",
            "oct october okt oktober octobre octubre ottobre outubro",
            "nov november novembre noviembre novembro",
            "dec december dez dezember decembre décembre diciembre dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE: Final = re.compile(
    rf"(?P<iso>\d{{4}}-(?P<im>\d{{1,2}})-(?P<id>\d{{1,2}}))"
    rf"|(?P<dm>\d{{1,2}})(?:st|nd|rd|th|\.|er|º)?\s+(?:of\s+|de\s+)?(?P<mn>{_MONTH})\b"
    rf"|\b(?P<mn2>{_MONTH})\.?\s+(?:the\s+)?(?P<md>\d{{1,2}})(?!\d)"
    r"|(?P<sd>\d{1,2})[./](?P<sm>\d{1,2})[./](?:\d{4}|\d{2})(?!\d)",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"\b\d{1,2}(?::\d{2}){1,2}\b|\b\d{1,2}\s?(?:am|pm|uhr|h)\b", re.IGNORECASE)
_UNSEEN: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_SPACES: Final = re.compile(r"\s+")
_NOT_ALNUM: Final = re.compile(r"[\W_]+")


class Addresses(msgspec.Struct, frozen=True):
    """The addresses in a text, canonical; ``hosts`` are those of the links and of the mail addresses."""

    emails: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Every address."""
        return self.emails | self.links | self.accounts

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the links."""
        return frozenset(host_of(link) for link in self.links)


def fold(text: str) -> str:
    """Return ``text`` as it is compared loosely: no case, no compatibility forms, nothing unseen, single spaces."""
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return _SPACES.sub(" ", text.casefold()).strip()


def compact(text: str) -> str:
    """Return letters and digits alone, folded: what stays when a value is split by spaces, dashes or lines."""
    return _NOT_ALNUM.sub("", fold(text))


def link(text: str) -> str:
    """Return a link in one form: without scheme, `www.`, a last slash, marks of a sentence; its path decoded once."""
    bare = text.strip().rstrip(".,;:!?")
    bare = bare.split("://", 1)[-1]
    host, slash, rest = bare.partition("/")
    host = host.lower().removeprefix("www.")
    return f"{host}{slash}{unquote(rest)}".rstrip("/")


def host_of(canonical: str) -> str:
    """Return the host of a canonical link; what stands before an ``@`` is a name, not the host."""
    return re.split(r"[/?#]", canonical, maxsplit=1)[0].rsplit("@", 1)[-1]


def addresses_in(text: str) -> Addresses:
    """Return all addresses in ``text``."""
    emails = (
        frozenset(match.lower().strip(".'`") for match in _EMAIL.findall(text)) if "@" in text else frozenset[str]()
    )
    links = (
        frozenset(link(match) for match in _URL.findall(_GLUED.sub(r"\1. ", text)))
        if "." in text or "://" in text
        else frozenset[str]()
    )
    found = (*_ACCOUNT.findall(text), *_TIGHT_ACCOUNT.findall(text))
    accounts = frozenset(account for match in found if _is_account(account := compact(match).upper()))
    return Addresses(emails, links - {email.split("@")[1] for email in emails}, accounts)


def _is_account(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return digits * 2 >= len(text) and digits > 8  # noqa: PLR2004 - a word with a number is no account


def is_address(text: str) -> bool:
    """Tell whether a value is an address and nothing else, with what surrounds one: quotes, a scheme, brackets."""
    if len(text) > 2_048 or " " in text.strip() and not _ACCOUNT.fullmatch(text.strip()):  # noqa: PLR2004, RUF021
        return False
    bare = text.strip().strip("<>'\"()[]").removeprefix("mailto:")
    return any(pattern.fullmatch(bare) for pattern in (_EMAIL, _URL)) or bool(
        _ACCOUNT.fullmatch(bare) and _is_account(compact(bare).upper())
    )


def residue(text: str) -> str:
    """Return what is left of a value without its addresses."""
    return _URL.sub(" ", _EMAIL.sub(" ", text))


def numbers_in(text: str) -> frozenset[str]:
    """Return the numbers in ``text``, without signs, separators of thousands and closing zeros."""
    return frozenset(number(match) for match in _NUMBER.findall(text))


def number(text: str) -> str:
    """Return one number in one form."""
    bare = text.replace(",", "").lstrip("+-")
    whole, dot, part = bare.partition(".")
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}{dot if part else ''}{part}"


def dates_in(text: str) -> frozenset[tuple[int, int]]:
    """Return the days of the year that ``text`` speaks of, as month and day: a year is often left out."""
    found: set[tuple[int, int]] = set()
    for match in _DATE.finditer(text):
        found.update(_days(match))
    return frozenset((month, day) for month, day in found if 1 <= month <= 12 and 1 <= day <= 31)  # noqa: PLR2004


def without_dates(text: str) -> str:
    """Return ``text`` without its days and times."""
    return _TIME.sub(" ", _DATE.sub(" ", text))


def _days(match: re.Match[str]) -> list[tuple[int, int]]:
    part = match.groupdict()
    if part["iso"]:
        return [(int(part["im"]), int(part["id"]))]
    if part["mn"]:
        return [(_MONTHS[part["mn"].lower()], int(part["dm"]))]
    if part["mn2"]:
        return [(_MONTHS[part["mn2"].lower()], int(part["md"]))]
    return [(int(part["sm"]), int(part["sd"])), (int(part["sd"]), int(part["sm"]))]  # nobody says which comes first
