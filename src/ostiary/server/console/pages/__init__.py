"""The pages: each module has ``ROUTES``, and is found here by that.

A page asks the functions of the administrators' API for what it shows, and hands plain values to its template. It
carries out what it offers by them, too, so that the log tells of it as of anything else that is done by hand.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from ostiary.server.console.routes import Route


def all_routes() -> Iterator[Route]:
    """Return the routes of every module in this folder, in the order of their names."""
    for name in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        yield from getattr(import_module(f"{__name__}.{name}"), "ROUTES", ())
