"""Values that a name stands beside: in a sentence, a table, a call, a declaration, wherever no ``=`` joins the two.

- Looked for are long runs of the characters that such values have; the judge looks back from each for a name, at most
  ``REACH`` characters. Distance proves little, so the value must look drawn (``looks.py``), and what is said between
  the two must not make it something else: a digest, a commit, the name of a key, a public one.
- A run is held only while it is open, shorter than ``MOST`` and stands behind a name: prose flows. It is a watch of its
  own because in the automaton of all patterns every word would be a state.

>>> heard = Heard()
>>> watch = BesideWatch(heard)
>>> watch.feed(*heard.push("Use the Acme token `q7Xw2Lr9Tz4")), watch.hold
([], 20)
>>> watch.feed(*heard.push("Kp8Vn3Bd5` now"))
[Span(start=20, end=40, rule='secret.beside')]
"""

import re
from functools import cache
from typing import Any, Final

from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.linear import compiled
from ostiary.inspection.response.looks import LEAST, is_uuid, looks_drawn
from ostiary.inspection.response.placeholders import is_placeholder
from ostiary.inspection.response.regions import BEFORE
from ostiary.inspection.response.spans import Span

RULE: Final = "secret.beside"
REACH: Final = 40
MOST: Final = 440
_NOTHING: Final[list[Span]] = []
_LINES: Final = 4  # as many as a fence takes
_CHARACTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/.~=-"
_RUN: Final = re.compile(rf"[A-Za-z0-9_+/.~=-]{{{LEAST},}}")
_VALUE: Final = re.compile(rf"[A-Za-z0-9_+/-][A-Za-z0-9_+/.~-]{{{LEAST - 2},{MOST}}}={{0,2}}")
_OVERLAP: Final = 8  # a word of ``_names`` that is cut
_LONGEST: Final = 16
_NAME: Final = (
    r"(?i)(?:(?:api|access|private|secret|master|encryption|signing)[ _-]?key|passw(?:or)?d|passwd|pwd|passphrase|"
    r"secret|token|credential|creds|auth|bearer|key)"
)
_ELSE: Final = (  # what makes of a name the name of something else
    r"(?i)(?:commit|hash[^i]|sha-?\d|digest|checksum|fingerprint|md5|revision|\betag|version|image|uuid|guid|\bids?\b|"
    r"_id\b|(?-i:[a-z]I[dD]\b)|\bname|_name|(?-i:[a-z]Name\b)|(?:\b|_)(?:file|path|size|count|model)|(?:\b|_)ur[il]\b|"
    r"endpoint|length|limit|example|public|audience|issuer)"
)
_OTHER: Final = (  # names that are no names of secrets: most are those that gitleaks lets pass (MIT)
    r"(?i)(?:(?:bucket|foreign|hot|idx|natural|primary|pub(?:lic)?|schema|sequence|cache|partition|sort|row|map|object|"
    r"index|lookup|s3|group|unique|composite|tur|mon|don|hoc|ssh|host|idempotency)[_.\s-]?key|csrf[_.\s-]?token|"
    r"key[_.-]?(?:alias|board|code|frame|id\b|mesh|pair|press|ring|selector|signature|stone|store|vault|word|up\b|down|"
    r"left|right)|accessib|accessor|capital|rapid[^a]|tokens|tokeni[sz]|keys\b|keying)"
)
_NO_AUTH: Final = re.compile(r"(?i)or(?!i)|entic")  # author, authentic
_OPENS: Final = re.compile(  # what a key is for says nothing of what it is
    r"(?i)^\W{0,3}for (?:\w{1,12} ){0,2}(?:model|image|endpoint|public|version)[a-z]{0,3}\b"
)
_SECRET_ID: Final = re.compile(r"(?i)[_ -]?id\b")  # behind `secret`: no identity but half of a login (AppRole)
_STRONG: Final = re.compile(
    r"(?i)passw|pwd|passphrase|secret|token|cred|api|access|auth|bearer|private|master|encr|sign"
)


def is_named(before: str, value: str) -> bool:
    """Return whether ``before``, what stands directly before ``value``, calls it a secret."""
    name = name_in(before)
    return bool(name) and (not is_uuid(value) or bool(_STRONG.match(name)))


