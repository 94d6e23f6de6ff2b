"""``ostiary inspect prompt``: whether what goes to a model holds an attack.

- ``--jsonl`` reads ``{"id", "text", "channel": "user|data|operator"}`` a line, and answers each with
  ``{"id", "score", "verdict", "findings"}``: ``score`` in [0, 1], unrounded, higher is worse, 0.5 is where it blocks.
- The weights are verified before the first answer. Without them the rules alone speak, and stderr says so.
"""

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.inspect._lines import answer_lines
from ostiary.cli.output import err, out, plain, print_json
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.inspecting import Verdict
from ostiary.vocabulary.labels import Channel

if TYPE_CHECKING:
    from ostiary.inspection.prompt import Cascade

_REMEMBERED: Final = 16_384
_SHOWN: Final = 60


class Told(msgspec.Struct, frozen=True):
    """The answer for one text."""

    id: str | int
    score: float
    verdict: Verdict
    findings: list[dict[str, Any]]


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(prompt)


def prompt(
    *,
    jsonl: Annotated[bool, Parameter(negative="", help="Answer JSON lines of standard input, one by one.")] = False,
    text: Annotated[str | None, Parameter(allow_leading_hyphen=True, help="One text to look into.")] = None,
    channel: Annotated[str, Parameter(help="How that text came: user, data, tool or operator.")] = "user",
    json: Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")] = False,
    rules_only: Annotated[bool, Parameter(negative="", help="Ask no learned detector.")] = False,
) -> None:
    """Look for injected instructions in prompts (user) and in documents and tool results (data)."""
    if jsonl == (text is not None):
        raise FaultyInputError("option_invalid", "give either --jsonl or --text")
    inspector = _inspector(threads=1 if jsonl else os.cpu_count() or 1, rules_only=rules_only)
    if text is None:
        answer_lines(lambda row: _told(inspector, row), workers=os.cpu_count() or 1)
        return
    told = _told(inspector, {"id": "text", "text": text, "channel": channel})
    if json:
        print_json(told)
    else:
        _show(told, text)


def _inspector(threads: int, *, rules_only: bool) -> "Cascade":
    from ostiary.inspection.prompt import Cascade, open_prompt_inspector  # noqa: PLC0415 - for a quick start

    if rules_only:
        return Cascade({}, missing="asked for rules only", remembered=_REMEMBERED)
    inspector = open_prompt_inspector(threads=threads, remembered=_REMEMBERED)
    if inspector.missing:
        err.print(f"rules only: {inspector.missing}", markup=False)
    return inspector


def _told(inspector: "Cascade", row: dict[str, Any]) -> Told:
    text, channel = row.get("text"), row.get("channel")
    if not isinstance(text, str):
        raise FaultyInputError("text_missing", "every line needs a `text`, a string")
    if channel not in tuple(Channel):
        raise FaultyInputError("channel_unknown", "`channel` is one of `user`, `data`, `tool`, `operator`")
    found = inspector.inspect(text, Channel(channel))
    return Told(row["id"], found.score, found.verdict, [msgspec.structs.asdict(one) for one in found.findings])


def _show(told: Told, text: str) -> None:
    out.print(f"{told.verdict.value}  score {told.score:.4f}")
    for one in told.findings:
        part = text[one["start"] : one["end"]]
        short = plain(part if len(part) <= _SHOWN else f"{part[:_SHOWN]}…")
        ids = f"{one['owasp']} {one['atlas']}"
        out.print(f"  {one['rule']:32} {one['score']:.3f}  {one['start']}-{one['end']}  {ids}  {short!r}", markup=False)
