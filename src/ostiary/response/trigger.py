"""What sets a response off, as a frozen value, and who takes it.

Rules:

- ``id`` makes it idempotent: the same tenant and id has the same effects once, however often it is handed in.
- ``kind`` says what happened, ``area:what``: ``signal:credential-compromise``, ``decision:TERMINATE``,
  ``session:terminated``, ``device:quarantined``, ``obligation:unexecuted``.
- ``facts`` are small plain JSON values for the conditions of playbooks; they are data, never instructions.

>>> Trigger("sig-1", "acme", "session:terminated", "user:ann", "s1", "", {"reason": "stolen"}, 1).kind
'session:terminated'
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec


class Trigger(msgspec.Struct, frozen=True):
    """Something that happened and may need an answer.

    Attributes:
        id: names the happening within its tenant; the id of the signal, decision or record behind it.
        subject: ``type:id``, or empty.
        session_id: the session it is about, or empty.
        device_id: the device it is about, or empty.
        facts: what conditions may look at.
    """

    id: str
    tenant: str
    kind: str
    subject: str
    session_id: str
    device_id: str
    facts: Mapping[str, Any]
    at_ns: int


class Responder(Protocol):
    """Takes triggers; must be quick, and safe to call from any thread."""

    def respond(self, trigger: Trigger) -> None:
        """Take one trigger; it is durable when the call returns, its effects follow off the caller's path."""
        ...
