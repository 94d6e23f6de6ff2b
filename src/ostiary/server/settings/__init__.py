"""Every setting of Ostiary: its sections, and where each value comes from.

>>> from ostiary.server.settings import load
>>> load(None, environ={"OSTIARY_SERVER__PORT": "9000"}).settings.server.port
9000
"""

from ostiary.server.settings.load import Loaded, load
from ostiary.server.settings.sections import Settings

__all__ = ["Loaded", "Settings", "load"]
