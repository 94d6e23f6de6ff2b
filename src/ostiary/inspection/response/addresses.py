r"""An address as a browser reads it: entities, tabs and backslashes undone, host and parts told apart.

>>> address_of("ht\ttps:\\\\Evil.example\\x?a=1&amp;b=2")
Address(host='evil.example', path='/x', query='a=1&b=2', runs=False, lookalike=False)
>>> address_of("java&#115;cript:alert(1)").runs, address_of("https://google.com@evil.example/").lookalike
(True, True)
"""

import html
import re
import unicodedata
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")  # what a browser drops, wherever it stands
_RUNS: Final = re.compile(
    r"(?i)(?:javascript|vbscript|data:(?:text/html|text/xml|application/(?:xhtml|xml)|image/svg))"
)
_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})  # letters of these look alike
# Letters of Cyrillic and Greek that nobody tells from Latin ones: a label of these alone is a disguise.
_LATIN_LIKE: Final = frozenset(map(chr, (
    0x430, 0x441, 0x435, 0x43E, 0x440, 0x456, 0x445, 0x443, 0x44C, 0x455, 0x458, 0x501, 0x4BB, 0x4CF, 0x475, 0x51B,
    0x51D, 0x432, 0x43A, 0x43C, 0x43D, 0x442, 0x3BF, 0x3BD, 0x3B1, 0x3C1, 0x3C5, 0x3B9, 0x3BA, 0x3C4, 0x3C7, 0x3B3,
)))  # fmt: skip
MAX_ADDRESS: Final = 16_384


class Address(NamedTuple):
    """The parts of an address that matter.

    Attributes:
        host: lower case, without a port; empty where it points nowhere else.
        path, query: as they stand.
        runs: it is a program rather than a place.
        lookalike: its host passes itself off as another.
    """

    host: str
    path: str
    query: str
    runs: bool
    lookalike: bool


def address_of(text: str) -> Address | None:
    """Return the parts; ``None`` where ``text`` is no address that leads out."""
    said = _CONTROL.sub("", html.unescape(text[:MAX_ADDRESS])).strip()
    if _RUNS.match(said):
        return Address("", "", "", runs=True, lookalike=False)
    plain = said.replace("\\", "/")
    plain = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*):/*(?=[^/])", r"\1://", plain) if _leads_out(plain) else plain
    if plain.lower().startswith("www."):
        plain = f"https://{plain}"
    if not (_leads_out(plain) or plain.startswith("//")):
        return None
    return _parts(plain)


def _leads_out(text: str) -> bool:
    return text.lower().startswith(("http:", "https:", "ws:", "wss:", "ftp:"))


def _parts(text: str) -> Address | None:
    try:
        split = urlsplit(text)
        host = (split.hostname or "").rstrip(".")
    except ValueError:  # nor does a browser know where that leads (a host in brackets that is no IPv6 address)
        return None
    user = split.netloc.rpartition("@")[0]
    return Address(host, split.path, split.query, runs=False, lookalike="." in user or _mixed(host))


def _mixed(host: str) -> bool:
    """Return whether a label of ``host`` mixes scripts whose letters look alike, or is all letters that look Latin."""
    return any(_suspicious(label) for label in host.split(".") if label)


def _suspicious(label: str) -> bool:
    if label.startswith("xn--"):
        try:
            label = label.encode().decode("idna")
        except UnicodeError:
            return True
    if label.isascii():
        return False
    scripts = {_script(character) for character in label if character.isalpha()} & _SCRIPTS
    return len(scripts) > 1 or all(character in _LATIN_LIKE for character in label if character.isalpha())


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
