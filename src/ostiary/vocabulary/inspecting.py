"""How everybody sees an inspector of text: a text goes in, findings and a verdict come out.

- A verdict only tightens: ``PASS < FLAG < REDACT < ASK < BLOCK``; several join to the harshest.
- A finding says which rule found what where, and under which ids of ATLAS and OWASP; it never holds the text itself.

>>> harshest((Verdict.FLAG, Verdict.REDACT))
<Verdict.REDACT: 'redact'>
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from ostiary.vocabulary.labels import Channel


class Verdict(StrEnum):
    """What is to become of a text, mildest first."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FLAG = "flag"
    REDACT = "redact"
    ASK = "ask"
    BLOCK = "block"


_ORDER: Final = tuple(Verdict)


def harshest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the harshest of ``verdicts``; ``PASS`` of none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.PASS)


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that an inspector found.

    Attributes:
        rule: its stable name, such as ``secret.aws-access-key`` or ``injection.user-model``.
        start, end: where, in characters of the text as it came; ``end`` is exclusive.
        score: how sure, in [0, 1], higher is worse; 1 of a deterministic rule.
        atlas: technique of MITRE ATLAS, such as ``AML.T0051.001``.
        owasp: risk of the OWASP list for LLM applications, such as ``LLM01:2025``.
        model: digest of the model that said so, ``sha256:…``; empty for a deterministic rule.
    """

    rule: str
    start: int
    end: int
    score: float = 1.0
    atlas: str = ""
    owasp: str = ""
    model: str = ""


class Inspected(msgspec.Struct, frozen=True):
    """What an inspector said of one text.

    Attributes:
        verdict: what is to become of it.
        score: in [0, 1], unrounded, higher is worse.
        findings: what was found.
        digest: of the text that was looked at, ``sha256:…``.
        available: whether all that inspects took part; without it, rules alone spoke.
    """

    verdict: Verdict
    score: float = 0.0
    findings: tuple[Finding, ...] = ()
    digest: str = ""
    available: bool = True


class PromptInspector(Protocol):
    """Looks at what goes to a model. Safe for several threads; bounded work for any text within the limits."""

    def inspect(self, text: str, channel: Channel) -> Inspected:
        """Return what is to be thought of ``text``; a text of the operator always passes.

        A model that cannot be verified or loaded leaves the rules alone, and says so: ``available``.

        Raises:
            FaultyInputError: ``text_too_long``.
        """
        ...
