"""Numbers that states give to people, each with its check digit or its rules.

- A number is only one of these where its check holds; where the shape alone is common (nine or eleven digits), a word
  beside it must say what it is. A false alarm on every eleventh order number helps nobody.
- Each kind says from where its rules are; dates in a number must be dates.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from ostiary.inspection.response.pii.digits import luhn, mod11_10, repeats, verhoeff, weighted


class Kind(NamedTuple):
    """One kind of number.

    Attributes:
        name: of the rule, behind ``pii.``.
        shape: the whole number as written.
        holds: whether the check holds for it without separators.
        words: one of these must stand before it, unless ``told`` matches.
        told: a way of writing that is told by itself; empty if there is none.
    """

    name: str
    shape: str
    holds: Callable[[str], bool]
    words: str = ""
    told: str = ""


def _day(year: str, month: int, day: int) -> bool:
    del year
    return 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004 - a calendar


def us_ssn(n: str) -> bool:
    """United States, SSN: what the Social Security Administration never gives out is none."""
    area, group, serial = n[:3], n[3:5], n[5:]
    given = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    return given and n not in {"078051120", "219099999"} and not repeats(n)


def de_tax(n: str) -> bool:
    """Germany, Steuer-ID: of the first ten digits one comes twice or thrice, mod 11,10 (BZSt)."""
    counts = sorted((n[:10].count(digit) for digit in set(n[:10])), reverse=True)
    return n[0] != "0" and counts[0] in {2, 3} and counts[1] == 1 and mod11_10(n)


def fr_nir(n: str) -> bool:
    """France, NIR: 97 minus the rest; Corsica's letters count as 19 and 18 (INSEE)."""
    body = n[:13].replace("2A", "19").replace("2B", "18")
    month = int(n[3:5]) if n[3:5].isdigit() else 0
    dated = 1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99  # noqa: PLR2004 - pseudo months (INSEE)
    return n[0] in "12378" and dated and body.isdigit() and 97 - int(body) % 97 == int(n[13:])


_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def it_cf(n: str) -> bool:
    """Italy, codice fiscale: odd and even places, mod 26 (DM 23.12.1976)."""
    total = 0
    for index, character in enumerate(n[:15]):
        even = int(character) if character.isdigit() else ord(character) - ord("A")
        total += even if index % 2 else _ODD[even]
    return chr(ord("A") + total % 26) == n[15]


def es_dni(n: str) -> bool:
    """Spain, DNI and NIE: the letter of mod 23."""
    number = n[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == n[-1]


def nl_bsn(n: str) -> bool:
    """Netherlands, BSN: the test of eleven, the last place counts minus one."""
    return (weighted(n, (9, 8, 7, 6, 5, 4, 3, 2)) - int(n[8])) % 11 == 0 and not repeats(n)


def be_rrn(n: str) -> bool:
    """Belgium, rijksregisternummer: 97 minus the rest, with a 2 in front since the year 2000."""
    body, check = n[:9], int(n[9:])
    dated = _day(n[:2], int(n[2:4]) % 20, int(n[4:6])) or n[2:6] == "0000"
    return dated and check in {97 - int(body) % 97, 97 - int("2" + body) % 97}


def pl_pesel(n: str) -> bool:
    """Poland, PESEL: weights 1-3-7-9, the century in the month."""
    return _day(n[:2], int(n[2:4]) % 20, int(n[4:6])) and -weighted(n, (1, 3, 7, 9) * 2 + (1, 3)) % 10 == int(n[10])


def se_pnr(n: str) -> bool:
    """Sweden, personnummer: Luhn over the last ten; from 60 the day is a co-ordination number."""
    short = n[-10:]
    return _day(short[:2], int(short[2:4]), int(short[4:6]) % 60) and luhn(short)


def fi_hetu(n: str) -> bool:
    """Finland, henkilötunnus: the character of mod 31."""
    digits = n[:6] + n[-4:-1]  # the sign of the century is not counted
    return _day(n[4:6], int(n[2:4]), int(n[:2])) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] == n[-1]


