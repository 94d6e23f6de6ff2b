"""``ostiary inspect``: look into prompts, responses and tool calls, by the line or one alone."""

import importlib
import pkgutil

from cyclopts import App

import ostiary.cli.inspect

command = App(
    name="inspect", help="Look into texts as the gateway does: prompts for injection, responses for leaks, tool calls."
)
for _module in pkgutil.iter_modules(ostiary.cli.inspect.__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"ostiary.cli.inspect.{_module.name}").register(command)
