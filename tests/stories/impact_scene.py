"""A small house with a policy of its own whose decisions are asked for by a test: no server, no model, its own log."""

from pathlib import Path
from typing import Any

import msgspec

from ostiary.decision.parts import Call
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.keys import random_bytes
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.requests import read_evaluation
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.ids import make_id
from ostiary.vocabulary.verdicts import DecisionRecord

NOW_NS = 1_800_000_000_000_000_000
DAY_NS = 86_400 * 1_000_000_000
GUARDRAILS = """package ostiary.guardrails
decision := {"allow": allow, "deny": deny}
# METADATA
# title: readers read
# custom: {id: may}
allow contains {"rule": "may"} if {
    input.subject.known == true
    input.action.name in {"read", "odd", "worse"}
}
# METADATA
# title: no writing
# custom: {id: no-write}
deny contains {"rule": "no-write"} if input.action.name == "write"
"""
ADAPTIVE = """package ostiary.adaptive
decision := {"proposals": proposals}
# METADATA
# title: odd
# custom: {id: odd-step-up, effect: STEP_UP}
proposals contains {"rule": "odd-step-up", "effect": "STEP_UP"} if input.action.name in {"odd", "worse"}
# METADATA
# title: worse
# custom: {id: worse-deny, effect: DENY}
proposals contains {"rule": "worse-deny", "effect": "DENY"} if input.action.name == "worse"
"""
CATALOGUE = """
resources: [{type: doc, id: "1"}, {type: database, id: "2"}]
subjects:
  - {type: user, id: alice, groups: [staff]}
  - {type: user, id: bob, groups: [staff]}
  - {type: user, id: ALICE, groups: [staff]}
actions: [read, write, odd, worse]
"""


class Scene:
    """The house, its clock, and how to ask."""

    def __init__(self, root: Path, **sections: Any) -> None:
        """Make it below ``root``."""
        data = root / "data"
        for place, text in {
            "bundles/default/guardrails.rego": GUARDRAILS,
            "bundles/default/adaptive.rego": ADAPTIVE,
            "catalogue/default.yaml": CATALOGUE,
        }.items():
            (data / place).parent.mkdir(parents=True, exist_ok=True)
            (data / place).write_text(text)
        data.chmod(0o700)
        self.root = root
        self.faults: list[str] = []
        self.asked: list[str] = []
        phases = {"deny": "high_impact", "terminate": "high_impact"}
        settings = load(None, environ={}, options={"phases": phases, **sections}).settings
        self.clock = FakeClock(NOW_NS)
        self.house: House = open_house(
            Places(data), settings, self.clock, lambda reason, _fault: self.faults.append(reason)
        )
        bootstrap(self.house)
        self.house.policies.load("default")

    def ask(self, action: str = "read", subject: str = "alice", kind: str = "doc", **context: Any) -> DecisionRecord:
        """Decide one request and return its record."""
        body = {
            "subject": {"type": "user", "id": subject},
            "action": {"name": action},
            "resource": {"type": kind, "id": "1" if kind == "doc" else "2"},
            "context": context,
        }
        now = self.clock.now_ns()
        pep = PepIdentity(pep_id="test", tenant="default", subjects="asserted")
        receipt = Receipt(make_id("dec", now, random_bytes(10)), now)
        decided = self.house.decider.decide(receipt, Call(pep, read_evaluation(body), PresentedSubject()))
        decided.durable.result(timeout=10)
        self.asked.append(receipt.decision_id)
        return decided.record

    def candidate(self, name: str, **texts: str) -> Path:
        """Write a candidate bundle: the one in force, with other texts for some of its files."""
        folder = self.root / name
        folder.mkdir()
        for file, text in {"guardrails": GUARDRAILS, "adaptive": ADAPTIVE, **texts}.items():
            (folder / f"{file}.rego").write_text(text)
        return folder

    def deeds(self, action: str) -> list[dict[str, Any]]:
        """Return the deeds of a kind that are on record."""
        found = [msgspec.json.decode(one.payload or b"{}") for one in self.house.log.iterate("default", "admin")]
        return [deed for deed in found if deed.get("action") == action]
