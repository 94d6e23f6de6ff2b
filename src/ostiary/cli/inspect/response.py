"""``ostiary inspect response``: what of a model's answer may leave.

- ``--jsonl`` reads ``{"id", "text"}`` or ``{"id", "chunks": [...]}`` a line, optionally with ``tenant``, ``subject``,
  ``canaries: [...]`` and ``documents: [{"text", "cleared"}]``, and answers each with
  ``{"id", "released", "verdict", "findings"}``. A document is foreign unless ``cleared`` is true.
- ``released`` is one string. With ``--chunks`` it is a list as long as ``chunks``: what left after each piece, the
  last also what left when the stream was closed. Joined, it is the same as for the text in one piece. A ``text`` is
  one piece.
- ``--action RULE=ACTION`` changes what becomes of a class of rules; ``tokenise`` takes the pseudonyms' key of the
  tenant from the data directory.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.inspect._lines import answer_lines
from ostiary.cli.output import out, plain, print_json
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.ids import check_tenant
from ostiary.vocabulary.inspecting import Verdict

if TYPE_CHECKING:
    from ostiary.inspection.response import Document, Leaks, Scan

Replace = Callable[[str, str], str]


class Released(msgspec.Struct, frozen=True):
    """The answer for one response."""

    id: str | int
    released: str | list[str]
    verdict: Verdict
    findings: list[dict[str, Any]]


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(response)


def response(
    *,
    jsonl: Annotated[bool, Parameter(negative="", help="Answer JSON lines of standard input, one by one.")] = False,
    chunks: Annotated[bool, Parameter(negative="", help="Release piece by piece, one for each chunk.")] = False,
    text: Annotated[str | None, Parameter(allow_leading_hyphen=True, help="One response to look into.")] = None,
    canary: Annotated[list[str] | None, Parameter(help="With --text: a word that must not come out.")] = None,
    action: Annotated[
        list[str] | None, Parameter(help="RULE=ACTION: off, note, flag, redact, tokenise, ask, block.")
    ] = None,
    egress: Annotated[list[str] | None, Parameter(help="A host that links and images may point to.")] = None,
    json: Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")] = False,
    data: Annotated[Path | None, Parameter(help="Data directory, for pseudonyms.")] = None,
) -> None:
    """Look for secrets, people's numbers, canaries, foreign documents and dangerous links in responses."""
    if jsonl == (text is not None):
        raise FaultyInputError("option_invalid", "give either --jsonl or --text")
    judge = _Judge(_leaks(action or [], egress or []), data, chunks=chunks)
    if text is None:
        answer_lines(judge.told)
        return
    told = judge.told({"id": "text", "text": text, "canaries": canary or []})
    if json:
        print_json(told)
    else:
        _show(told, text)


def _leaks(actions: list[str], hosts: list[str]) -> "Leaks":
    from ostiary.inspection.response import DEFAULT_ACTIONS, Action, Leaks, LeakSettings  # noqa: PLC0415 - a quick start

    chosen = dict(DEFAULT_ACTIONS)
    for one in actions:
        rule, equals, name = one.partition("=")
        if not equals or name not in tuple(Action):
            raise FaultyInputError("option_invalid", f"`{one}` is not RULE=ACTION with one of {', '.join(Action)}")
        chosen[rule] = Action(name)
    return Leaks(LeakSettings(actions=chosen, egress_hosts=tuple(hosts)))


class _Judge:
    """Answers rows under one policy."""

    def __init__(self, leaks: "Leaks", data: Path | None, *, chunks: bool) -> None:
        self._leaks = leaks
        self._data = data
        self._chunks = chunks

    def told(self, row: dict[str, Any]) -> Released:
        """Return what becomes of one row."""
        pieces = _pieces(row)
        scan = self._leaks.scan(_texts(row, "canaries"), _documents(row), replace=self._replace(row))
        released = _released(scan, pieces)
        found = [msgspec.structs.asdict(one) for one in scan.findings]
        return Released(row["id"], released if self._chunks else "".join(released), scan.verdict, found)

    def _replace(self, row: dict[str, Any]) -> Replace:
        from ostiary.inspection.response import Action  # noqa: PLC0415 - a quick start
        from ostiary.inspection.response.scan import placeholder  # noqa: PLC0415 - the same

        tenant, subject = row.get("tenant", "default"), row.get("subject", "")
        if not isinstance(tenant, str) or not isinstance(subject, str):
            raise FaultyInputError("row_malformed", "`tenant` and `subject` are strings")
        check_tenant(tenant)
        if Action.TOKENISE not in self._leaks.settings.actions.values():
            return placeholder
        if not subject:
            raise FaultyInputError("subject_missing", "pseudonyms are somebody's: the row needs a `subject`")
        return self._pseudonyms(tenant, subject)

    def _pseudonyms(self, tenant: str, subject: str) -> Replace:
        from ostiary.inspection.response.pseudonyms import Pseudonyms  # noqa: PLC0415 - a quick start
        from ostiary.keys.tenant_secrets import TenantSecrets  # noqa: PLC0415 - the same
        from ostiary.server.places import Places, data_dir  # noqa: PLC0415 - the same

        secrets = TenantSecrets(Places(data_dir(self._data)).keys / "pseudonyms")
        return Pseudonyms(secrets.of(tenant), tenant, subject).name


def _pieces(row: dict[str, Any]) -> list[str]:
    if ("text" in row) == ("chunks" in row):
        raise FaultyInputError("text_missing", "every line needs either a `text` or `chunks`")
    if "chunks" in row:
        return _texts(row, "chunks")
    if not isinstance(row["text"], str):
        raise FaultyInputError("text_missing", "`text` is a string")
    return [row["text"]]


def _texts(row: dict[str, Any], name: str) -> list[str]:
    texts = row.get(name, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise FaultyInputError("row_malformed", f"`{name}` is a list of strings")
    return texts


def _documents(row: dict[str, Any]) -> "list[Document]":
    from ostiary.inspection.response import Document  # noqa: PLC0415 - a quick start

    documents = row.get("documents", [])
    if not isinstance(documents, list):
        raise FaultyInputError("row_malformed", "`documents` is a list of objects with `text` and `cleared`")
    try:
        # A flag that is not there clears nobody.
        return [msgspec.convert(document, Document) for document in documents]
    except msgspec.ValidationError as fault:
        raise FaultyInputError("row_malformed", f"a document cannot be read: {fault}") from fault


def _released(scan: "Scan", pieces: list[str]) -> list[str]:
    released = [scan.feed(piece) for piece in pieces]
    rest = scan.close()
    if released:
        released[-1] += rest
    return released


def _show(told: Released, text: str) -> None:
    out.print(told.verdict.value)
    for one in told.findings:
        short = plain(text[one["start"] : one["end"]][:4])  # a secret is not shown again
        out.print(
            f"  {one['rule']:32} {one['start']}-{one['end']}  {one['owasp']} {one['atlas']}  {short!r}…", markup=False
        )
    out.print(plain(str(told.released)), markup=False)
