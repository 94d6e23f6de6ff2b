"""``ostiary inspect tools``: which tool calls of a conversation may happen, and why others may not.

A line is ``{"id", "subject", "messages"}``, OpenAI's chat form; the last message holds the tool calls. The answer is
``{"id", "effect", "calls": [{"name", "effect", "reasons", "tainted"}]}``. The rules are those of a policy bundle, asked
in this process: no server, no data directory, no model. One line alone ends with 0, 3 (DENY) or 4 (STEP_UP).
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.artifacts.shipped import policies_dir
from ostiary.cli.inspect._lines import Bad, answer, answer_lines
from ostiary.errors import FaultyInputError
from ostiary.gateway.tools import CallsJudged, Manifest, judge_calls
from ostiary.gateway.tools.offline import RulesAsked
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.vocabulary.effects import Effect

DENIED: Final = 3
STEP_UP: Final = 4
_EXIT: Final = {"DENY": DENIED, "STEP_UP": STEP_UP}


class CallAnswer(msgspec.Struct, frozen=True):
    """What is said of one call."""

    name: str
    effect: str
    reasons: tuple[str, ...]
    tainted: tuple[str, ...]


class ToolsAnswer(msgspec.Struct, frozen=True):
    """What is said of a conversation's calls; the harshest of them is the effect."""

    id: str | int
    effect: str
    calls: tuple[CallAnswer, ...]


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(tools)


def tools(
    *,
    manifest: Annotated[Path, Parameter(help="The tools: JSON or YAML.")],
    jsonl: Annotated[bool, Parameter(negative="", help="One conversation a line, one answer a line.")] = False,
    bundle: Annotated[Path | None, Parameter(help="Policy bundle to use instead of the shipped one.")] = None,
) -> None:
    """Judge the tool calls of conversations from stdin by the rules of policy."""
    described = read_manifest(manifest)
    with OpaEngine(Bundle.load(bundle or policies_dir())) as engine:
        judge = Judge(described, RulesAsked(engine))
        if jsonl:
            answer_lines(judge)
            return
        said = answer(sys.stdin.buffer.read(), judge)
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
    if isinstance(said, Bad):
        sys.exit(1)
    if isinstance(said, ToolsAnswer) and said.effect in _EXIT:
        sys.exit(_EXIT[said.effect])


class Judge:
    """Judges one row after another."""

    def __init__(self, manifest: Manifest, ask: RulesAsked) -> None:
        """Take the tools, and what knows the rules."""
        self._manifest, self._ask = manifest, ask

    def __call__(self, row: dict[str, Any]) -> ToolsAnswer:
        """Answer one row.

        Raises:
            FaultyInputError: ``subject_invalid``, ``messages_…``.
        """
        judged = judge_calls(self._manifest, _subject(row.get("subject")), row.get("messages") or (), ask=self._ask)
        return told(row["id"], judged)


def told(name: str | int, judged: CallsJudged) -> ToolsAnswer:
    """Return the answer in its public form."""
    calls = tuple(CallAnswer(one.name, _word(one.effect), one.reasons, one.tainted) for one in judged.calls)
    return ToolsAnswer(name, _word(judged.effect), calls)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest from a file.

    Raises:
        FaultyInputError: ``manifest_…``.
    """
    try:
        return Manifest.parse(path.read_bytes())
    except OSError as fault:
        raise FaultyInputError("manifest_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _word(effect: Effect) -> str:
    if effect > Effect.STEP_UP:
        return "DENY"
    return "ALLOW" if effect.permits else "STEP_UP"


def _subject(told: Any) -> str:
    if isinstance(told, dict):
        told = told.get("id")
    if told is None or isinstance(told, str):
        return told or ""
    raise FaultyInputError("subject_invalid", "`subject` is a text or an object with an `id`")
