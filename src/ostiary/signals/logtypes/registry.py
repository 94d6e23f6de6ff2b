"""Every table of ``logtypes`` with its normaliser, by the log type's name and by its format's name."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from ostiary.signals import logtypes as folder
from ostiary.signals.logtypes.reading import Normalise, normaliser
from ostiary.signals.logtypes.table import LogType


@cache
def modules() -> tuple[ModuleType, ...]:
    """Return the modules that hold tables, in the order of their names."""
    names = (module.name for module in pkgutil.iter_modules(folder.__path__))
    found = (importlib.import_module(f"{folder.__name__}.{name}") for name in names)
    return tuple(module for module in found if hasattr(module, "TYPES"))


@cache
def log_types() -> dict[str, LogType]:
    """Return every log type by its name, in order."""
    return dict(sorted((kind.name, kind) for module in modules() for kind in module.TYPES))


@cache
def normaliser_of(name: str) -> Normalise:
    """Return the normaliser of the log type called ``name``.

    Raises:
        KeyError: there is none.
    """
    return normaliser(log_types()[name])
