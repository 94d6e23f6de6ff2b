"""When a playbook applies: a small closed set of comparisons on a trigger's facts; nothing is evaluated.

Rules:

- Every condition names one fact and exactly one comparison. All conditions must hold.
- A fact that is missing, or of another type, satisfies no comparison but ``exists: false``: not even ``is_not``,
  because of what is unknown nothing can be said.
- A fact that is a list satisfies ``is`` and ``in`` when one of its members does.
- Besides ``facts``, the trigger's own ``subject``, ``session_id``, ``device_id`` and ``kind`` can be compared; a fact
  of the same name cannot hide them.

>>> from ostiary.response.trigger import Trigger
>>> trigger = Trigger("1", "acme", "signal:x", "user:ann", "", "", {"score": 0.9}, 1)
>>> Condition("score", at_least=0.8).holds(trigger), Condition("issuer", is_not="x").holds(trigger)
(True, False)
"""

from typing import Any, Final

import msgspec

from ostiary.response.trigger import Trigger

Scalar = str | int | float | bool
COMPARISONS: Final = ("at_least", "at_most", "exists", "in", "is", "is_not")
_OWN: Final = ("device_id", "kind", "session_id", "subject")


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, rename={"is_": "is", "in_": "in"}):
    """One comparison; exactly one of the members beside ``fact`` is given."""

    fact: str
    is_: Scalar | None = None
    is_not: Scalar | None = None
    in_: tuple[Scalar, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    exists: bool | None = None

    def holds(self, trigger: Trigger) -> bool:
        """Return whether the trigger satisfies it; total, whatever the facts are."""
        value = getattr(trigger, self.fact) if self.fact in _OWN else trigger.facts.get(self.fact)
        there = value is not None and value != ""
        if self.exists is not None:
            return there is self.exists
        return there and self._compare(value)

    def _compare(self, value: Any) -> bool:
        if self.at_least is not None or self.at_most is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)
        if self.is_not is not None:
            return type(value) is type(self.is_not) and value != self.is_not
        wanted = self.in_ if self.in_ is not None else (self.is_,)
        members = value if isinstance(value, list | tuple) else (value,)
        return any(_same(one, other) for one in members for other in wanted if other is not None)


def _same(one: Any, other: Scalar) -> bool:
    # True == 1 in Python; in a playbook it is not.
    return isinstance(one, bool) == isinstance(other, bool) and one == other
