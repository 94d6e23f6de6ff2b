"""What looks at requests and answers, one file each, in this order.

    label    joins the labels of all texts
    prompt   looks at each text by its channel
    canary   marks the operator's prompt
    tools    lets calls leave that were judged fit

Answers' texts are scanned by ``inspection.response`` (``gateway.ports.Leaks``) while they come, before all these.
"""

from ostiary.gateway.inspectors.canary import CanaryInspector
from ostiary.gateway.inspectors.label import LabelInspector
from ostiary.gateway.inspectors.prompt import TextInspector
from ostiary.gateway.inspectors.tools import ToolInspector
from ostiary.gateway.inspectors.turn import Ask, Block, Inspector, Pass, Redact, Turn, look, look_back
from ostiary.vocabulary.inspecting import PromptInspector


def in_order(inspector: PromptInspector, secret: bytes) -> tuple[Inspector, ...]:
    """Return all inspectors in their order."""
    return LabelInspector(), TextInspector(inspector), CanaryInspector(secret), ToolInspector()


__all__ = ["Ask", "Block", "Inspector", "Pass", "Redact", "Turn", "in_order", "look", "look_back"]
