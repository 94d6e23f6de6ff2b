"""Whether an address carries something away: what stands in its query, its path, its host.

- An image is fetched without a click: everything in its address counts but the few things that say how it is to look.
- A link must be clicked: there it takes something opaque, or a name that says what it is.

>>> carries(Address("img.example", "/a.png", "w=600&h=400", False, False))
False
>>> carries(Address("evil.example", "/a.png", "q=the+customer+list", False, False))
True
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import parse_qsl, unquote

from ostiary.inspection.response.addresses import Address
from ostiary.inspection.response.looks import entropy

_LOOKS: Final = frozenset(
    {
        "auto", "branch", "bg", "bgcolor", "border", "color", "colora", "colorb", "crop", "cs", "dpr", "fit",
        "fm", "font", "format", "h", "height", "icon", "ixlib", "label", "labelcolor", "logo", "logocolor",
        "logowidth", "metric", "package", "quality", "raw", "rect", "repo", "size", "sort", "sha", "si",
        "style", "svg", "tag", "theme", "title", "type", "usp", "ver", "version", "w", "width", "workflow",
    }
)  # fmt: skip
_TELLING: Final = re.compile(
    r"(?i)^(?:data|secret|leak|exfil\w*|steal\w*|stolen|password|passwd|pwd|token|cookie|session|creds?|credentials?|"
    r"key|api_?key|ssn|card|payload|dump|content|contents|message|msg|text|history|chat|conversation|context|prompt|"
    r"system_?prompt|info|log|b64|base64|hex|enc|encoded|d|p|x)$"
)
# Pictures of these come from a place whose log no writer of an answer reads.
_ASSETS: Final = (
    "shields.io",
    "githubusercontent.com",
    "github.com",
    "gitlab.com",
    "badge.fury.io",
    "codecov.io",
    "travis-ci.org",
    "travis-ci.com",
    "circleci.com",
    "readthedocs.org",
    "readthedocs.io",
    "pypi.org",
    "npmjs.com",
    "badgen.net",
    "wikimedia.org",
    "wikipedia.org",
    "deepwiki.com",
    "trendshift.io",
    "pepy.tech",
    "codacy.com",
    "sonarcloud.io",
    "bestpractices.dev",
    "securityscorecards.dev",
    "dev.azure.com",
    "goreportcard.com",
    "godoc.org",
    "pkg.go.dev",
    "crates.io",
    "docs.rs",
    "star-history.com",
)
_STYLE: Final = re.compile(r"[A-Za-z0-9#/_.,-]{0,40}\Z")
_LABEL: Final = 20
_SAID: Final = re.compile(r"%(?:20|3A|3a|3D|3d|2C|2c|22|7B|7b)|\+")  # a sentence rather than a name
_HIDING: Final = 48  # longer than the hash of a file's name
_OPAQUE: Final = re.compile(r"^[A-Za-z0-9+/_=%.~-]+$")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def carries(address: Address) -> bool:
    """Return whether an address that is fetched unasked carries more than how it is to look."""
    if _is_asset(address):
        return False
    pairs = parse_qsl(address.query, keep_blank_values=True)
    plain = all(_says_how(name.lower(), value) for name, value in pairs)
    bare = bool(address.query) and not pairs
    opaque = any(_opaque(_EXTENSION.sub("", part), _HIDING) for part in _parts(address))
    host = any(_opaque(label, _LABEL) for label in address.host.split("."))
    said = len(_SAID.findall(address.path)) > 1 or "%40" in address.path
    return not plain or bare or opaque or host or said or _hidden_in(address)


def carries_openly(address: Address) -> bool:
    """Return whether an address that is clicked carries something opaque, or says that it does."""
    pairs = parse_qsl(address.query, keep_blank_values=True)
    named = any(_TELLING.match(name) and len(value) >= 8 and not value.isdigit() for name, value in pairs)  # noqa: PLR2004
    values = [value for _, value in pairs]
    if _is_asset(address):
        return False
    return named or any(_opaque(value, 40) or _hides_words(value) for value in values) or _hidden_in(address)


def _says_how(name: str, value: str) -> bool:
    """Return whether a parameter only says how a picture is to look."""
    return (value.isdigit() and len(value) < 6) or (name in _LOOKS and bool(_STYLE.match(value)))  # noqa: PLR2004 - sizes


def _is_asset(address: Address) -> bool:
    return any(address.host == host or address.host.endswith(f".{host}") for host in _ASSETS)


def _hidden_in(address: Address) -> bool:
    return any(_hides_words(_EXTENSION.sub("", part)) for part in _parts(address))


def _parts(address: Address) -> list[str]:
    return [*(unquote(part) for part in address.path.split("/")), *address.host.split(".")]


def _opaque(text: str, least: int) -> bool:
    """Return whether ``text`` is long and looks drawn: neither words nor a number."""
    if len(text) < least or not _OPAQUE.match(text):
        return False
    words = re.split(r"[^A-Za-z]+", text)
    written = sum(len(word) for word in words if 2 < len(word) < 13 and (word.islower() or word.istitle()))  # noqa: PLR2004
    return written * 2 < len(text) and entropy(text) > 3.3  # noqa: PLR2004 - hex of 24 digits has 3.4 and more


def _hides_words(text: str) -> bool:
    """Return whether ``text`` is base64 or hex of something that can be read."""
    if len(text) < 16:  # noqa: PLR2004 - shorter ones are read by chance
        return False
    try:
        plain = bytes.fromhex(text)
    except ValueError:
        try:
            plain = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return False
    return len(plain) >= 10 and all(32 <= byte < 127 or byte in b"\n\t" for byte in plain)  # noqa: PLR2004 - ASCII