def name_in(before: str) -> str:
    """Return the name that ``before`` gives to what follows it; empty if it is none of a secret."""
    name, something_else, _ = _compiled()
    names = list(name.finditer(before, max(len(before) - REACH - _LONGEST, 0)))
    if not names or len(before) - names[-1].end() > REACH:
        return ""
    named = names[-1]
    said, between = str(named[0]), _OPENS.sub("", before[named.end() :])
    if said.lower() == "secret":
        between = _SECRET_ID.sub("", between, count=1)
    if between.count("\n") > _LINES or something_else.search(between) or _is_other(before, named.start()):
        return ""
    return "" if said.lower() == "auth" and _NO_AUTH.match(between) else said


def _is_other(before: str, start: int) -> bool:
    """Return whether the name at ``start`` is part of one of no secret: `keystore` is one, `keystore_password` none."""
    others = _compiled()[2].finditer(before, max(start - 16, 0))
    return any(found.start() <= start < found.end() for found in others)


@cache
def _compiled() -> tuple[Any, Any, Any]:
    return compiled(_NAME), compiled(_ELSE), compiled(_OTHER)


def _names(lower: str) -> bool:
    """Return whether some name may stand in ``lower``."""
    return (  # an expression, or a loop, takes twice as long, and this is asked of every piece of a stream
        "key" in lower or "token" in lower or "secret" in lower or "pass" in lower
        or "auth" in lower or "cred" in lower or "pwd" in lower or "bearer" in lower
    )  # fmt: skip


class BesideWatch:
    """Follows one stream from run to run.

    Attributes:
        hold: where the open run begins, if it may be a value; else where the stream is.
    """

    def __init__(self, heard: Heard, *, holds: bool = True) -> None:
        """Watch what ``heard`` hears; ``holds=False`` only tells."""
        self.hold = 0
        self._heard = heard
        self._holds = holds
        self._open = -1  # where the open run begins
        self._last = ""  # small letters, for a name that is cut
        self._near = -1  # a run that begins behind this has no name near
        self._looked = (-1, False)  # the last run looked back from, and whether it has a name

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters."""
        end, opened = start + len(seen), self._open
        lower = self._last + seen.lower()
        self._last = lower[-_OVERLAP:]
        if _names(lower):
            self._near = end + REACH
        ended = len(seen.rstrip(_CHARACTERS))  # what follows is the run that stays open
        begins = opened if opened >= 0 else start
        if ended:
            self._open = start + ended if ended < len(seen) else -1
        elif seen:
            self._open = begins
        self.hold = end
        if self._near < begins:  # most of the time
            return _NOTHING
        if self._holds and self._open >= 0 and self._may_be(self._open, end):
            self.hold = self._open
        return self._closed(opened, start, seen[:ended]) if ended else _NOTHING

    def close(self) -> list[Span]:
        """Judge what is still open."""
        start, self._open = self._open, -1
        end, self.hold = self._heard.seen, self._heard.seen
        return self._judged(start, end) if start >= 0 else []

    def _closed(self, opened: int, start: int, seen: str) -> list[Span]:
        """Judge the run from ``opened``, which is over, and all runs of ``seen``."""
        found, first = [], 0
        if opened >= 0:
            first = len(seen) - len(seen.lstrip(_CHARACTERS))
            found = self._judged(opened, start + first)
        for run in _RUN.finditer(seen, first):
            found += self._judged(start + run.start(), start + run.end())
        return found

    def _may_be(self, start: int, end: int) -> bool:
        """Return whether the run from ``start``, open at ``end``, may become a value."""
        if start > self._near or end - start > MOST:
            return False
        if self._looked[0] != start:
            self._looked = (start, bool(name_in(self._before(start))))
        return self._looked[1]

    def _judged(self, start: int, end: int) -> list[Span]:
        before = self._before(start)
        if not LEAST <= end - start <= MOST or not _names(before[-REACH - _LONGEST :].lower()):
            return []
        value = self._heard.text(start, end).rstrip(".~")
        if not _VALUE.fullmatch(value) or not looks_drawn(value) or is_placeholder(value):
            return []
        return [Span(start, start + len(value), RULE)] if is_named(before, value) else []

    def _before(self, start: int) -> str:
        return self._heard.text(max(start - BEFORE, 0), start)
