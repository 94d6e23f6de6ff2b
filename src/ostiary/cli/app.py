"""The ``ostiary`` command: finds the verbs and turns errors into exit codes.

- Each verb is one module of ``cli/verbs`` with a ``command`` (a function, or a cyclopts ``App`` with sub-commands).
- Verbs are found by looking into the folder and imported only when asked for, so that start-up stays quick; what they
  import stays, and garbage is looked for seldom.
- Exit codes: 0 ok, 1 error, 2 usage, 3 denied or refused, 4 step-up needed, 5 verification failed.

>>> "frob" in verb_names()
False
"""

import ast
import pkgutil
import sys
from pathlib import Path
from typing import NoReturn

from cyclopts import App

import ostiary.cli.verbs
from ostiary import __version__
from ostiary.cli.extras import missing, missing_module
from ostiary.errors import OstiaryError
from ostiary.server.tuning import seldom


def verb_names() -> list[str]:
    """Return the module names of all verbs, in order; a leading underscore marks a part of a verb."""
    found = (module.name for module in pkgutil.iter_modules(ostiary.cli.verbs.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def describe(name: str) -> str:
    """Return what a verb's module says of itself in its first line, read without importing it."""
    source = (Path(ostiary.cli.verbs.__path__[0]) / f"{name}.py").read_text("utf-8")
    text = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    words = (text.partition(": ")[2] or text).partition(". ")[0].rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


def asks_for_help(arguments: list[str]) -> bool:
    """Return whether the list of verbs will be shown; only then are all of them read."""
    return len(arguments) < 2 or arguments[1].startswith("-")  # noqa: PLR2004 - program and verb


def build_app() -> App:
    """Return the command with every verb registered by its import path, not yet imported."""
    app = App(name="ostiary", help="A self-hosted Zero Trust control plane for AI systems.", version=__version__)
    names = verb_names()
    words = {name: describe(name) for name in names} if asks_for_help(sys.argv) else {}
    for name in names:
        app.command(f"ostiary.cli.verbs.{name}:command", name=name.replace("_", "-"), help=words.get(name))
    return app


def main() -> None:
    """Run the command line; an Ostiary error becomes one line on stderr and its exit code."""
    seldom()
    try:
        build_app()()
    except OstiaryError as fault:
        _fail(fault)
    except ImportError as fault:
        module = missing_module(fault)
        if not module:
            raise
        _fail(missing(module))


def _fail(fault: OstiaryError) -> NoReturn:
    from ostiary.cli.output import Words  # noqa: PLC0415 - nothing is to be written where all goes well

    text = f"[red]error[/red]: {fault.message.replace('[', chr(92) + '[')} [dim]({fault.code})[/dim]"
    Words(stderr=True).print(text, highlight=False, soft_wrap=True)
    sys.exit(fault.exit_code)
