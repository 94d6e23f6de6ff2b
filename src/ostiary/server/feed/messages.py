r"""What the feed says, as Server-Sent Events (HTML Standard §9.2): names, kinds and moments, and no more.

- One event is one ``data`` line of JSON in ASCII: no character of anybody's session id can begin a line, not even for
  readers that take U+2028 or U+0085 for the end of one.
- Of a change an enforcement point learns whose session it is about and that what it was told before no longer holds.
  Levels of risk, reasons and causes stay here.
- A place in the feed is ``EPOCH-SEQUENCE``: the epoch is a process's own, the sequence a tenant's own.

>>> event("change", {"session": "a\ndata: x"}, "e1-7")
b'id: e1-7\nevent: change\ndata: {"session":"a\\ndata: x"}\n\n'
>>> place_of("e1-7", "e1"), place_of("e1-7", "e2"), place_of("e1-x", "e1")
(7, None, None)
"""

import json
from typing import Any, Final

from ostiary.sessions import SessionChange

MAX_PLACE: Final = 64
_MS: Final = 1_000_000
_MAX_DIGITS: Final = 18


def event(name: str, data: object, place: str = "") -> bytes:
    """Return one event; ``name`` and ``place`` are ours and hold no line ends."""
    head = f"id: {place}\nevent: {name}\ndata: " if place else f"event: {name}\ndata: "
    return (head + json.dumps(data, separators=(",", ":")) + "\n\n").encode("ascii")


def place(epoch: str, sequence: int) -> str:
    """Return the name of a place in the feed."""
    return f"{epoch}-{sequence}"


def place_of(text: str | None, epoch: str) -> int | None:
    """Return the sequence that ``text`` names in ``epoch``, or ``None`` when it names none."""
    if text is None or len(text) > MAX_PLACE:
        return None
    before, _, digits = text.rpartition("-")
    known = before == epoch and digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if known else None


def change_of(change: SessionChange) -> dict[str, Any]:
    """Return what a change tells."""
    told: dict[str, Any] = {"kind": change.kind.value, "at_ms": change.at_ns // _MS}
    if change.session_id:
        told["session"] = clean(change.session_id)
    if change.subject:
        told["subject"] = clean(change.subject)
    if change.expires_ns:
        told["expires_ms"] = change.expires_ns // _MS
    return told


def clean(text: str) -> str:
    """Return ``text`` without what UTF-8 cannot hold; a change must be told whatever a session is called."""
    return text.encode("utf-8", "replace").decode("utf-8")
