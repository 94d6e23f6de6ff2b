"""The ``ostiary`` command: finds the verbs and turns errors into exit codes.

- Each verb is one module of ``cli/verbs`` with a ``command`` (a function, or a cyclopts ``App`` with sub-commands).
- Verbs are found by looking into the folder and imported only when asked for, so that start-up stays quick.
- Exit codes: 0 ok, 1 error, 2 usage, 3 denied or refused, 4 step-up needed, 5 verification failed.

>>> "frob" in verb_names()
False
"""

import pkgutil
import sys

from cyclopts import App
from rich.console import Console

import ostiary.cli.verbs
from ostiary import __version__
from ostiary.errors import OstiaryError


def verb_names() -> list[str]:
    """Return the module names of all verbs, in order."""
    return sorted(module.name for module in pkgutil.iter_modules(ostiary.cli.verbs.__path__))


def build_app() -> App:
    """Return the command with every verb registered by its import path, not yet imported."""
    app = App(name="ostiary", help="A self-hosted Zero Trust control plane for AI systems.", version=__version__)
    for name in verb_names():
        app.command(f"ostiary.cli.verbs.{name}:command", name=name.replace("_", "-"))
    return app


def main() -> None:
    """Run the command line; an Ostiary error becomes one line on stderr and its exit code."""
    try:
        build_app()()
    except OstiaryError as fault:
        text = f"[red]error[/red]: {fault.message.replace('[', chr(92) + '[')} [dim]({fault.code})[/dim]"
        Console(stderr=True).print(text, highlight=False, soft_wrap=True)
        sys.exit(fault.exit_code)
