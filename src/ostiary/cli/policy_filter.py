"""``ostiary policy filter``: what a bundle's filter leaves as a condition on rows for one asker."""

import re
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Json
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.strict import NotStrictError, parse_object
from ostiary.policy.bundle import Bundle
from ostiary.policy.filter_sql import Dialect, where
from ostiary.policy.filters import FilterEngine
from ostiary.policy.limits import EngineSettings
from ostiary.policy.sandbox import try_out

_DEPTH: Final = 32


def command(
    bundle: Annotated[Path, Parameter(help="Folder or OPA archive.")],
    name: Annotated[str, Parameter(help="The filter: its package is `ostiary.filters.NAME`.")],
    /,
    *,
    input: Annotated[  # noqa: A002 - the word that policy has for it
        Path, Parameter(allow_leading_hyphen=True, help="Who asks, as a JSON object; `-` is stdin.")
    ] = Path("-"),
    target: Annotated[
        Literal["ucast", "sql"], Parameter(help="UCAST, or a WHERE with its values beside it, never in it.")
    ] = "ucast",
    dialect: Annotated[Dialect, Parameter(help="Whose SQL.")] = "postgresql",
    json: Json = False,
) -> None:
    """Leave what is said of `input.document` unknown, and print the condition on documents that remains.

    `null` in UCAST, and `1 = 0` in SQL, is a condition that no document fulfils; an empty one holds for all.
    """
    asker = _asker(input)
    loaded = Bundle.load(bundle)
    report = try_out(loaded, "lint")
    if report.errors:
        codes = [each.code for each in report.errors]
        raise RefusedError(codes[0], f"the bundle has {len(codes)} errors: see `ostiary policy lint`", codes)
    package = re.compile(rf"^package\s+ostiary\.filters\.{re.escape(name)}\s*$", re.MULTILINE)
    if not any(package.search(source) for source in loaded.live_sources.values()):
        raise FaultyInputError("filter_unknown", f"the bundle has no filter `{name[:80]}`")
    with FilterEngine(loaded) as engine:
        left = engine.ucast(name, asker)
    if target == "ucast":
        print_json(left)
        return
    found = where(left, dialect)
    if json:
        print_json(found)
    else:
        out.print(found.sql, markup=False)
        for number, value in enumerate(found.values, 1):
            out.print(f"{number}: {value!a}", markup=False)


def _asker(path: Path) -> dict[str, object]:
    most = EngineSettings().max_input_bytes
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            text = file.read(most + 1)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{str(path)[:200]}` cannot be read") from fault
    if len(text) > most:
        raise FaultyInputError("filter_input_too_large", f"the input has at most {most} bytes")
    try:
        return parse_object(text, _DEPTH)
    except NotStrictError as fault:
        raise FaultyInputError("filter_input_malformed", f"the input is no JSON object: {fault}") from fault