def br_cpf(n: str) -> bool:
    """Brazil, CPF: two digits of mod 11."""
    one = -weighted(n, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10
    two = -weighted(n, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10
    return n[9:] == f"{one}{two}" and not repeats(n[:9])


def in_aadhaar(n: str) -> bool:
    """India, Aadhaar: Verhoeff; none begins with 0 or 1 (UIDAI)."""
    return n[0] not in "01" and verhoeff(n) and not repeats(n)


def cn_id(n: str) -> bool:
    """China, resident identity card: ISO 7064 mod 11-2 (GB 11643)."""
    total = weighted(n[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    dated = n[6:8] in {"18", "19", "20"} and _day(n[6:10], int(n[10:12]), int(n[12:14]))
    return n[0] in "12345689" and dated and "10X98765432"[total % 11] == n[17]


def gb_nhs(n: str) -> bool:
    """England, NHS number: weights ten to two, mod 11; 10 is never given."""
    return -weighted(n, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 == int(n[9]) and not repeats(n)


def us_aba(n: str) -> bool:
    """United States, routing number of a bank: 3-7-1, and a Federal Reserve district in front."""
    district = int(n[:2])
    there = 1 <= district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80  # noqa: PLR2004 - ABA
    return there and weighted(n, (3, 7, 1) * 3) % 10 == 0


def ca_sin(n: str) -> bool:
    """Canada, SIN: Luhn; 0 and 8 are not given to people."""
    return n[0] not in "08" and luhn(n) and not repeats(n)


def au_tfn(n: str) -> bool:
    """Australia, tax file number: weights, mod 11."""
    return weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and not repeats(n)


def ch_ahv(n: str) -> bool:
    """Switzerland, AHV number: an EAN-13 that begins with 756."""
    return -weighted(n, (1, 3) * 6) % 10 == int(n[12])


def no_fnr(n: str) -> bool:
    """Norway, fødselsnummer: two digits of mod 11."""
    one = -weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    two = -weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return _day(n[4:6], int(n[2:4]) % 40, int(n[:2]) % 40) and n[9:] == f"{one}{two}"


def dk_cpr(n: str) -> bool:
    """Denmark, CPR: a date; the check is no longer kept since 2007, so only a word beside it tells."""
    return _day(n[4:6], int(n[2:4]), int(n[:2]))


_L: Final = "[0-9LMNPQRSTUV]"  # a digit of a codice fiscale, or the letter for it where two people would share one
KINDS: Final = (
    Kind(
        "us-ssn",
        r"\d{3}[- ]\d{2}[- ]\d{4}|\d{9}",
        us_ssn,
        r"ssn|social security|\bitin\b",
        r"\d{3}-\d{2}-\d{4}",
    ),
    Kind(
        "de-tax-id",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        de_tax,
        r"steuer|tax[ -]?id|tin\b|idnr|identifikationsnummer",
    ),
    Kind(
        "fr-nir",
        r"[12378] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        fr_nir,
        r"\bnir\b|s[ée]curit[ée] sociale|social security|insee|\bsecu\b|num[ée]ro de s[ée]cu",
        r"\d \d{2} \d{2} (?:\d{2}|2[AB]) \d{3} \d{3} \d{2}|.{5}2[AB].{8}",
    ),
    Kind(
        "it-codice-fiscale",
        rf"[A-Z]{{6}}{_L}{{2}}[ABCDEHLMPRST]{_L}{{2}}[A-Z]{_L}{{3}}[A-Z]",
        it_cf,
        "",
        ".*",
    ),
    Kind(
        "es-dni",
        r"\d{8}[ -]?[A-Z]|[XYZ][ -]?\d{7}[ -]?[A-Z]",
        es_dni,
        r"\bdni\b|\bnie\b|\bnif\b|identidad|spanish",
        r"[XYZ]-?\d{7}-?[A-Z]",
    ),
    Kind(
        "nl-bsn",
        r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}",
        nl_bsn,
        r"\bbsn\b|burgerservice|sofi|dutch",
    ),
    Kind(
        "be-national-number",
        r"\d{2}[. -]?\d{2}[. -]?\d{2}[ -]?\d{3}[. -]?\d{2}",
        be_rrn,
        r"rijksregister|registre national|\bniss\b|\binsz\b|national (?:register|number)|belgi",
        r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}",
    ),
    Kind(
        "pl-pesel",
        r"\d{11}",
        pl_pesel,
        r"pesel",
    ),
    Kind(
        "se-personnummer",
        r"(?:\d{2})?\d{6}[-+ ]?\d{4}",
        se_pnr,
        r"personnummer|personal (?:identity )?number|samordning|swedish",
        r"(?:19|20)\d{6}-\d{4}",
    ),
    Kind(
        "fi-hetu",
        r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]",
        fi_hetu,
        "",
        ".*",
    ),
    Kind(
        "br-cpf",
        r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}",
        br_cpf,
        r"\bcpf\b|cadastro",
        r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    ),
    Kind(
        "in-aadhaar",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        in_aadhaar,
        r"aadhaar|aadhar|uidai|\buid\b",
    ),
    Kind(
        "cn-id",
        r"\d{17}[0-9X]",
        cn_id,
        "",
        ".*",
    ),
    Kind(
        "gb-nhs",
        r"\d{3}[ -]?\d{3}[ -]?\d{4}",
        gb_nhs,
        r"\bnhs\b|national health",
    ),
    Kind(
        "us-aba",
        r"\d{9}",
        us_aba,
        r"\baba\b|routing|\brtn\b",
    ),
    Kind(
        "ca-sin",
        r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        ca_sin,
        r"\bsin\b|social insurance",
    ),
    Kind(
        "au-tfn",
        r"\d{3} ?\d{3} ?\d{3}",
        au_tfn,
        r"\btfn\b|tax file",
    ),
    Kind(
        "ch-ahv",
        r"756\.?\d{4}\.?\d{4}\.?\d{2}",
        ch_ahv,
        "",
        ".*",
    ),
    Kind(
        "no-fnr",
        r"\d{6} ?\d{5}",
        no_fnr,
        r"f[øo]dselsnummer|norwegian|national identity",
    ),
    Kind(
        "dk-cpr",
        r"\d{6}[- ]?\d{4}",
        dk_cpr,
        r"\bcpr\b|cpr-?nummer",
    ),
)
SEPARATORS: Final = re.compile(r"[ .+-]")
