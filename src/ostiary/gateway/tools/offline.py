"""Policy's word on a call without a server: the very rules of the bundle, asked of an engine in this process.

Only the rules about tools count (their ids begin with ``tool-``): who may call what is a matter of grants, and offline
there is nobody to hold one. Facts hold no values, so many calls share theirs and are asked once.
"""

from collections import OrderedDict
from typing import Any, Final

import msgspec

from ostiary.gateway.tools.facts import CallFacts
from ostiary.gateway.tools.judging import Judged
from ostiary.policy.engine import Engine
from ostiary.vocabulary.effects import Effect

MAX_REMEMBERED: Final = 4_096
_OURS: Final = "tool-"
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class RulesAsked:
    """Asks one engine; see `judging.Asks`."""

    def __init__(self, engine: Engine) -> None:
        """Ask ``engine``."""
        self._engine = engine
        self._known: OrderedDict[bytes, Judged] = OrderedDict()

    def __call__(self, facts: CallFacts) -> Judged:
        """Return what the rules about tools say; a fault of policy is a refusal."""
        document = _encode(_document(facts.properties()))
        known = self._known.get(document)
        if known is None:
            known = self._known[document] = self._asked(document)
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _asked(self, document: bytes) -> Judged:
        verdict = self._engine.guardrails(document)
        if verdict.error:
            return Judged(Effect.DENY, (verdict.error,))
        hits = [hit for hit in verdict.hits if hit.rule.startswith(_OURS)]
        return Judged(
            max((hit.effect for hit in hits), default=Effect.ALLOW), tuple(sorted({hit.rule for hit in hits}))
        )


def _document(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant": "default",
        "pep": {"id": "ostiary:inspect"},
        "subject": {"type": "user", "id": "", "known": True, "groups": [], "attributes": {}, "identity": {}},
        "action": {"name": "tool.call", "class": "other", "properties": properties},
        # Which tool it is says the manifest; the rules know it by its facts alone.
        "resource": {"type": "tool", "id": "", "known": True, "sensitivity": 0, "labels": [], "attributes": {}},
        "session": {"state": "active"},
        "device": {},
        "network": {},
        "context": {},
    }
