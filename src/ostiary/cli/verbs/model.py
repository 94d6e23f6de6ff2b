"""``ostiary model``: sign, verify, scan, register, promote and load models (and other files that a program loads)."""

import importlib
import pkgutil

from cyclopts import App

import ostiary.cli.model

command = App(name="model", help="Sign models, and verify them as they are verified before every load.")
for _module in pkgutil.iter_modules(ostiary.cli.model.__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"ostiary.cli.model.{_module.name}").register(command)
