"""What a page sends, read with limits: a window in the neutral form, and where in its stream it belongs.

    {"stream": "…", "nonce": "…", "sequence": 1, "modality": "keystroke", "began": 812, "lasted": 4031, "untrusted": 0,
     "events": [[0, 95, 1], [140, 231, 3]]}

1. A key is down, up and a class, times in whole milliseconds; letters are one class, whichever hand types them: two
   classes of letters in a row are half of the text (ADR-0057).
2. A pointer event is dt, dx, dy and buttons; steps are bounded, so that no position can be told as one.
3. An application event is ``VERB /template class``. A part of a template that could be somebody's id is refused. It is
   handed on as the token that our own access events have, so that models trained on these know it.
4. Unknown members are refused: nothing else is taken, so nothing else can be kept.
"""

import re
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from ostiary.biometrics.sequence.interactions import UNKNOWN, template_of
from ostiary.biometrics.window import Floats, Modality, Window, window_of
from ostiary.errors import FaultyInputError
from ostiary.server.body import BodyLimits, parse_object
from ostiary.vocabulary.events import ActionClass

LIMITS: Final = BodyLimits(max_bytes=16_384, max_depth=3)
MOST_EVENTS: Final = {Modality.KEYSTROKE: 50, Modality.POINTER: 128, Modality.SEQUENCE: 50}
CLASSES: Final = (1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
MOST_LASTED_MS: Final = 120_000.0
MOST_STEP: Final = 4_096.0
MOST_BUTTONS: Final = 63
MOST_SEQUENCE: Final = 2**31
MOST_BEGAN_MS: Final = 1e9
_DEEDS: Final = {
    "DELETE": ActionClass.DELETE,
    "GET": ActionClass.READ,
    "HEAD": ActionClass.READ,
    "PATCH": ActionClass.WRITE,
    "POST": ActionClass.WRITE,
    "PUT": ActionClass.WRITE,
}
Said = TypeVar("Said")
_NAME: Final = r"[A-Za-z0-9_-]{22}"
_SESSION: Final = 256
_PART: Final = r"(?:v[0-9]{1,2}|[a-z][a-z_-]{0,31}|\{[a-z_]{0,31}\})"
TOKEN: Final = re.compile(rf"[A-Z]{{1,10}} /(?:{_PART}(?:/{_PART}){{0,11}})?(?: [a-z][a-z_-]{{0,31}})?\Z")


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page says to open a stream: its session, where the token does not."""

    session: str = ""


class Agreed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page says when a person agrees: which text it showed."""

    text: str = "default"


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stream: str
    nonce: str
    sequence: int
    modality: Modality
    began: float
    lasted: float
    events: list[Any]
    untrusted: int = 0
    session: str = ""


class Told(msgspec.Struct, frozen=True):
    """One window as a page tells it, times in milliseconds since its stream was opened."""

    stream: str
    nonce: str
    session: str
    sequence: int
    began_ms: float
    lasted_ms: float
    untrusted: int
    window: Window


def told_of(body: bytes) -> Told:
    """Return the window that a body tells.

    Raises:
        FaultyInputError: ``body_…``, ``request_invalid``, ``window_…``.
    """
    said = _said(body, _Body)
    events = len(said.events)
    _need(re.fullmatch(_NAME, said.stream) and re.fullmatch(_NAME, said.nonce), "`stream` and `nonce` are as given")
    _need(0 < said.sequence < MOST_SEQUENCE, "`sequence` counts from 1")
    _need(0 <= said.began < MOST_BEGAN_MS and 0 <= said.lasted <= MOST_LASTED_MS, "`began` or `lasted` cannot be")
    _need(0 <= said.untrusted <= events, "`untrusted` counts events of the window")
    _need(len(said.session) <= _SESSION, f"`session` has {_SESSION} characters at most")
    _need(events <= MOST_EVENTS.get(said.modality, 0), "a window of this kind has fewer events")
    window = window_of(said.modality, said.events)
    _CHECKS[said.modality](window.content, said.lasted)
    if isinstance(window.content, tuple):
        window = Window(Modality.SEQUENCE, tuple(interaction(one) for one in window.content))
    return Told(said.stream, said.nonce, said.session, said.sequence, said.began, said.lasted, said.untrusted, window)


def interaction(event: str) -> str:
    """Return an application event as sequences of our own access events have it.

    >>> interaction("GET /orders/{id}/lines order")
    'read get-/orders/{}/lines order'
    """
    verb, route, kind = (*event.split(" "), "")[:3]
    return f"{_DEEDS.get(verb, ActionClass.OTHER).value} {template_of(f'{verb} {route}')} {kind or UNKNOWN}"


def opening_of(body: bytes) -> Opening:
    """Return what a page says to open a stream.

    Raises:
        FaultyInputError: ``body_…``, ``request_invalid``.
    """
    said = _said(body, Opening)
    _need(len(said.session) <= _SESSION, f"`session` has {_SESSION} characters at most")
    return said


def agreed_of(body: bytes) -> Agreed:
    """Return to which text a person agreed.

    Raises:
        FaultyInputError: ``body_…``, ``request_invalid``, ``consent_text_invalid``.
    """
    said = _said(body, Agreed)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", said.text):
        text = "`text` names the text that was agreed to: 1 to 64 of A-Z a-z 0-9 . _ -"
        raise FaultyInputError("consent_text_invalid", text)
    return said


def _said(body: bytes, kind: type[Said]) -> Said:
    try:
        return msgspec.convert(parse_object(body, LIMITS), kind)
    except msgspec.ValidationError as fault:
        raise FaultyInputError("request_invalid", f"the body is not as it should be: {fault}") from None


def _check_keys(keys: Any, lasted: float) -> None:
    down, up, kind = keys.T
    _whole(keys)
    _need_window(np.isin(kind, CLASSES).all(), f"a key's class is one of {', '.join(f'{one:.0f}' for one in CLASSES)}")
    _need_window(down[0] == 0 and (np.diff(down) >= 0).all() and (up >= down).all(), "keys go down in order, then up")
    _need_window(up.max() <= lasted + 1, "the keys last longer than the window")


def _check_pointer(steps: Any, lasted: float) -> None:
    dt, across, along, buttons = steps.T
    _whole(steps)
    _need_window((dt >= 0).all() and dt[0] == 0, "time goes on")
    _need_window(dt.sum() <= lasted + 1, "the steps last longer than the window")
    _need_window(max(np.abs(across).max(), np.abs(along).max()) <= MOST_STEP, "a step is longer than a screen")
    _need_window((buttons >= 0).all() and (buttons <= MOST_BUTTONS).all(), "these are no buttons")


def _check_tokens(tokens: Any, _lasted: float) -> None:
    _need_window(all(TOKEN.match(one) for one in tokens), "an event is `VERB /template class`, without anybody's id")


def _whole(numbers: Floats) -> None:
    _need_window((numbers == np.round(numbers)).all(), "times and steps are whole numbers")


_CHECKS: Final = {Modality.KEYSTROKE: _check_keys, Modality.POINTER: _check_pointer, Modality.SEQUENCE: _check_tokens}


def _need(holds: object, text: str) -> None:
    if not holds:
        raise FaultyInputError("request_invalid", text)


def _need_window(holds: object, text: str) -> None:
    if not holds:
        raise FaultyInputError("window_malformed", text)
