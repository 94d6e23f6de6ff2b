"""Bank accounts by IBAN: the country's length, and mod 97 (ISO 13616).

>>> [(f.start, f.end) for f in judge_ibans(Region("", "to DE89 3704 0044 0532 0130 00 please", ""))]
[(3, 30)]
"""

import re
from typing import Final

from ostiary.inspection.response.pii.digits import mod97
from ostiary.inspection.response.regions import Find, Pattern, Region

_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
_HEAD: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?=[ -]?[A-Z0-9])")


def judge_ibans(region: Region) -> list[Find]:
    """Return the IBANs of a region; spaces and dashes between groups are read over."""
    found = []
    for head in _HEAD.finditer(region.text):
        length = _LENGTHS.get(head.group()[:2])
        if head.start() == 0 and region.before[-1:].isalnum():
            continue
        number, end = _gather(region.text, head.start(), length or 0)
        after = region.text[end : end + 1] or region.after
        if length and len(number) == length and not after.isalnum() and mod97(number):
            found.append(Find(head.start(), end, "pii.iban"))
    return found


def _gather(text: str, start: int, length: int) -> tuple[str, int]:
    row: list[str] = []
    at = start
    while at < len(text) and len(row) < length:
        character = text[at]
        if not (character.isascii() and (character.isdigit() or character.isupper())):
            if character not in " -" or text[at - 1] in " -":
                break
        else:
            row.append(character)
        at += 1
    return "".join(row), at


IBAN: Final = Pattern(r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}", judge_ibans, edge=True)
