"""A hook of mkdocs: makes the reference pages that are nothing but the code, while the site is built.

- ``reference/verbs/NAME.md``: each verb of the command with all its options, as ``--help`` has them.
- ``reference/reasons.md``: every reason code of a decision, with its sentence.
- ``reference/codes.md``: every code of an error that the product raises, with the first text it comes with.
- ``reference/events.md``: the members of an access event, with their place in OCSF.
- ``reference/admin-api.md``: every route of the administrators' API.

They are made and never kept, so they cannot be out of date.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ROOT / "src" / "ostiary"
_ERROR: Final = re.compile(r"[A-Z]\w*Error\Z")
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+\Z")
_MEMBER: Final = re.compile(r"^    (\w+): ([^=#]+?)(?: = ([^#]+?))?\s*# (.+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site's."""
    for place, text in made().items():
        files.append(File.generated(config, place, content=text))
    return files


def made() -> dict[str, str]:
    """Return every page by its place below the folder of the documentation."""
    return {
        **{f"reference/verbs/{name}.md": text for name, text in verbs()},
        "reference/reasons.md": reasons(),
        "reference/codes.md": codes(),
        "reference/events.md": events(),
        "reference/admin-api.md": admin_api(),
    }


def verbs() -> Iterator[tuple[str, str]]:
    """Yield each verb's name and page."""
    from ostiary.cli.app import build_app  # noqa: PLC0415 - a hook is read before anybody asks for pages

    whole = build_app().generate_docs(output_format="markdown", recursive=True)
    for part in whole.split("\n## ostiary ")[1:]:
        name, _, rest = part.partition("\n")
        deeper = re.sub(r"^#(#+) ", r"\1 ", rest, flags=re.MULTILINE)  # each page begins at its own first level
        yield name.strip(), f"# ostiary {name.strip()}\n{deeper}"


def reasons() -> str:
    """Return the page of reason codes."""
    from ostiary.decision.words import SENTENCES  # noqa: PLC0415
    from ostiary.vocabulary.reasons import Reason  # noqa: PLC0415

    rows = "".join(f"| `{one.value}` | {_cell(SENTENCES.get(one, ''))} |\n" for one in Reason)
    head = "# Reason codes\n\nWhy a decision is as it is. A rule of policy has a code of its own: `rule:` and its id.\n"
    return f"{head}\n| code | in words |\n|---|---|\n{rows}"


def codes() -> str:
    """Return the page of codes that errors carry."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for code, kind, text in _raised(ast.parse(path.read_text())):
            found.setdefault(code, (kind, text))
    rows = "".join(f"| `{code}` | {kind} | {_cell(text)} |\n" for code, (kind, text) in sorted(found.items()))
    head = (
        "# Error codes\n\nEach is stable; texts may change. `RefusedError`: security said no. `VerificationError`: a "
        "proof or signature does not hold. `FaultyInputError`: what came in is malformed or too large. "
        "`UnavailableError`: something needed is away, and the answer was no. `…` stands for what differs.\n"
    )
    return f"{head}\n| code | kind | a text it comes with |\n|---|---|---|\n{rows}"


def _raised(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:  # noqa: PLR2004 - a code and a text
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        code = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if _ERROR.match(name) and isinstance(code, str) and _CODE.match(code):
            yield code, name, _text(node.args[1])


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
    return "…"


def events() -> str:
    """Return the page of access events."""
    source = (SOURCES / "vocabulary" / "events.py").read_text()
    parts = re.split(r"^class (\w+)\(", source, flags=re.MULTILINE)[1:]
    head = (
        "# Access events\n\nOne access in the form that signals, policy and records share; the last column says where "
        "it lies in OCSF 1.8, or what it is. Times are UTC nanoseconds.\n"
    )
    pages = [head]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        rows = "".join(
            f"| `{member}` | `{_cell(kind)}` | {f'`{default}`' if default else 'needed'} | {_cell(words)} |\n"
            for member, kind, default, words in _MEMBER.findall(text)
        )
        if rows:
            pages.append(f"\n## {name}\n\n| member | type | default | OCSF, or in words |\n|---|---|---|---|\n{rows}")
    return "".join(pages)


def admin_api() -> str:
    """Return the page of the administrators' API."""
    from ostiary.server.admin.api import build_admin  # noqa: PLC0415 - half a second

    told: dict[str, Any] = build_admin(None).openapi()  # type: ignore[arg-type] # nothing is asked of the office here
    rows = [
        f"| `{method.upper()}` | `{path}` | {_cell(deed.get('description') or deed.get('summary', ''))} |\n"
        for path, deeds in sorted(told["paths"].items())
        for method, deed in deeds.items()
    ]
    head = (
        "# Administrators' API\n\nEvery route below `/api/v1`, for an administrator's key. The server tells the whole "
        "document, with each body and answer, at `/api/v1/openapi.json`. Faults are `{code, message}`.\n"
    )
    return f"{head}\n| method | path | does |\n|---|---|---|\n{''.join(rows)}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
