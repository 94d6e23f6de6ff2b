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
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")  # letters of these look alike
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
    """Return whether a label of ``host`` mixes scripts whose letters look alike, or is of another than Latin alone."""
    return any(_suspicious(label) for label in host.split(".") if label)


def _suspicious(label: str) -> bool:
    if label.startswith("xn--"):
        try:
            label = label.encode().decode("idna")
        except UnicodeError:
            return True
    if label.isascii():
        return False
    scripts = {_script(character) for character in label if character.isalpha()} & set(_SCRIPTS)
    return len(scripts) > 1 or bool(scripts - {"LATIN"})


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
