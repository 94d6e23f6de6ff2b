"""One record of each request to a language model: what was thought of its texts, what came of it, which decision.

Texts are told by digest alone: the log proves what was asked and answered to whoever has it, and tells nobody else.
"""

from typing import Any, Final

import msgspec

from ostiary.gateway.inspectors.turn import Seen, Turn
from ostiary.gateway.ports import CallJudged
from ostiary.gateway.usage import Usage
from ostiary.vocabulary.inspecting import Finding, Verdict
from ostiary.vocabulary.labels import SessionLabel

KIND: Final = "inspection"
VERSION: Final = 1
MAX_FINDINGS: Final = 64


class InspectionRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is written down.

    Attributes:
        face, model, alias: how it was asked, the model's id, the name it was asked by.
        subject: ``type:id``.
        decision_id: the decision that let it happen, or refused it.
        outcome: ``answered``, or the code of why not.
        label: what all texts join to.
        prompt, seen, available: the verdict on the prompt, what was thought of its texts, worst first, and whether
            everything that inspects was there. Findings name their model by digest.
        release, findings: the verdict on the answer, and what was found in it.
        calls: what was thought of the calls of tools.
        usage: tokens, and whether the model's server counted them.
        units: what it cost, in units of spend.
        output: digest of the answer as it left.
        ms: milliseconds until the first text left, and until the end.
    """

    v: int = VERSION
    type: str = KIND
    face: str
    model: str
    alias: str = ""
    subject: str
    decision_id: str
    outcome: str
    label: SessionLabel | None = None
    prompt: Verdict = Verdict.PASS
    available: bool = True
    seen: tuple[Seen, ...] = ()
    release: Verdict = Verdict.PASS
    findings: tuple[Finding, ...] = ()
    calls: tuple[CallJudged, ...] = ()
    usage: Usage | None = None
    units: int = 0
    output: str = ""
    ms: tuple[float, float] = (0.0, 0.0)


def inspection_record(turn: Turn, model: str, decision_id: str, outcome: str, **more: Any) -> InspectionRecord:
    """Return the record of one request."""
    findings = tuple(more.pop("findings", ()))[:MAX_FINDINGS]
    return InspectionRecord(
        face=turn.asked.face,
        model=model,
        alias=turn.asked.model if turn.asked.model != model else "",
        subject=turn.subject,
        decision_id=decision_id,
        outcome=outcome,
        label=turn.label,
        prompt=turn.verdict,
        available=turn.available,
        seen=tuple(turn.seen),
        findings=findings,
        calls=tuple(turn.judged),
        **more,
    )
