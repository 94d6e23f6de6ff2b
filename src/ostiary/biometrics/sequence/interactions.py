"""Sequences of an application: what a person does there, as verbs on route templates; from our own access events.

    <class of the action> <template of the action> <class of the resource>      read get-/orders/{}/lines order

- A token says what kind of thing was done to what kind of thing, never to which: no id, title, query or address is in
  it. Only words of letters are kept; every other part of a route or name becomes ``{}``.
- A route that is a template (``/users/{name}/orders``) keeps its words. A plain path may have names for ids, so it
  keeps every other part alone (``/users/anna/orders`` is ``/users/{}/orders``). Tell templates where you can.
- The resource's own id goes wherever it stands, whatever it looks like.
- Windows are ``SPAN`` events of one person, in the order of time; an unfinished one below ``LEAST`` is left out.

>>> from ostiary.vocabulary.events import AccessEvent, ActionClass
>>> from msgspec.structs import replace
>>> one = AccessEvent("e1", "t", 0, "anna", "GET /orders/8841/lines?q=rings", "order", "8841")
>>> token_of(replace(one, action_class=ActionClass.READ))
'read get-/orders/{}/lines order'
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ostiary.biometrics.window import Modality, Window
from ostiary.vocabulary.events import AccessEvent

SPAN: Final = 100
LEAST: Final = 20
MOST_WORD: Final = 24
MOST_PARTS: Final = 8
UNKNOWN: Final = "{}"

_HOST: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]*", re.IGNORECASE)
_REST: Final = re.compile(r"[?#].*", re.DOTALL)
_SPLIT: Final = re.compile(r"[/\s]+")
_WORD: Final = re.compile(rf"[a-z](?:[a-z]|[-_.:](?=[a-z])){{0,{MOST_WORD - 1}}}")
_TEMPLATE: Final = re.compile(r"\{[^{}/\s]*\}|:[A-Za-z_]+|<[^<>/\s]*>")
_PREFIX: Final = re.compile(r"api|rest|v[0-9]+", re.IGNORECASE)


def token_of(event: AccessEvent) -> str:
    """Return the token of an access; the same whatever the access was to."""
    action = template_of(event.action, event.resource_id)
    return f"{event.action_class.value} {action} {template_of(event.resource_type, event.resource_id)}"


def template_of(name: str, secret: str = "") -> str:
    """Return a name or route with words alone in it; ``secret`` goes wherever it stands as a part of its own."""
    plain = _REST.sub("", _HOST.sub("", name[:2_000]))
    verb, gap, route = plain.strip().partition(" ")
    path = _route(route if gap else plain.strip(), secret)
    return f"{_part(verb, secret)}-{path}" if gap else path


def _route(route: str, secret: str) -> str:
    parts = [part for part in _SPLIT.split(route) if part]
    if "/" not in route:
        return "/".join(_part(part, secret) for part in parts[:MOST_PARTS])
    while parts and _PREFIX.fullmatch(parts[0]):
        parts.pop(0)
    told = any(_TEMPLATE.fullmatch(part) for part in parts)
    kept = [_part(part, secret) if told or not place % 2 else UNKNOWN for place, part in enumerate(parts[:MOST_PARTS])]
    return "/".join(["", *kept])


def _part(part: str, secret: str) -> str:
    low = part.lower()
    if secret and low in {piece.lower() for piece in (secret, *_SPLIT.split(secret))}:
        return UNKNOWN
    return low if _WORD.fullmatch(low) else UNKNOWN


def windows_of(events: Iterable[AccessEvent], span: int = SPAN, least: int = LEAST) -> Iterator[tuple[str, Window]]:
    """Yield subject and window, each person's in the order of time; people in the order of their first event."""
    told: dict[str, list[AccessEvent]] = {}
    for event in events:
        told.setdefault(event.subject_id, []).append(event)
    for subject, own in told.items():
        own.sort(key=lambda event: (event.time_ns, event.event_id))
        tokens = tuple(token_of(event) for event in own)
        for begin in range(0, len(tokens), span):
            window = tokens[begin : begin + span]
            if len(window) == span or len(window) >= least:
                yield subject, Window(Modality.SEQUENCE, window)
