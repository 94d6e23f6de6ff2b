"""How the demo is told: sentences and the output of real commands for a person, one JSON object for a program.

- A command that is shown is a command that was run: ``run`` prints it as it would be typed, then its own output.
- With ``--json`` nothing is narrated; every step is kept by name and printed at the end.
"""

import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.cli.output import err, out, print_json
from ostiary.errors import UnavailableError

_TIMEOUT_S: Final = 600
_WIDTH: Final = 108
_INDENT: Final = "   "


class Teller:
    """Narrates to a person, or collects for a program."""

    def __init__(self, *, as_json: bool) -> None:
        """Take for whom."""
        self._json = as_json
        self._steps: dict[str, Any] = {}
        self._act = 0

    def act(self, title: str) -> None:
        """Begin a part."""
        self._act += 1
        if not self._json:
            out.print(f"\n[bold]{self._act}. {title}[/bold]")
        else:
            err.print(title, style="dim", markup=False)

    def say(self, text: str) -> None:
        """Tell one thing."""
        if not self._json:
            for line in text.split("\n"):
                out.print(textwrap.fill(line, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT), markup=False)

    def note(self, text: str) -> None:
        """Tell of progress, to whoever waits."""
        err.print(text, style="dim", markup=False)

    def keep(self, name: str, value: Any) -> None:
        """Keep a step's result for a program."""
        self._steps[name] = value

    def kept(self, name: str) -> Any:
        """Return a step's result that was kept."""
        return self._steps[name]

    def show(self, name: str, value: Mapping[str, Any]) -> None:
        """Show a JSON document as it went over the wire, without tokens."""
        self.keep(name, value)
        if not self._json:
            text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
            out.print(textwrap.indent(text, _INDENT), markup=False, style="cyan")

    def run(self, name: str, *arguments: str) -> None:
        """Run an ``ostiary`` command, show it and what it printed, or keep its JSON.

        Raises:
            UnavailableError: ``demo_step_failed``: the command did not succeed.
        """
        if not self._json:
            out.print(f"{_INDENT}$ ostiary {shlex.join(arguments)}", style="bold green", markup=False)
        extra = ("--json",) if self._json else ()
        done = self._done([*arguments, *extra])
        if self._json:
            self.keep(name, msgspec.json.decode(done))
        else:
            out.print(textwrap.indent(done.rstrip(), _INDENT), markup=False)

    def attempt(self, name: str, *arguments: str) -> int:
        """Run an ``ostiary`` command that may be refused, show what it says, and return its exit code."""
        if not self._json:
            out.print(f"{_INDENT}$ ostiary {shlex.join(arguments)}", style="bold green", markup=False)
        done = self._ended(list(arguments))
        told = (done.stdout + done.stderr).strip()
        self.keep(name, {"exit": done.returncode, "told": told})
        if not self._json:
            out.print(textwrap.indent(told, _INDENT), markup=False)
            out.print(f"{_INDENT}(exit code {done.returncode})", style="dim", markup=False)
        return done.returncode

    def ask(self, *arguments: str) -> Any:
        """Return the JSON of an ``ostiary`` command that is not worth telling."""
        return msgspec.json.decode(self._done([*arguments, "--json"]))

    def _done(self, arguments: list[str]) -> str:
        done = self._ended(arguments)
        if done.returncode != 0:
            text = (done.stderr or done.stdout).strip().splitlines()
            raise UnavailableError("demo_step_failed", f"`ostiary {arguments[0]}` failed: {' '.join(text[-3:])}")
        return done.stdout

    @staticmethod
    def _ended(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ostiary.cli", *arguments]
        environ = {**os.environ, "COLUMNS": str(_WIDTH)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)  # noqa: S603

    def end(self) -> None:
        """Print what was collected."""
        if self._json:
            print_json(self._steps)
