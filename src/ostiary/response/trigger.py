"""What sets a response off, as a frozen value, and who takes it.

Rules:

- Tenant, ``kind`` and ``id`` make it idempotent: the same three have the same effects once, however often they come.
- An ``id`` that an outsider chose (the ``jti`` of a signal) must be qualified by who chose it, or one sender could use
  up another one's ids.
- ``kind`` says what happened, ``area:what``: ``signal:credential-compromise``, ``decision:TERMINATE``,
  ``session:terminated``, ``device:not-compliant``, ``obligation:unexecuted``.
- ``facts`` are small plain JSON values for the conditions of playbooks; they are data, never instructions. What is too
  large is cut, not refused: whoever can lengthen a fact must not be able to keep a response from happening.
- ``facts["by"]`` says who is behind it: ``rule`` (a deterministic rule, a verified signal, a person) or ``model``.

>>> Trigger("sig-1", "acme", "session:terminated", "user:ann", "s1", "", {"reason": "stolen"}, 1).kind
'session:terminated'
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from ostiary.signals.texts import identifier, shown

MAX_FACTS: Final = 64
MAX_TEXT: Final = 512
RULE: Final = "rule"
MODEL: Final = "model"
# Their makers verified a signature, ran a rule or asked a person; everything else may come from a score.
_DETERMINISTIC: Final = ("account:", "admin:", "device:", "model:", "obligation:", "signal:")


class Trigger(msgspec.Struct, frozen=True):
    """Something that happened and may need an answer.

    Attributes:
        id: names the happening within its tenant and kind; the id of the signal, decision or record behind it.
        subject: ``type:id``, or empty.
        session_id: the ledger's name of the session it is about, or empty; never a bare id that only somebody claims.
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


def by_model(trigger: Trigger) -> bool:
    """Return whether a model's proposal may be behind a trigger; when nobody says, it is.

    >>> by_model(Trigger("1", "acme", "signal:x", "", "", "", {}, 1))
    False
    >>> by_model(Trigger("1", "acme", "decision:TERMINATE", "", "", "", {}, 1))
    True
    """
    told = trigger.facts.get("by")
    if told == MODEL:
        return True
    return told != RULE and not trigger.kind.startswith(_DETERMINISTIC)


def bounded(trigger: Trigger) -> Trigger:
    """Return the trigger with facts that fit and forge no line; whom it is about stays exact: effects hit by name."""
    # Who is behind it comes first: many facts of a stranger must not push it out.
    ordered = {**({"by": trigger.facts["by"]} if "by" in trigger.facts else {}), **trigger.facts}
    facts = {identifier(str(name), 64): _plain(value) for name, value in list(ordered.items())[:MAX_FACTS]}
    return Trigger(
        id=identifier(trigger.id),
        tenant=trigger.tenant,
        kind=shown(trigger.kind, 128),
        subject=trigger.subject,
        session_id=trigger.session_id,
        device_id=trigger.device_id,
        facts=facts,
        at_ns=trigger.at_ns,
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:MAX_FACTS] if not isinstance(item, list | tuple)]
    return shown(value if isinstance(value, str) else str(value)[: MAX_TEXT * 2], MAX_TEXT)
