"""What a score would propose under a bundle's table of thresholds: a count for shadow mode, not a decision.

- The table is the bundle's ``thresholds/data.yaml``: bounds on the score by sensitivity, from which sensitivity on a
  level of the model asks for what, and what little history or no score at all asks for.
- The decision also knows the guardrails, the phase of each control and a fresh proof; each can only make less of it.

>>> table = Table(by_sensitivity={"3": {"step_up": 0.6}}, by_level={"high": {"reduce": 1}})
>>> propose(table, 3, RiskScore(True, 0.7, "high")), propose(table, 3, RiskScore(True, 0.1, "high"))
('step_up', 'reduce')
>>> propose(table, 0, RiskScore(True, 0.1, "high")), propose(table, 4, RiskScore(available=False))
('', 'step_up')
"""

from typing import Final

import msgspec

from ostiary.signals import yamlfile
from ostiary.vocabulary.scoring import RiskScore

EFFECTS: Final = ("terminate", "deny", "step_up", "reduce")  # the strongest first
UNTOLD: Final = 3  # the sensitivity of what nobody told, as in the shipped bundle's protection/data.yaml


class Uncertain(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """From which uncertainty on, and from which score on, an access to something sensitive asks for a step-up."""

    from_: float = 2.0
    step_up: float = 2.0


class Table(msgspec.Struct, frozen=True):
    """The thresholds.

    Attributes:
        by_sensitivity: lowest score that asks for each effect, by sensitivity.
        by_level: lowest sensitivity from which on a level asks for each effect.
        sensitive_from: from which sensitivity on no score, or an uncertain one, asks for a step-up.
        uncertain: what counts as uncertain.
        terminate_below_uncertainty: nothing is ended on a score as uncertain as this.
    """

    by_sensitivity: dict[str, dict[str, float]] = {}
    by_level: dict[str, dict[str, int]] = {}
    sensitive_from: int = UNTOLD
    uncertain: Uncertain = Uncertain()
    terminate_below_uncertainty: float = 1.0


def parse_table(data: bytes, name: str) -> Table:
    """Read ``thresholds/data.yaml``.

    Raises:
        FaultyInputError: ``thresholds_malformed``.
    """
    return yamlfile.read(data, Table, name, "thresholds_malformed")


def propose(table: Table, sensitivity: int, risk: RiskScore) -> str:
    """Return the strongest effect that is asked for, or nothing."""
    sensitive = sensitivity >= table.sensitive_from
    if risk.score is None:
        return "step_up" if sensitive else ""
    asked = _asked(table, sensitivity, risk.score, risk.level)
    if risk.uncertainty >= table.terminate_below_uncertainty:
        asked.discard("terminate")
    if sensitive and risk.uncertainty >= table.uncertain.from_ and risk.score >= table.uncertain.step_up:
        asked.add("step_up")
    return next((effect for effect in EFFECTS if effect in asked), "")


def _asked(table: Table, sensitivity: int, score: float, level: str) -> set[str]:
    bounds, levels = table.by_sensitivity.get(str(sensitivity), {}), table.by_level.get(level, {})
    by_score = {effect for effect, bound in bounds.items() if score >= bound}
    return by_score | {effect for effect, least in levels.items() if sensitivity >= least}
