"""The inside of a process that answers for one bundle: ``python -m ostiary.policy.ask_child``, one JSON a line.

- Limits are set before the first byte of policy is looked at. The first line is the bundle, each further one a
  question; each answer tells OPA's own words and which lines of the sources were touched.
"""

import base64
import sys
from typing import Any

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import ADAPTIVE, GUARDRAILS, new_instance
from ostiary.policy.limits import SandboxLimits
from ostiary.policy.opa_library import OpaInstance
from ostiary.policy.sandbox_child import confine

QUESTIONS = {"guardrails": GUARDRAILS, "adaptive": ADAPTIVE}


class Told(msgspec.Struct, frozen=True):
    """The bundle (path → base64) and the limits of its process."""

    files: dict[str, str]
    limits: SandboxLimits


class Question(msgspec.Struct, frozen=True):
    """One of the two questions, and its input document as JSON text; or conditions, to be told which of them hold."""

    document: str
    question: str = ""
    conditions: list[str] = []


class Answer(msgspec.Struct, frozen=True):
    """OPA's envelope as text, and the lines that were touched, by file; ``fault`` when there is no engine."""

    envelope: str = ""
    touched: dict[str, list[int]] = {}
    holds: list[bool | None] = []
    fault: str = ""


class _Row(msgspec.Struct):
    row: int


class _Range(msgspec.Struct):
    start: _Row
    end: _Row


class _File(msgspec.Struct):
    covered: list[_Range] | None = None


class _Coverage(msgspec.Struct):
    files: dict[str, _File] = {}


class _Envelope(msgspec.Struct):
    coverage: _Coverage | None = None


def main() -> None:
    """Answer every line until there is none."""
    lines = iter(sys.stdin.buffer.readline, b"")
    told = msgspec.json.decode(next(lines), type=Told)
    confine(told.limits)
    bundle = Bundle({path: base64.b64decode(text) for path, text in told.files.items()})
    try:
        opa = new_instance(bundle)
    except FaultyInputError as fault:
        for _ in lines:
            _say(Answer(fault=f"{fault.code}: {fault.message[:300]}"))
        return
    for line in lines:
        asked = msgspec.json.decode(line, type=Question)
        if asked.conditions:
            _say(Answer(holds=[_holds(opa, text, asked.document.encode()) for text in asked.conditions]))
            continue
        envelope = opa.evaluate(QUESTIONS[asked.question], asked.document.encode(), coverage=True)
        coverage = msgspec.json.decode(envelope, type=_Envelope).coverage
        files = coverage.files if coverage is not None else {}
        rows = {
            path: sorted({row for span in file.covered or () for row in range(span.start.row, span.end.row + 1)})
            for path, file in files.items()
        }
        _say(Answer(envelope.decode(), rows))


class _Expression(msgspec.Struct):
    value: Any = None


class _Solution(msgspec.Struct):
    expressions: list[_Expression] = []


class _Result(msgspec.Struct):
    result: list[_Solution] | None = None
    error: Any = None


def _holds(opa: OpaInstance, condition: str, document: bytes) -> bool | None:
    """Whether a condition of the bundle's own text holds; ``None`` when it cannot be asked alone."""
    try:
        answer = msgspec.json.decode(opa.query(condition, document), type=_Result)
    except (OstiaryError, msgspec.MsgspecError, ValueError):
        return None
    if answer.error is not None:
        return None
    # A query tells each expression's value, false ones too: a rule's body would have failed at those.
    return any(all(each.value is not False for each in one.expressions) for one in answer.result or ())


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
