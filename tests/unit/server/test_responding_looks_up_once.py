"""Who answers for obligations is asked once a turn for each enforcement point, however many decisions wait."""

from types import SimpleNamespace
from typing import Any

from ostiary.server.responding import Responding
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation, Outcome

ALLOWED = Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)


class Points:
    """Counts who is looked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, name: str) -> SimpleNamespace | None:
        self.asked.append(name)
        return SimpleNamespace(pep_id=name, tenant="acme", receipts=name == "answers") if name != "gone" else None


def record(number: int, pep: str, tenant: str = "acme", *, obliged: bool = True) -> DecisionRecord:
    duties = (Obligation("o", "log", {}),) if obliged else ()
    return DecisionRecord(1, tenant, Receipt(f"dec_{number}", number), pep, "user:ada", ALLOWED, obligations=duties)


def test_a_thousand_decisions_of_three_points_are_three_questions() -> None:
    points = Points()
    responding: Any = object.__new__(Responding)
    responding._store = SimpleNamespace(peps=points)
    records = [record(number, ("answers", "silent", "gone")[number % 3]) for number in range(999)]
    records += [record(999, "answers", "other"), record(1000, "never", obliged=False)]
    found = responding._answered(records)
    assert {one.pep for one in found} == {"answers"}
    assert {one.tenant for one in found} == {"acme"}, "another tenant's decision is nothing that this point answers for"
    assert len(found) == 333
    assert sorted(points.asked) == ["answers", "gone", "silent"]
